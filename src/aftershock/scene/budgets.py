"""Disruption budgets: one that allows nothing, and what it stops."""

from __future__ import annotations

from aftershock.cluster.targets import Target, find_workload
from aftershock.errors import FeatureError, TransientError
from aftershock.faults.evictions import ask_eviction
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
        subject = f"poddisruptionbudget/{place}"
        budget = self.stage.api.find(Target.path_of(subject))
        if budget is None:
            raise FeatureError(f"{workload} has no disruption budget of its name")
        word, none = ("minAvailable", "100%") if "minAvailable" in budget["spec"] else ("maxUnavailable", 0)
        self.stage.sets(subject, {("spec", word): none})

    def refuses(self, workload: str) -> None:
        """Hold that no pod of the workload could be evicted now; asks for each, as a dry run."""
        place = find_workload(self.stage.api, workload)
        since = self.stage.timeline.clock.now()
        # A pod that does not run yet, or no longer, is evicted without asking its budget.
        running = (pod for pod in place.pods if pod["status"].get("phase") == "Running")
        for pod in running:
            self._ask(Target.of("pod", pod))
        self.stage.hold(Question.of(evictions_refused, workload=f"deployment/{place}", since=since))

    def passed_by(self, workload: str) -> None:
        """Hold that the HPA took pods away while the budget allowed no disruption."""
        place = find_workload(self.stage.api, workload)
        question = Question.of(scaled_down_past_budget, hpa=f"hpa/{place}", since=self.stage.opened)
        self.stage.hold(question)

    def _ask(self, pod: Target) -> None:
        try:
            ask_eviction(self.stage.api, pod, {"dryRun": ["All"]}, dryRun="All")
            refused, said = False, "it would be evicted"
        except TransientError as error:
            if not error.found.startswith(_REFUSED):
                raise
            refused, said = True, error.found
        self.stage.timeline.record("client", "eviction-asked", str(pod), refused=refused, said=said)
