"""What a container wrote before it crashed, kept: the pod's end takes it with it.

In the ConfigMap autorecovery-logs beside the component, a key for each container and restart: the last
16 KiB each, twenty in all, so it stays below a ConfigMap's 1 MiB. Who may read it there may read what
the containers wrote.
"""

from __future__ import annotations

from aftershock_components.autorecovery.findings import Finding
from aftershock_components.autorecovery.incidents import Plan
from aftershock_components.autorecovery.kube import Json, KubeError, UnavailableError
from aftershock_components.autorecovery.objects import statuses
from aftershock_components.autorecovery.playbooks import KeepLogs
from aftershock_components.autorecovery.steps.pods import pod_of
from aftershock_components.autorecovery.steps.protocol import Changed, Done, Later, Nothing, Setting

__all__ = ["MOST", "keep_logs", "plan_keep_logs"]

MOST = 20
LINES = "500"
LONGEST_KEY = 253


async def plan_keep_logs(step: KeepLogs, finding: Finding, setting: Setting) -> Plan | Later | Nothing:
    """Plan to keep the log of the run of the container that ended last."""
    pod = await pod_of(finding, setting)
    if isinstance(pod, Nothing):
        return pod
    meta, container = pod["metadata"], finding.data["container"]
    restarts = [status.get("restartCount", 0) for status in statuses(pod) if status["name"] == container]
    if not restarts or not restarts[0]:
        return Nothing(f"container {container} of pod {meta['name']} was not restarted yet")
    return Plan(
        do="keep-logs",
        what=f"keep the log of container {container} of pod {meta['name']} before restart {restarts[0]}",
        about=f"pod/{meta['namespace']}/{meta['name']}",
        data={
            "namespace": meta["namespace"],
            "name": meta["name"],
            "container": container,
            "key": f"{meta['namespace']}.{meta['name']}.{container}.{restarts[0]}"[-LONGEST_KEY:],
        },
        numbers={"bytes": step.bytes},
    )


async def keep_logs(plan: Plan, mark: str, setting: Setting) -> Done | Later | Changed | Nothing:  # noqa: ARG001 - one signature for all
    """Read the log and keep its end; the oldest goes where there are too many."""
    data = plan.data
    path = f"/api/v1/namespaces/{data['namespace']}/pods/{data['name']}/log"
    try:
        text = await setting.kube.text(path, container=data["container"], previous="true", tailLines=LINES)
    except UnavailableError:
        raise
    except KubeError as error:  # the pod is gone, or the node has removed the log
        return Nothing(f"there is no earlier log of container {data['container']}: {error}")
    kept: Json = await setting.kube.get(setting.logs)
    order = [key for key in (kept["metadata"].get("annotations") or {}).get(ORDER, "").split(",") if key]
    order = [key for key in order if key != data["key"]] + [data["key"]]
    gone = order[: max(0, len(order) - MOST)]
    tail = text.encode()[-plan.numbers["bytes"] :].decode("utf-8", "replace")
    await setting.kube.patch(
        setting.logs,
        {
            "metadata": {
                "resourceVersion": kept["metadata"]["resourceVersion"],
                "annotations": {ORDER: ",".join(order[len(gone) :])},
            },
            "data": {**dict.fromkeys(gone), data["key"]: tail},
        },
    )
    return Done(plan.what)


ORDER = "autorecovery.aftershock.dev/order"
"""The annotation that lists the keys, the oldest first: an object's own have no order."""
