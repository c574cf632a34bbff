"""Steps on a pod: its budget, and its end."""

from __future__ import annotations

from aftershock_components.autorecovery.exclusions import why_excluded
from aftershock_components.autorecovery.findings import Finding
from aftershock_components.autorecovery.incidents import Plan
from aftershock_components.autorecovery.kube import ConflictError, GoneError, Json, NotNowError
from aftershock_components.autorecovery.objects import controller_of, deployment_of, rolling
from aftershock_components.autorecovery.playbooks import MakeBudget, RestartPod
from aftershock_components.autorecovery.steps.protocol import Done, Later, Nothing, Setting

__all__ = ["create_budget", "deployment_path", "evict", "plan_budget", "plan_restart", "pod_of"]

MANAGED = {"app.kubernetes.io/managed-by": "autorecovery"}


def deployment_path(namespace: str, name: str) -> str:
    """Return the API path of a deployment."""
    return f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"


async def pod_of(finding: Finding, setting: Setting) -> Json | Nothing:
    """Return the very pod of a finding as it is now."""
    data = finding.data
    pod = await setting.kube.find(f"/api/v1/namespaces/{data['namespace']}/pods/{data['pod']}")
    if pod is None or pod["metadata"]["uid"] != data["uid"]:
        return Nothing(f"pod {data['pod']} is gone already")
    if pod["metadata"].get("deletionTimestamp"):
        return Nothing(f"pod {data['pod']} is being deleted already")
    why = why_excluded(pod, setting.rules)
    return Nothing(why, excluded=True) if why else pod


async def plan_restart(step: RestartPod, finding: Finding, setting: Setting) -> Plan | Later | Nothing:  # noqa: ARG001 - one signature for all
    """Plan the eviction of the pod, unless its deployment is in the middle of a rollout."""
    pod = await pod_of(finding, setting)
    if isinstance(pod, Nothing):
        return pod
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    if not controller_of(pod)[0]:
        return Nothing(f"pod {name} has no controller: nobody would make it again")
    owner = deployment_of(pod)
    deployment = await setting.kube.find(deployment_path(namespace, owner)) if owner else None
    if deployment is not None:
        why = why_excluded(deployment, setting.rules)
        if why:
            return Nothing(why, excluded=True)
        busy = rolling(deployment)
        if busy:
            return Later(f"deployment {owner}: {busy}")
    return Plan(
        do="evict",
        what=f"restart pod {name}: {finding.says}",
        about=f"pod/{namespace}/{name}",
        data={"namespace": namespace, "name": name, "uid": pod["metadata"]["uid"]},
    )


async def evict(plan: Plan, mark: str, setting: Setting) -> Done | Later | Nothing:  # noqa: ARG001 - one signature for all
    """Evict the very pod; one that is gone, or another of its name, is what was wanted."""
    try:
        await setting.kube.evict(**plan.data)
    except NotNowError as error:
        return Later(f"pod {plan.data['name']} may not be evicted now: {error}")
    except (GoneError, ConflictError):
        return Done(f"pod {plan.data['name']} is gone already")
    return Done(plan.what)


async def plan_budget(step: MakeBudget, finding: Finding, setting: Setting) -> Plan | Later | Nothing:
    """Plan a budget for the pod's deployment, if none speaks for the pod."""
    pod = await pod_of(finding, setting)
    if isinstance(pod, Nothing):
        return pod
    namespace, owner = pod["metadata"]["namespace"], deployment_of(pod)
    deployment = await setting.kube.find(deployment_path(namespace, owner)) if owner else None
    if deployment is None:
        return Nothing(f"pod {pod['metadata']['name']} is of no deployment: a budget has nobody to speak for")
    why = why_excluded(deployment, setting.rules)
    if why:
        return Nothing(why, excluded=True)
    selector = deployment["spec"]["selector"].get("matchLabels") or {}
    if not selector or deployment["spec"]["selector"].get("matchExpressions"):
        return Nothing(f"deployment {owner} selects by more than labels")
    budgets = await setting.kube.items(f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets")
    spoken = [budget["metadata"]["name"] for budget in budgets if _speaks_for(budget, pod)]
    if spoken:
        return Nothing(f"the budget {', '.join(spoken)} speaks for it")
    return Plan(
        do="create-budget",
        what=f"make a budget for deployment {owner}: {step.max_unavailable} pod away at a time",
        about=f"deployment/{namespace}/{owner}",
        data={"namespace": namespace, "name": f"autorecovery-{owner}", **_prefixed(selector)},
        numbers={"max_unavailable": step.max_unavailable},
    )


async def create_budget(plan: Plan, mark: str, setting: Setting) -> Done | Later | Nothing:  # noqa: ARG001 - one signature for all
    """Create the budget; one of its name is there already after a first try."""
    selector = {name.removeprefix(LABEL): text for name, text in plan.data.items() if name.startswith(LABEL)}
    namespace = plan.data["namespace"]
    body: Json = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": plan.data["name"], "namespace": namespace, "labels": MANAGED},
        "spec": {
            "maxUnavailable": plan.numbers["max_unavailable"],
            "selector": {"matchLabels": selector},
            # Or a pod that crashes could not be evicted: it counts as away already.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
    try:
        await setting.kube.create(f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets", body)
    except ConflictError:
        return Done(f"the budget {plan.data['name']} is there already")
    return Done(plan.what)


LABEL = "label:"


def _prefixed(selector: dict[str, str]) -> dict[str, str]:
    return {f"{LABEL}{name}": text for name, text in selector.items()}


def _speaks_for(budget: Json, pod: Json) -> bool:
    """Whether a budget selects the pod; one that selects by expressions is taken to."""
    selector = budget["spec"].get("selector") or {}
    if selector.get("matchExpressions"):
        return True
    labels = pod["metadata"].get("labels") or {}
    return bool((selector.get("matchLabels") or {}).items() <= labels.items())
