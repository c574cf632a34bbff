"""Steps on a deployment's size: its replicas, or, where an HPA owns them, the HPA's least."""

from __future__ import annotations

from dataclasses import dataclass

from aftershock_components.autorecovery.exclusions import why_excluded
from aftershock_components.autorecovery.findings import Finding
from aftershock_components.autorecovery.incidents import Plan
from aftershock_components.autorecovery.kube import ConflictError, Json
from aftershock_components.autorecovery.objects import rolling
from aftershock_components.autorecovery.playbooks import RestartPod, ScaleOut, ScaleTo
from aftershock_components.autorecovery.steps.pods import deployment_path, plan_restart
from aftershock_components.autorecovery.steps.protocol import (
    BY,
    Changed,
    Done,
    Later,
    Nothing,
    Setting,
    annotations_of,
)

__all__ = ["hpa_of", "plan_scale_out", "plan_scale_to", "put_back", "set_number"]


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """A deployment that may be scaled now, and the HPA that owns its replicas."""

    deployment: Json
    hpa: Json | None

    @property
    def replicas(self) -> int:
        """Return how many it has."""
        return int(self.deployment["spec"].get("replicas", 1))

    def ceiling(self, most: int) -> int:
        """Return how far it may go: no further than its HPA lets it."""
        return min(most, int(self.hpa["spec"]["maxReplicas"])) if self.hpa else most

    def plan(self, to: int, why: str) -> Plan:
        """Plan to give it `to` replicas."""
        meta = self.deployment["metadata"]
        namespace, name = meta["namespace"], meta["name"]
        if self.hpa is None:
            before, path, field = self.replicas, deployment_path(namespace, name), "replicas"
            what = f"scale deployment {name} from {before} to {to} replicas: {why}"
        else:
            hpa = self.hpa["metadata"]["name"]
            before, field = int(self.hpa["spec"].get("minReplicas", 1)), "minReplicas"
            path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{hpa}"
            what = f"raise the least of HPA {hpa}, which owns deployment {name}, from {before} to {to}: {why}"
        return Plan(
            do="set-number",
            what=what,
            about=f"deployment/{namespace}/{name}",
            data={"path": path, "field": field},
            numbers={"before": before, "to": to},
        )


async def plan_scale_out(step: ScaleOut, finding: Finding, setting: Setting) -> Plan | Later | Nothing:
    """Plan `by` replicas more, up to `most`; beyond that, what the step says."""
    scaled = await _scaled(finding, setting)
    if isinstance(scaled, Later | Nothing):
        unscalable = isinstance(scaled, Nothing) and not scaled.excluded
        return await _beyond(step, finding, setting, scaled) if unscalable else scaled
    to = min(scaled.replicas + step.by, scaled.ceiling(step.most))
    if to <= scaled.replicas:
        full = Nothing(f"it has {scaled.replicas} replicas, and {scaled.ceiling(step.most)} are the most")
        return await _beyond(step, finding, setting, full)
    return scaled.plan(to, finding.says)


async def _beyond(
    step: ScaleOut, finding: Finding, setting: Setting, otherwise: Later | Nothing
) -> Plan | Later | Nothing:
    if step.beyond == "restart-pod" and "pod" in finding.data and "uid" in finding.data:
        return await plan_restart(RestartPod(), finding, setting)
    return otherwise


async def plan_scale_to(step: ScaleTo, finding: Finding, setting: Setting) -> Plan | Later | Nothing:
    """Plan at least `to` replicas."""
    scaled = await _scaled(finding, setting)
    if isinstance(scaled, Later | Nothing):
        return scaled
    to = scaled.ceiling(step.to)
    if scaled.replicas >= to:
        return Nothing(f"it has {scaled.replicas} replicas already")
    return scaled.plan(to, finding.says)


async def set_number(plan: Plan, mark: str, setting: Setting) -> Done | Later | Changed | Nothing:
    """Set the number, if it is still what it was when it was planned."""
    path, field = plan.data["path"], plan.data["field"]
    found = await setting.kube.find(path)
    if found is None:
        return Nothing(f"{plan.about} is gone")
    if annotations_of(found).get(BY) == mark:
        return Done(f"{plan.what} (done before)")
    if found["spec"].get(field, 1) != plan.numbers["before"]:
        return Changed(f"{field} is {found['spec'].get(field)} by now")
    meta = {"resourceVersion": found["metadata"]["resourceVersion"], "annotations": {BY: mark}}
    try:
        await setting.kube.patch(path, {"metadata": meta, "spec": {field: plan.numbers["to"]}})
    except ConflictError as error:
        return Changed(str(error))
    return Done(plan.what)


async def put_back(plan: Plan, setting: Setting) -> Done | Later:
    """Set the number back, unless somebody has changed it since."""
    path, field = plan.data["path"], plan.data["field"]
    before, to = plan.numbers["before"], plan.numbers["to"]
    found = await setting.kube.find(path)
    if found is None:
        return Done(f"{plan.about} is gone")
    now = found["spec"].get(field, 1)
    if now != to:
        return Done(f"{field} of {plan.about} is left at {now}: somebody has set it since")
    meta = {"resourceVersion": found["metadata"]["resourceVersion"], "annotations": {BY: None}}
    try:
        await setting.kube.patch(path, {"metadata": meta, "spec": {field: before}})
    except ConflictError as error:
        return Later(str(error))
    return Done(f"{field} of {plan.about} is {before} again")


async def hpa_of(deployment: Json, setting: Setting) -> Json | None:
    """Return the HPA that owns a deployment's replicas, None if none does."""
    meta = deployment["metadata"]
    for hpa in await setting.kube.items(
        f"/apis/autoscaling/v2/namespaces/{meta['namespace']}/horizontalpodautoscalers"
    ):
        target = hpa["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) == ("Deployment", meta["name"]):
            return hpa
    return None


async def _scaled(finding: Finding, setting: Setting) -> Scaled | Later | Nothing:
    deployment = await _deployment(finding, setting)
    if isinstance(deployment, Nothing):
        return deployment
    why = why_excluded(deployment, setting.rules)
    if why:
        return Nothing(why, excluded=True)
    name = deployment["metadata"]["name"]
    if deployment["spec"].get("replicas", 1) == 0:
        return Nothing(f"deployment {name} is scaled to 0: somebody wants it so")
    busy = rolling(deployment)
    if busy:
        return Later(f"deployment {name}: {busy}")
    return Scaled(deployment=deployment, hpa=await hpa_of(deployment, setting))


async def _deployment(finding: Finding, setting: Setting) -> Json | Nothing:
    """Return the deployment of a finding: its pod's, or the one that an alert's labels name."""
    data = finding.data
    kind, _, rest = data.get("workload", "").partition("/")
    if kind == "deployment":
        namespace, _, name = rest.partition("/")
        found = await setting.kube.find(deployment_path(namespace, name))
        return found or Nothing(f"there is no deployment {name}")
    if kind or "namespace" not in data:
        return Nothing(f"{finding.subject} is of no deployment")
    named = data.get("deployment") or data.get("service") or data.get("job") or ""
    all_of_them = await setting.kube.items(f"/apis/apps/v1/namespaces/{data['namespace']}/deployments")
    hits = [item for item in all_of_them if item["metadata"]["name"] == named] or [
        item for item in all_of_them if named and named in _names_of(item)
    ]
    if len(hits) != 1:
        found_names = ", ".join(item["metadata"]["name"] for item in hits) or "none"
        return Nothing(f"one deployment called {named or '(nothing)'} is expected; found: {found_names}")
    return hits[0]


def _names_of(deployment: Json) -> tuple[str, ...]:
    """Return what its pods are called by monitoring."""
    labels = deployment["spec"]["template"]["metadata"].get("labels") or {}
    return tuple(labels[name] for name in ("app.kubernetes.io/name", "app") if name in labels)
