"""Vertical autoscaling: that it recommends, and that it evicts pods that ask for something else."""

from __future__ import annotations

from datetime import timedelta

from aftershock.clock import wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.stack import is_ready
from aftershock.cluster.targets import Target, Workload, find_workload
from aftershock.errors import DeadlineError, EnvironmentUnusableError, FeatureError
from aftershock.judge.question import Question
from aftershock.judge.vertical import vpa_evicted, vpa_recommended
from aftershock.observe.vertical import record_vpa
from aftershock.scene.stage import Stage

__all__ = ["ADDONS", "Vertical"]

ADDONS = {
    "autorecovery": Target.path_of("deployment/autorecovery/autorecovery"),
    "custom-metrics": Target.path_of("deployment/monitoring/prometheus-adapter"),
    "vpa": Target.path_of("deployment/kube-system/vpa-updater"),
}
"""The addons, each with the deployment by which it is known to be there."""

_SETTLES_S = 60.0
_LOOK_S = 1.0


class Vertical:
    """What a scenario says of one Vertical Pod Autoscaler, by the name of the workload that it scales."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def needs(self, addon: str) -> None:
        """Go on only where the addon is deployed and ready.

        Raises:
            FeatureError: there is no such addon.
            EnvironmentUnusableError: it is not deployed; the message says how to.

        """
        if addon not in ADDONS:
            raise FeatureError(f"there is no addon {addon!r}", expected=", ".join(ADDONS))
        found = self.stage.api.find(ADDONS[addon])
        if found is None or not is_ready({**found, "kind": "Deployment"}):
            raise EnvironmentUnusableError(
                f"the addon {addon} is not deployed",
                expected=f"a ready {ADDONS[addon].rpartition('/')[2]}",
                found="none" if found is None else "one that is not ready",
                hint=f"aftershock up --with {addon}",
            )

    def asks_as_written(self, workload: str) -> None:
        """Delete the pods whose requests are not those of their template, and wait for new ones.

        Raises:
            EnvironmentUnusableError: the new ones do not come, or ask for something else too.

        """
        path = Target.path_of(f"deployment/{find_workload(self.stage.api, workload)}")

        def settled() -> bool:
            deployment = self.stage.api.get(path)
            wanted = _requests(deployment["spec"]["template"]["spec"])
            strangers = [p for p in find_workload(self.stage.api, workload).pods if _differs(p, wanted)]
            for pod in strangers:
                if not pod["metadata"].get("deletionTimestamp"):
                    self.stage.api.delete(Target.of("pod", pod).path)
            return not strangers and is_ready({**deployment, "kind": "Deployment"})

        try:
            wait_until(
                settled,
                within_s=_SETTLES_S,
                every_s=_LOOK_S,
                what=f"{workload} to ask for what its template says",
                clock=self.stage.timeline.clock,
            )
        except DeadlineError as error:
            raise EnvironmentUnusableError(error.message, found=error.found) from error

    def may_act(self, workload: str) -> None:
        """Let the autoscaler evict, until the scenario ends; then it is as it was."""
        place = find_workload(self.stage.api, workload)
        self.stage.sets(
            f"verticalpodautoscaler/{place}", {("spec", "updatePolicy", "updateMode"): "Recreate"}
        )
        self.stage.timeline.record("harness", "vpa-may-act", f"vpa/{place}")

    def recommends(self, workload: str, *, within_s: float) -> None:
        """Hold that it recommends requests within `within_s` of the scenario's beginning."""
        place = find_workload(self.stage.api, workload)
        since = self.stage.opened
        self.stage.judged(
            Question.of(vpa_recommended, vpa=f"vpa/{place}", within_s=within_s, since=since),
            by=since + timedelta(seconds=within_s),
            look=lambda: self._look(place),
        )

    def evicts(self, workload: str, *, within_s: float) -> None:
        """Hold that it evicts a pod within `within_s` of being let, and the new one is as recommended."""
        place = find_workload(self.stage.api, workload)
        let = self.stage.timeline.select(source="harness", kind="vpa-may-act")
        if not let:
            raise FeatureError("the vertical autoscaler may not act yet", hint="a When step has to let it")
        self.stage.judged(
            Question.of(
                vpa_evicted,
                vpa=f"vpa/{place}",
                workload=f"deployment/{place}",
                within_s=within_s,
                since=let[-1].at,
            ),
            by=let[-1].at + timedelta(seconds=within_s),
            look=lambda: self._look(place),
        )

    def _look(self, place: Workload) -> None:
        record_vpa(
            self.stage.api,
            self.stage.timeline,
            namespace=place.namespace,
            name=place.name,
            resolution_s=2 * _LOOK_S,
        )


def _requests(spec: Json) -> dict[str, Json]:
    return {c["name"]: (c.get("resources") or {}).get("requests") or {} for c in spec["containers"]}


def _differs(pod: Json, wanted: dict[str, Json]) -> bool:
    return _requests(pod["spec"]) != wanted
