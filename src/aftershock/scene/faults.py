"""Faults that last: when they are over."""

from __future__ import annotations

from aftershock.clock import wait_until
from aftershock.errors import FeatureError
from aftershock.faults.injector import Injection
from aftershock.scene.stage import Stage

__all__ = ["Faults"]


class Faults:
    """What a scenario says of the faults that it has injected."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def are_over(self) -> None:
        """Wait until the time of each is over; prove that nothing is left of it.

        Raises:
            FeatureError: none is in effect.
            ResidueError: something is left.

        """
        for injection in self._lasting():
            self._pass(injection)
            self.stage.injector.undo(injection.record.fault_id)

    def are_taken_back(self) -> None:
        """Take each back now, and prove that nothing is left of it.

        Raises:
            FeatureError: none is in effect.
            ResidueError: something is left.

        """
        for injection in self._lasting():
            self.stage.injector.undo(injection.record.fault_id)

    def _lasting(self) -> list[Injection]:
        lasting = [injection for injection in self.stage.injections if injection.plan.lasts]
        if not lasting:
            raise FeatureError("no fault is in effect", hint="a When step has to inject one that lasts first")
        return lasting

    def _pass(self, injection: Injection) -> None:
        clock = self.stage.timeline.clock
        wait_until(
            lambda: clock.now() >= injection.record.expires_at,
            within_s=injection.plan.expires_after_s,
            what=f"{injection.record.fault_id} to be over",
            clock=clock,
        )
