"""Has auto-recovery forget what it did, so that every trial is the first of its workload."""

from __future__ import annotations

import json

from aftershock.clock import rfc3339, wait_until
from aftershock.cluster.api import KubeApi
from aftershock.cluster.targets import is_live
from aftershock.errors import EnvironmentUnusableError
from aftershock.timeline import Timeline

__all__ = ["forget"]

_SPACE = "/api/v1/namespaces/autorecovery"
_STATE = f"{_SPACE}/configmaps/autorecovery-incidents"
_LEASE = "/apis/coordination.k8s.io/v1/namespaces/autorecovery/leases/autorecovery"
_FIELD = "state"
_TAKES_OVER_S = 30.0


def forget(api: KubeApi, timeline: Timeline) -> None:
    """Take the actions out of its memory, and give the lead to the other replica: who takes over reads anew.

    What it has seen stays: trouble of the trial before is not taken for new.

    Raises:
        EnvironmentUnusableError: there is no other replica.
        DeadlineError: it does not take over.

    """
    state = json.loads((api.get(_STATE).get("data") or {}).get(_FIELD, "{}"))
    if not state.get("acts"):
        return
    holder = api.get(_LEASE)["spec"]["holderIdentity"]
    replicas = [
        f"{pod['metadata']['name']}/{pod['status'].get('podIP', '')}"
        for pod in api.items(f"{_SPACE}/pods", labelSelector="app.kubernetes.io/name=autorecovery")
        if is_live(pod)
    ]
    other = next((replica for replica in replicas if replica != holder), None)
    if other is None:
        raise EnvironmentUnusableError(
            "auto-recovery has no second replica", hint="aftershock up --with autorecovery"
        )
    api.patch(_STATE, {"data": {_FIELD: json.dumps({**state, "acts": []})}})
    given_at = rfc3339(timeline.clock.now())
    api.patch(_LEASE, {"spec": {"holderIdentity": other, "renewTime": given_at}})

    def leads() -> bool:
        spec = api.get(_LEASE)["spec"]
        return bool(spec["holderIdentity"] == other and spec["renewTime"] != given_at)

    wait_until(leads, within_s=_TAKES_OVER_S, every_s=0.5, what=f"{other} to lead", clock=timeline.clock)
