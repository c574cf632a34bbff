"""`python -m aftershock_components.escalation`.

ESCALATION_POLICY names the policy, ESCALATION_STATE the file of what was told, ALERTMANAGER_URL Alertmanager,
PORT the port (8080).
"""

from __future__ import annotations

import os
from pathlib import Path

import httpx

from aftershock_components.escalation.app import Loop, create_escalation
from aftershock_components.escalation.escalator import Escalator, Told
from aftershock_components.escalation.policy import PolicyError, read_policy
from aftershock_components.serving import serve

TIMEOUT_S = 5.0


def main() -> None:
    """Serve until told to stop.

    Raises:
        SystemExit: the policy is missing or cannot be carried out.

    """
    path = Path(os.environ.get("ESCALATION_POLICY", "/etc/escalation/policy.toml"))
    try:
        policy = read_policy(path.read_text(encoding="utf-8"))
    except (OSError, PolicyError) as error:
        raise SystemExit(f"ESCALATION_POLICY={path}: {error}") from error
    told = Told(Path(os.environ.get("ESCALATION_STATE", "/data/told")))
    url = os.environ.get("ALERTMANAGER_URL", "http://alertmanager:9093")
    client = httpx.AsyncClient(timeout=TIMEOUT_S)
    serve(create_escalation(Loop(Escalator(policy, told), client, alertmanager=url)))


if __name__ == "__main__":
    main()
