"""What auto-recovery did: by its Events, and only what was named; as a dry run, by its counts."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.clock import rfc3339
from aftershock.judge.autorecovery import (
    autorecovery_acted,
    autorecovery_counted_well,
    autorecovery_did_nothing_else,
    autorecovery_took_back,
    autorecovery_would_act,
)
from aftershock.verdict import Verdict
from tests.conformance.generator import Story, at, healthy_web

WEB = "deployment/demo/web"


def look(story: Story, when: float, *, leaders: int = 1, dry: float = 0, replicas: int = 2) -> Story:
    counted: dict[str, Any] = {"out-of-memory": {"dry-run": dry}}
    return story.add(
        when, "prometheus", "autorecovery", "deployment/autorecovery/autorecovery",
        resolution_s=5.0, replicas=replicas, leaders=leaders, may_act=True, counted=counted,
    )  # fmt: skip


def acted(
    story: Story, when: float, subject: str = "pod/demo/web-1", playbook: str = "out-of-memory",
    reason: str = "AutoRecovered",
) -> Story:  # fmt: skip
    return story.kube_event(when, subject, reason, f"{playbook}: restart pod: it was killed")


class TestActed:
    def judge(self, story: Story, within_s: float = 30, playbook: str = "out-of-memory") -> Verdict:
        return autorecovery_acted(
            story.timeline, playbook=playbook, about=WEB, within_s=within_s, since=at(20)
        )

    def test_met_with_the_time_of_the_event(self) -> None:
        verdict = self.judge(acted(healthy_web(), 23).end(60))
        assert (verdict.status, verdict.observed) == ("met", 3.0)
        assert "out-of-memory: restart pod" in verdict.evidence[0]

    def test_about_the_deployment_itself(self) -> None:
        assert self.judge(acted(healthy_web(), 23, WEB).end(60)).status == "met"

    def test_too_late(self) -> None:
        assert self.judge(acted(healthy_web(), 51).end(60)).status == "violated"

    @pytest.mark.parametrize(
        ("when", "subject", "playbook", "reason"),
        [
            (19, "pod/demo/web-1", "out-of-memory", "AutoRecovered"),  # before the fault
            (23, "pod/demo/other", "out-of-memory", "AutoRecovered"),
            (23, "pod/demo/web-1", "crash-loop", "AutoRecovered"),
            (23, "pod/demo/web-1", "out-of-memory", "AutoRecoveryPrepared"),
            (23, "pod/demo/web-1", "out-of-memory", "AutoRecoveryGaveUp"),
        ],
    )
    def test_what_is_no_such_action(self, when: float, subject: str, playbook: str, reason: str) -> None:
        story = acted(healthy_web(), when, subject, playbook, reason).end(60)
        assert self.judge(story).status == "violated"

    def test_a_record_that_ends_too_early(self) -> None:
        assert self.judge(healthy_web().end(40)).status == "unknown"

    @pytest.mark.parametrize(("made", "status"), [(-40, "violated"), (17.9, "violated"), (19.1, "met")])
    def test_an_event_counts_by_when_it_was_made(self, made: float, status: str) -> None:
        story = healthy_web().add(
            23, "kubernetes", "event", "pod/demo/web-1", reason="AutoRecovered",
            message="out-of-memory: restart pod", first_at=rfc3339(at(made)),
        )  # fmt: skip
        assert self.judge(story.end(60)).status == status


class TestTookBack:
    def judge(self, story: Story) -> Verdict:
        return autorecovery_took_back(
            story.timeline, playbook="memory-pressure", about="node/w1", within_s=60, since=at(20)
        )

    def test_met_with_the_time_of_the_event(self) -> None:
        story = acted(healthy_web(), 30, "node/w1", "memory-pressure")
        story = acted(story, 70, "node/w1", "memory-pressure", "AutoRecoveryReturned").end(90)
        verdict = self.judge(story)
        assert (verdict.status, verdict.observed) == ("met", 50.0)
        assert "takes back what memory-pressure did to node/w1" in verdict.name

    @pytest.mark.parametrize(
        ("when", "subject", "reason"),
        [
            (70, "node/w1", "AutoRecovered"),
            (70, "node/w2", "AutoRecoveryReturned"),
            (85, "node/w1", "AutoRecoveryReturned"),
        ],
    )
    def test_what_is_no_way_back(self, when: float, subject: str, reason: str) -> None:
        story = acted(healthy_web(), when, subject, "memory-pressure", reason).end(90)
        assert self.judge(story).status == "violated"


class TestCountedWell:
    def judge(self, percent: float = 85, *, ratio: float | None = 0.9, **pods: float) -> Verdict:
        story = healthy_web().add(
            30, "prometheus", "autorecovery", "deployment/autorecovery/autorecovery",
            replicas=2, leaders=1, may_act=True, counted={}, pods=pods, success_ratio=ratio,
        ).end(60)  # fmt: skip
        return autorecovery_counted_well(story.timeline, percent=percent, since=at(20))

    def test_met_with_its_share(self) -> None:
        verdict = self.judge(running=16, completed=2, pending=1, error=1)
        assert (verdict.status, verdict.observed, verdict.unit) == ("met", 90.0, "%")
        assert "total 20: running 16, completed 2, pending 1, error 1" in verdict.evidence[0]

    def test_too_few(self) -> None:
        verdict = self.judge(95, running=18, error=2)
        assert (verdict.status, verdict.reason) == ("violated", "2 pods do not")

    def test_a_share_that_its_counts_do_not_give(self) -> None:
        assert self.judge(running=10, error=10).status == "unknown"

    def test_nobody_has_counted(self) -> None:
        assert self.judge(ratio=None).status == "unknown"
        story = healthy_web().end(60)
        assert autorecovery_counted_well(story.timeline, percent=85, since=at(20)).status == "unknown"


class TestNothingElse:
    def judge(self, story: Story, but: str = "") -> Verdict:
        return autorecovery_did_nothing_else(story.timeline, but=but, since=at(10))

    def test_nothing(self) -> None:
        verdict = self.judge(look(healthy_web(), 50).end(60))
        assert (verdict.status, verdict.name) == ("met", "auto-recovery does nothing")

    def test_what_was_named_is_allowed(self) -> None:
        story = look(acted(healthy_web(), 23), 50).end(60)
        assert self.judge(story, f"out-of-memory on {WEB}").status == "met"
        assert self.judge(story).status == "violated"
        assert self.judge(story, f"crash-loop on {WEB}; many-restarts on node/w1").status == "violated"

    def test_what_prepares_is_an_action_too(self) -> None:
        story = look(acted(healthy_web(), 23, reason="AutoRecoveryPrepared"), 50).end(60)
        assert self.judge(story).status == "violated"

    @pytest.mark.parametrize("leaders", [0, 2])
    def test_what_does_not_run_does_nothing(self, leaders: int) -> None:
        assert self.judge(look(healthy_web(), 50, leaders=leaders).end(60)).status == "unknown"
        assert self.judge(healthy_web().end(60)).status == "unknown"


class TestWouldAct:
    def judge(self, story: Story) -> Verdict:
        return autorecovery_would_act(story.timeline, playbook="out-of-memory", within_s=30, since=at(20))

    def test_one_more_was_counted(self) -> None:
        verdict = self.judge(look(look(healthy_web(), 10, dry=2), 27, dry=3).end(60))
        assert (verdict.status, verdict.observed, verdict.resolution_s) == ("met", 7.0, 5.0)

    def test_none_was_counted(self) -> None:
        assert self.judge(look(look(healthy_web(), 10, dry=2), 55, dry=2).end(60)).status == "violated"
        assert self.judge(look(look(healthy_web(), 10, dry=2), 45, dry=2).end(46)).status == "unknown"

    def test_it_acted_instead(self) -> None:
        story = look(acted(look(healthy_web(), 10), 23), 27, dry=1).end(60)
        assert self.judge(story).status == "violated"

    def test_what_it_had_counted_before_is_not_known(self) -> None:
        assert self.judge(look(healthy_web(), 27, dry=3).end(60)).status == "unknown"
        assert self.judge(look(look(healthy_web(), 10, replicas=0), 27, dry=1).end(60)).status == "unknown"
