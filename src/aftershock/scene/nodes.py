"""Nodes: drained, and given back."""

from __future__ import annotations

from datetime import datetime, timedelta

from aftershock.errors import FeatureError
from aftershock.judge.maintenance import budget_respected, node_emptied, node_schedulable
from aftershock.judge.question import Question
from aftershock.judge.replacements import replaced_within
from aftershock.scene.stage import Stage

__all__ = ["Nodes"]

# After the last eviction a replacement is scheduled, pulled from the node's own store, started
# and probed; what is not Ready by then did not make it.
SETTLES_WITHIN_S = 10.0


class Nodes:
    """What a scenario does to a worker and expects of the cluster meanwhile."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.node = ""
        self.began: datetime | None = None

    def drained(self, node: str, *, since: datetime) -> None:
        """Take note of what an experiment has drained, and from when on the record tells of it."""
        self.node, self.began = node, since

    def emptied(self) -> None:
        """Hold that the node really lost its pods."""
        self.stage.hold(Question.of(node_emptied, node=self._drained(), since=self._since()))

    def replaced(self, *, within_s: float) -> None:
        """Hold that each evicted pod had a Ready replacement within `within_s` of its eviction."""
        node, since = self._drained(), self._since()
        self.stage.judged(
            Question.of(replaced_within, node=node, within_s=within_s, since=since),
            by=self.stage.timeline.clock.now() + timedelta(seconds=within_s),
        )

    def schedulable(self) -> None:
        """Hold that the node takes pods again."""
        node = self._drained()
        self.stage.judged(
            Question.of(node_schedulable, node=node),
            by=self.stage.timeline.clock.now() + timedelta(seconds=SETTLES_WITHIN_S),
        )

    def budget(self, workload: str) -> None:
        """Hold that the disruption budget of `workload` was kept at every moment."""
        namespace = next(
            (name.split("/")[0] for name in self.stage.cluster.services if name.endswith(f"/{workload}")),
            "default",
        )
        budget = f"pdb/{namespace}/{workload}"
        self.stage.hold(Question.of(budget_respected, budget=budget, since=self._since()))

    def _drained(self) -> str:
        if not self.node:
            raise FeatureError("no node was drained", hint="a When step has to drain one first")
        return self.node

    def _since(self) -> datetime:
        if self.began is None:
            raise FeatureError("no experiment ran", hint="a When step has to run one first")
        return self.began
