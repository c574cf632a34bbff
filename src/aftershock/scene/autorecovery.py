"""Auto-recovery in a scenario: let, held back, and what is said of what it did."""

from __future__ import annotations

from datetime import datetime, timedelta

from aftershock.clock import wait_until
from aftershock.cluster.targets import find_workload
from aftershock.errors import DeadlineError, EnvironmentUnusableError
from aftershock.judge.autorecovery import (
    autorecovery_acted,
    autorecovery_did_nothing_else,
    autorecovery_would_act,
)
from aftershock.judge.question import Question
from aftershock.observe.autorecovery import record_autorecovery
from aftershock.scene.stage import Stage
from aftershock.scene.vertical import Vertical

__all__ = ["DEPLOYMENT", "DRY_RUN", "AutoRecovery"]

DRY_RUN = "autorecovery.aftershock.dev/dry-run"
"""The annotation of its deployment while it changes nothing."""

DEPLOYMENT = "deployment/autorecovery/autorecovery"

_SWITCHES_S = 45.0
"""It reads its switch every 2 s and is scraped every 5 s; newly rolled out it waits 15 s for the Lease."""
_LOOK_S = 2.0
_LASTS_S = 20.0


class AutoRecovery:
    """What a scenario says of the component that repairs. `named` is what it was expected to do."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.named: list[str] = []

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

    def acts(self, playbook: str, *, workload: str, within_s: float) -> None:
        """Hold that the playbook repaired something of the workload within `within_s` of the fault."""
        place = find_workload(self.stage.api, workload)
        self._acts(playbook, f"deployment/{place.namespace}/{place.name}", within_s)

    def does_nothing_else(self, *, for_s: float = _LASTS_S) -> None:
        """Hold that since the scenario began it did nothing but what steps before this one named.

        Looks `for_s` longer: what it does wrongly may come a moment later.
        """
        until = self.stage.timeline.clock.monotonic() + for_s
        clock = self.stage.timeline.clock
        wait_until(
            lambda: clock.monotonic() >= until,
            within_s=for_s + _LOOK_S,
            every_s=_LOOK_S,
            what="a while in which it might act",
            clock=clock,
        )
        self._look()
        self.stage.hold(
            Question.of(autorecovery_did_nothing_else, but="; ".join(self.named), since=self.stage.opened)
        )

    def would_act(self, playbook: str, *, within_s: float) -> None:
        """Hold that, as a dry run, it said what the playbook would do, and did nothing."""
        since, by = self._counted(within_s)
        question = Question.of(autorecovery_would_act, playbook=playbook, within_s=within_s, since=since)
        self.stage.judged(question, by=by, look=self._look, every_s=_LOOK_S)

    def _acts(self, playbook: str, about: str, within_s: float) -> None:
        since, by = self._counted(within_s)
        self.named.append(f"{playbook} on {about}")
        question = Question.of(
            autorecovery_acted, playbook=playbook, about=about, within_s=within_s, since=since
        )
        self.stage.judged(question, by=by)

    def _counted(self, within_s: float) -> tuple[datetime, datetime]:
        """Return from when, and until when, an action counts."""
        by = self.stage.after_fault(within_s)
        return by - timedelta(seconds=within_s), by

    def _switch(self, *, dry_run: bool) -> None:
        Vertical(self.stage).needs("autorecovery")
        self.stage.sets(DEPLOYMENT, {("metadata", "annotations", DRY_RUN): "true" if dry_run else "false"})

        def switched() -> bool:
            look = record_autorecovery(self.stage.prometheus, self.stage.timeline).data
            return bool(look["leaders"] == 1 and look["may_act"] is not dry_run)

        try:
            wait_until(
                switched,
                within_s=_SWITCHES_S,
                every_s=_LOOK_S,
                what=f"auto-recovery to say that it {'only says' if dry_run else 'may act'}",
                clock=self.stage.timeline.clock,
            )
        except DeadlineError as error:
            raise EnvironmentUnusableError(
                error.message,
                found=error.found,
                hint="its log says what it lacks: kubectl -n autorecovery logs",
            ) from error

    def _look(self) -> None:
        record_autorecovery(self.stage.prometheus, self.stage.timeline)
