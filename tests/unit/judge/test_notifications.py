"""Who was told: within time, at the right receiver; and why one that is missing may prove nothing."""

from __future__ import annotations

import pytest

from aftershock.judge.notifications import heard_of_the_end_within, held_back, notified_within
from aftershock.verdict import Verdict
from tests.conformance.generator import Story

OOM = "PodOOMKilled"
LABELS = {"namespace": "demo", "pod": "web-1"}
POD = {"labels": LABELS}


def story() -> Story:
    """An alert fires from 7 s to 40 s; the record is complete to 100 s."""
    return Story().injected(0.0).alerts(-10, 100, (OOM, 7.0, 40.0, POD))


def told(
    tale: Story, when: float, receiver: str = "warning", *, status: str = "firing", pod: str = "web-1"
) -> Story:
    alert = {
        "labels": {**LABELS, "alertname": OOM, "pod": pod},
        "status": status,
        "starts_at": None,
        "ends_at": None,
    }
    return tale.add(
        when, "alertmanager", "notification", "group", receiver=receiver, status=status, alerts=[alert]
    )


def looked(tale: Story, when: float = 99.0, **problems: str) -> Story:
    return tale.add(when, "alertmanager", "deliveries", problems=problems)


def known(tale: Story, when: float, *, inhibited: bool) -> Story:
    by = ["g"] if inhibited else []
    alert = {
        "labels": {**LABELS, "alertname": OOM},
        "state": "suppressed",
        "silenced_by": [],
        "inhibited_by": by,
    }
    return tale.add(when, "alertmanager", "am-alerts", alerts=[alert])


def judge(tale: Story, *, within_s: float = 10.0) -> Verdict:
    return notified_within(tale.timeline, alert=OOM, receiver="warning", within_s=within_s)


class TestNotified:
    @pytest.mark.parametrize(
        ("when", "status"), [(10.0, "met"), (16.9, "met"), (17.0, "unknown"), (17.2, "violated")]
    )
    def test_counted_from_the_firing(self, when: float, status: str) -> None:
        verdict = judge(looked(told(story(), when)))
        assert verdict.status == status
        assert verdict.observed == pytest.approx(when - 7.0)

    def test_another_receiver_is_not_meant(self) -> None:
        verdict = judge(looked(told(story(), 8.0, "critical")))
        assert verdict.status == "violated"
        assert verdict.reason == "only critical was told"
        assert any("critical was told" in line for line in verdict.evidence)

    def test_nobody_was_told(self) -> None:
        assert judge(looked(story())).reason == "nobody was told"

    def test_what_was_told_of_another_pod_or_before_it_fired_does_not_count(self) -> None:
        tale = told(told(story(), 8.0, pod="web-2"), 3.0)
        assert judge(looked(tale)).status == "violated"

    @pytest.mark.parametrize(
        "problems",
        [
            {"webhook": "the webhook cannot be asked: refused"},
            {"alertmanager": "Alertmanager cannot be asked"},
            {"receivers": "notifications failed: 3 by webhook"},
            {"prometheus": "Prometheus did not reach Alertmanager 2 times"},
        ],
    )
    def test_silence_proves_nothing_while_somebody_was_away(self, problems: dict[str, str]) -> None:
        verdict = judge(looked(story(), **problems))
        assert verdict.status == "unknown"
        assert verdict.reason == next(iter(problems.values()))

    def test_a_failure_counts_whenever_it_was_and_an_absence_only_at_the_end(self) -> None:
        away = looked(looked(story(), 20.0, webhook="away"), 99.0)
        assert judge(away).status == "violated"
        failed = looked(looked(story(), 20.0, receivers="failed"), 99.0)
        assert judge(failed).status == "unknown"

    def test_what_was_told_counts_whoever_was_away_afterwards(self) -> None:
        assert judge(looked(told(story(), 8.0), webhook="away")).status == "met"

    def test_without_a_look_it_is_unknown(self) -> None:
        assert judge(story()).status == "unknown"

    def test_the_record_may_end_too_early(self) -> None:
        assert judge(looked(story(), 12.0), within_s=200.0).status == "unknown"

    def test_what_did_not_fire_could_not_be_told(self) -> None:
        silent = Story().injected(0.0).alerts(-10, 100)
        assert "did not fire" in judge(looked(silent)).reason
        nameless = Story().injected(0.0).alerts(-10, 100, rules=["Other"])
        assert "no loaded rule" in judge(looked(nameless)).reason
        assert judge(looked(Story().injected(0.0))).status == "unknown"


class TestTheEnd:
    def judge(self, tale: Story) -> Verdict:
        return heard_of_the_end_within(tale.timeline, alert=OOM, receiver="warning", within_s=10)

    def test_counted_from_the_end(self) -> None:
        assert self.judge(looked(told(story(), 48.0, status="resolved"))).status == "met"
        assert self.judge(looked(told(story(), 60.0, status="resolved"))).status == "violated"
        assert self.judge(looked(told(story(), 48.0))).status == "violated"

    def test_what_still_fires_has_no_end(self) -> None:
        lasting = Story().injected(0.0).alerts(-10, 41, (OOM, 7.0, 40.0, POD))
        assert self.judge(looked(lasting)).status == "unknown"


class TestHeldBack:
    def judge(self, tale: Story) -> Verdict:
        return held_back(tale.timeline, alert=OOM)

    def test_inhibited_and_nobody_told(self) -> None:
        assert self.judge(looked(known(story(), 20.0, inhibited=True))).status == "met"

    def test_told_all_the_same(self) -> None:
        verdict = self.judge(looked(told(known(story(), 20.0, inhibited=True), 30.0)))
        assert verdict.status == "violated"
        assert verdict.observed == "told: warning"

    def test_silence_alone_is_no_inhibition(self) -> None:
        assert self.judge(looked(known(story(), 20.0, inhibited=False))).status == "unknown"
        assert self.judge(looked(story())).status == "unknown"

    def test_nobody_could_be_told(self) -> None:
        tale = looked(known(story(), 20.0, inhibited=True), webhook="away")
        assert self.judge(tale).status == "unknown"
