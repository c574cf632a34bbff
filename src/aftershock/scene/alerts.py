"""Alerts: fired, resolved, and no other."""

from __future__ import annotations

from datetime import datetime, timedelta

from aftershock.judge.alerts import fired_within, nothing_else_fired, resolved_within
from aftershock.judge.notifications import heard_of_the_end_within, held_back, notified_within
from aftershock.judge.question import Question
from aftershock.scene.stage import Stage
from aftershock.verdict import Verdict

__all__ = ["LAST_EVALUATIONS_S", "Alerts"]

LOOK_EVERY_S = 2.0
# A rule must have been evaluated after the window's last instant, or its silence says nothing:
# two intervals of the stack's five seconds.
LAST_EVALUATIONS_S = 10.0


class Alerts:
    """What a scenario says of alerts. Every look asks Prometheus for the whole window."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def fires(self, alert: str, *, within_s: float, of: str = "") -> Verdict:
        """Hold that `alert`, for what the fault hit or the workload `of`, fires within `within_s` of it."""
        self.stage.expected_alerts.add((alert, of))
        return self.stage.judged(
            Question.of(fired_within, alert=alert, within_s=within_s, of=of),
            by=self.stage.after_fault(within_s),
            look=self.stage.look_at_alerts,
            every_s=LOOK_EVERY_S,
        )

    def resolves(self, alert: str, *, within_s: float, of: str = "") -> Verdict:
        """Hold that `alert`, for the same, is no longer firing `within_s` after it fired."""
        self.stage.expected_alerts.add((alert, of))
        return self.stage.judged(
            Question.of(resolved_within, alert=alert, within_s=within_s, of=of),
            by=self._now() + timedelta(seconds=within_s),
            look=self.stage.look_at_alerts,
            every_s=LOOK_EVERY_S,
        )

    def reaches(self, alert: str, receiver: str, *, within_s: float) -> Verdict:
        """Hold that `receiver` is told of `alert` within `within_s` of its firing, wherever that is now."""
        of = self._of(alert)
        return self.stage.judged(
            Question.of(notified_within, alert=alert, receiver=receiver, within_s=within_s, of=of),
            by=self._now() + timedelta(seconds=within_s),
            look=self.stage.look_at_alerts,
            every_s=LOOK_EVERY_S,
        )

    def is_over_for(self, receiver: str, alert: str, *, within_s: float) -> Verdict:
        """Hold that `receiver` is told within `within_s` of the alert's end that it is over."""
        return self.stage.judged(
            Question.of(
                heard_of_the_end_within, alert=alert, receiver=receiver, within_s=within_s, of=self._of(alert)
            ),
            by=self._now() + timedelta(seconds=within_s),
            look=self.stage.look_at_alerts,
            every_s=LOOK_EVERY_S,
        )

    def is_held_back(self, alert: str) -> Verdict:
        """Hold that `alert` fires and that Alertmanager tells nobody, because of another."""
        return self.stage.judged(
            Question.of(held_back, alert=alert, of=self._of(alert)),
            by=self._now() + timedelta(seconds=LAST_EVALUATIONS_S),
            look=self.stage.look_at_alerts,
            every_s=LOOK_EVERY_S,
        )

    def stay_silent(self) -> Verdict:
        """Hold that nothing fired, from the start of the scenario to now, that no step has named."""
        until = self._now()
        return self.stage.judged(
            Question.of(
                nothing_else_fired,
                expected=[{"alertname": alert, "of": of} for alert, of in sorted(self.stage.expected_alerts)],
                since=self.stage.opened,
                until=until,
            ),
            by=until + timedelta(seconds=LAST_EVALUATIONS_S),
            look=self.stage.look_at_alerts,
            every_s=LOOK_EVERY_S,
        )

    def _of(self, alert: str) -> str:
        """Return the workload for which an earlier step expected `alert`, "" if none did; expect it now."""
        named = sorted(of for name, of in self.stage.expected_alerts if name == alert)
        if not named:
            self.stage.expected_alerts.add((alert, ""))
        return named[-1] if named else ""

    def _now(self) -> datetime:
        return self.stage.timeline.clock.now()
