"""An API whose Job controller and kubelet run carriers, for the tests of faults that use them."""

from __future__ import annotations

from typing import Any

from aftershock.testing.kube import FakeApi, pod

JOBS = "/apis/batch/v1/namespaces/aftershock/jobs/"
PODS = "/api/v1/namespaces/aftershock/pods/"
WEB = "/api/v1/namespaces/demo/pods/web-0"


class Node(FakeApi):
    """An API whose Job controller and kubelet start every carrier, and end it with `exit_code`."""

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[str, Any] = {"terminated": {"exitCode": 0}}
        self.on_change = self.react

    def react(self, method: str, path: str) -> None:
        if not path.startswith(JOBS):
            return
        name = path.removeprefix(JOBS)
        if method == "DELETE":
            self.delete(f"{PODS}{name}-abc")
            return
        spec = {"containers": [{"name": "carrier", "image": "components"}]}
        carrier = pod(f"{name}-abc", namespace="aftershock", app="", owner=f"Job/{name}", spec=spec)
        carrier["metadata"]["labels"] = {"job-name": name}
        carrier["status"]["containerStatuses"][0]["state"] = self.state
        self.add_pods(carrier)

    def kill(
        self, *, reason: str = "OOMKilled", container_id: str = "containerd://web-0-0", restarts: int = 1
    ) -> None:
        """Let the application end, and start it again."""
        found = self.get(WEB)
        ended = {
            "containerID": container_id,
            "reason": reason,
            "exitCode": 137,
            "finishedAt": "2026-01-01T00:00:02Z",
        }
        status = found["status"]["containerStatuses"][0]
        status |= {
            "containerID": "containerd://web-0-1",
            "restartCount": restarts,
            "lastState": {"terminated": ended},
        }
        self.add_pods(found)

    def end(self, code: int | None) -> None:
        """Let the carriers that are there have ended with `code`, or still run."""
        state = {"running": {}} if code is None else {"terminated": {"exitCode": code}}
        for path, found in self.objects.items():
            if path.startswith(PODS):
                found["status"]["containerStatuses"][0]["state"] = state

    def jobs(self) -> list[str]:
        return [path for path in self.objects if path.startswith(JOBS)]

    def commands(self) -> list[list[str]]:
        created = [
            body
            for method, path, body in self.calls
            if method == "POST" and body and body.get("kind") == "Job"
        ]
        return [body["spec"]["template"]["spec"]["containers"][0]["command"][3:] for body in created]
