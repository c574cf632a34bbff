"""Auto-recovery in a scenario: let, held back, and what is said of what it did."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from aftershock.clock import pause
from aftershock.cluster.controllers import find_controller
from aftershock.cluster.targets import Target, open_namespaces
from aftershock.errors import DeadlineError, EnvironmentUnusableError, FeatureError
from aftershock.judge.autorecovery import (
    autorecovery_acted,
    autorecovery_counted_well,
    autorecovery_did_nothing_else,
    autorecovery_took_back,
    autorecovery_would_act,
)
from aftershock.judge.question import Question
from aftershock.observe.autorecovery import await_switch, record_autorecovery
from aftershock.observe.recorder import Recorder
from aftershock.scene.repaired import Before
from aftershock.scene.stage import Stage
from aftershock.scene.vertical import Vertical

__all__ = ["DEPLOYMENT", "DRY_RUN", "OPT_OUT", "AutoRecovery"]

DRY_RUN = "autorecovery.aftershock.dev/dry-run"
"""The annotation of its deployment while it changes nothing."""

OPT_OUT = "autorecovery.aftershock.dev/opt-out"
"""The annotation of what it is to leave alone."""

DEPLOYMENT = "deployment/autorecovery/autorecovery"

NODE_EVENTS = "default"
"""The namespace of the Events about nodes, which have none."""

_LOOK_S = 2.0
_LASTS_S = 20.0
_COUNTS_WITHIN_S = 15.0


class AutoRecovery:
    """What a scenario says of the component that repairs. `named` is what it was expected to do."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.named: list[tuple[str, str]] = []
        self._sees_nodes = False

    def may_act(self) -> None:
        """Let it act until the scenario ends.

        Raises:
            EnvironmentUnusableError: it is not deployed, or does not say that it may act.

        """
        self._switch(dry_run=False)

    def only_says(self) -> None:
        """Have it change nothing, whatever it was told before.

        Raises:
            EnvironmentUnusableError: it is not deployed, or does not say so.

        """
        self._switch(dry_run=True)

    def leaves(self, workload: str) -> None:
        """Have the deployment of that name opt out, until the scenario ends."""
        self.stage.sets(self._deployment(workload), {("metadata", "annotations", OPT_OUT): "true"})

    def acts(self, playbook: str, *, workload: str, within_s: float) -> None:
        """Hold that the playbook repaired something of the workload within `within_s` of the fault."""
        self._acts(playbook, self._deployment(workload), within_s)

    def empties(self, playbook: str, *, within_s: float) -> None:
        """Hold that the playbook was done with the node of the last fault of one within `within_s` of it.

        Raises:
            FeatureError: no fault has touched a node.

        """
        nodes = [
            target
            for injection in self.stage.injections
            for target in injection.plan.targets
            if target.kind == "node"
        ]
        if not nodes:
            raise FeatureError("no fault has touched a node", hint="a When step has to, before this one")
        self._acts(playbook, str(nodes[-1]), within_s)

    def takes_back(self, playbook: str, *, within_s: float) -> None:
        """Hold that it took back what the playbook did, as steps before have named it.

        Raises:
            FeatureError: none has.

        """
        abouts = [about for name, about in self.named if name == playbook]
        if not abouts:
            raise FeatureError(
                f"no step before has named what {playbook} did", hint=f"a Then step: acts by {playbook}"
            )
        since = self._since()
        question = Question.of(
            autorecovery_took_back, playbook=playbook, about=abouts[-1], within_s=within_s, since=since
        )
        self.stage.judged(question, by=since + timedelta(seconds=within_s))

    def counts_well(self, *, percent: float) -> None:
        """Hold that so many of all pods run or have completed, by its own count now."""
        now = self.stage.timeline.clock.now()
        question = Question.of(autorecovery_counted_well, percent=percent, since=now)
        by = now + timedelta(seconds=_COUNTS_WITHIN_S)
        self.stage.judged(question, by=by, look=self._look, every_s=_LOOK_S)

    def does_nothing_else(self, *, for_s: float = _LASTS_S) -> None:
        """Hold that since the scenario began it did nothing but what steps before this one named.

        Looks `for_s` longer: what it does wrongly may come a moment later.
        """
        pause(for_s, what="a while in which it might act", clock=self.stage.timeline.clock)
        self._look()
        but = "; ".join(f"{playbook} on {about}" for playbook, about in self.named)
        self.stage.hold(Question.of(autorecovery_did_nothing_else, but=but, since=self.stage.opened))

    def would_act(self, playbook: str, *, within_s: float) -> None:
        """Hold that, as a dry run, it said what the playbook would do, and did nothing."""
        since = self._since()
        question = Question.of(autorecovery_would_act, playbook=playbook, within_s=within_s, since=since)
        by = since + timedelta(seconds=within_s)
        self.stage.judged(question, by=by, look=self._look, every_s=_LOOK_S)

    def _acts(self, playbook: str, about: str, within_s: float) -> None:
        since = self._since()
        self.named.append((playbook, about))
        question = Question.of(
            autorecovery_acted, playbook=playbook, about=about, within_s=within_s, since=since
        )
        self.stage.judged(question, by=since + timedelta(seconds=within_s))

    def _deployment(self, name: str) -> str:
        """Return kind/namespace/name of a deployment, whose pods may all be gone at this moment."""
        target, _ = find_controller(self.stage.api, name, kinds=("deployment",))
        return str(target)

    def _since(self) -> datetime:
        """Return when the last fault's act began: it may be seen, and repaired, before it is proven."""
        acts = self.stage.timeline.select(source="harness", kind="injecting")
        return acts[-1].at if acts else self.stage.opened

    def _switch(self, *, dry_run: bool) -> None:
        Vertical(self.stage).needs("autorecovery")
        self._see_nodes()
        before = Before(self.stage.api, open_namespaces(self.stage.api))
        self.stage.keep(partial(self._put_back, before))
        self.stage.sets(DEPLOYMENT, {("metadata", "annotations", DRY_RUN): "true" if dry_run else "false"})
        try:
            self._wait_until_it_says(dry_run=dry_run)
        except DeadlineError as error:
            raise EnvironmentUnusableError(
                error.message,
                found=error.found,
                hint="its log says what it lacks: kubectl -n autorecovery logs",
            ) from error

    def _wait_until_it_says(self, *, dry_run: bool) -> None:
        await_switch(self.stage.prometheus, self.stage.timeline, dry_run=dry_run, every_s=_LOOK_S)

    def _see_nodes(self) -> None:
        """Have the record show the Events about nodes."""
        if self._sees_nodes or NODE_EVENTS in open_namespaces(self.stage.api):
            return
        recorder = Recorder(self.stage.api, self.stage.timeline, namespaces=[NODE_EVENTS], kinds=["event"])
        recorder.start()
        self.stage.keep(recorder.stop)
        self._sees_nodes = True

    def _put_back(self, before: Before) -> None:
        """Put back what it changed, once it changes nothing any more: its own way back takes its time."""
        found = self.stage.api.get(Target.path_of(DEPLOYMENT))
        if (found["metadata"].get("annotations") or {}).get(DRY_RUN) == "true":
            self._wait_until_it_says(dry_run=True)
        before.put_back()

    def _look(self) -> None:
        record_autorecovery(self.stage.prometheus, self.stage.timeline)
