"""Disruption budgets: one that allows nothing, and what it stops."""

from __future__ import annotations

from aftershock.cluster.api import Json
from aftershock.cluster.targets import find_workload
from aftershock.errors import FeatureError, TransientError
from aftershock.judge.budgets import evictions_refused, scaled_down_past_budget
from aftershock.judge.question import Question
from aftershock.scene.stage import Stage

__all__ = ["Budgets"]

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget"
"""What the API says of an eviction that a budget refuses: other 429s are none of the budget's."""


class Budgets:
    """What a scenario says of the disruption budget of a workload."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def allows_none(self, workload: str) -> None:
        """Have the budget of that name ask for every pod, until the scenario ends.

        Raises:
            FeatureError: there is no budget of that name.

        """
        place = find_workload(self.stage.api, workload)
        path = f"/apis/policy/v1/namespaces/{place.namespace}/poddisruptionbudgets/{place.name}"
        budget = self.stage.api.find(path)
        if budget is None:
            raise FeatureError(f"{workload} has no disruption budget of its name")
        by_share = "minAvailable" in budget["spec"]
        self.stage.sets(
            "poddisruptionbudget",
            namespace=place.namespace,
            called=place.name,
            values={("spec", "minAvailable"): "100%"} if by_share else {("spec", "maxUnavailable"): 0},
        )

    def refuses(self, workload: str) -> None:
        """Hold that no pod of the workload could be evicted now; asks for each, as a dry run."""
        place = find_workload(self.stage.api, workload)
        since = self.stage.timeline.clock.now()
        # A pod that does not run yet, or no longer, is evicted without asking its budget.
        running = (pod for pod in place.pods if pod["status"].get("phase") == "Running")
        for pod in running:
            self._ask(pod)
        self.stage.hold(
            Question.of(evictions_refused, workload=f"deployment/{place.namespace}/{place.name}", since=since)
        )

    def passed_by(self, workload: str) -> None:
        """Hold that the HPA took pods away while the budget allowed no disruption."""
        place = find_workload(self.stage.api, workload)
        self.stage.hold(
            Question.of(
                scaled_down_past_budget,
                hpa=f"hpa/{place.namespace}/{place.name}",
                since=self.stage.opened,
            )
        )

    def _ask(self, pod: Json) -> None:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"dryRun": ["All"]},
        }
        try:
            self.stage.api.post(
                f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", eviction, dryRun="All"
            )
            refused, said = False, "it would be evicted"
        except TransientError as error:
            if not error.found.startswith(_REFUSED):
                raise
            refused, said = True, error.found
        self.stage.timeline.record(
            "client", "eviction-asked", f"pod/{namespace}/{name}", refused=refused, said=said
        )
