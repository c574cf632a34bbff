"""The playbooks as data: the shipped ones, what is refused and how, and the listing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from aftershock_components.autorecovery import __main__ as command
from aftershock_components.autorecovery.commands import table
from aftershock_components.autorecovery.playbooks import (
    Drain,
    Playbooks,
    RestartPod,
    ScaleOut,
    ScaleTo,
)
from aftershock_components.autorecovery.reading import PlaybookError, read_playbooks
from aftershock_components.autorecovery.steps import ACTS, PLANS

from tests.unit.stack.components.autorecovery_world import PLAYBOOKS, ROOT

TEXT = PLAYBOOKS.read_text()


@pytest.fixture
def books() -> Playbooks:
    return read_playbooks(TEXT)


def test_the_shipped_ones_say_what_the_stack_promises(books: Playbooks) -> None:
    by_name = {book.name: book for book in books.playbooks}
    crash = by_name["crash-loop"]
    assert (crash.trigger.watch, crash.trigger.above) == ("crash-loop", 5)
    assert [type(step).__struct_config__.tag for step in crash.steps] == [
        "keep-logs",
        "make-budget",
        "restart-pod",
    ]
    assert by_name["out-of-memory"].steps == (RestartPod(),)
    assert by_name["many-restarts"].steps == (ScaleOut(by=2, most=10, beyond="restart-pod"),)
    assert by_name["many-restarts"].trigger.above == 5
    assert by_name["high-latency"].steps == (ScaleTo(to=5),)
    assert by_name["memory-pressure"].steps == (Drain(),)
    [relieve] = by_name["control-plane-cpu"].steps
    assert relieve.deployments == ("bookinfo/reviews-v2", "bookinfo/reviews-v3")  # type: ignore[union-attr]
    assert by_name["control-plane-cpu"].trigger.above == 0.9
    assert by_name["control-plane-cpu"].back_after
    [memory] = by_name["high-memory-saturation"].steps
    assert memory.add == "256Mi"  # type: ignore[union-attr]
    assert books.exclusions.words == ("heartbeat", "exporter")
    assert {"kube-system", "monitoring", "aftershock", "autorecovery"} <= set(books.exclusions.namespaces)


def test_every_alert_that_is_named_is_one_of_the_stack(books: Playbooks) -> None:
    known = {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")}
    named = {alert for book in books.playbooks for alert in book.covers} | books.alerts()
    assert named <= known


def test_alertmanager_tells_of_just_the_alerts_that_are_triggers(books: Playbooks) -> None:
    told = yaml.safe_load((PLAYBOOKS.parent / "notified.yaml").read_text())
    [matcher] = told["spec"]["route"]["matchers"]
    assert (matcher["name"], matcher["matchType"]) == ("alertname", "=~")
    assert set(matcher["value"].split("|")) == books.alerts()
    assert told["spec"]["route"]["continue"] is True


def test_every_step_can_be_planned_and_every_plan_carried_out() -> None:
    assert {
        "evict",
        "set-number",
        "set-memory",
        "take-replicas",
        "drain",
        "keep-logs",
        "create-budget",
    } == set(ACTS)
    assert len(PLANS) == 8


@pytest.mark.parametrize(
    ("change", "where", "expected", "found"),
    [
        (('do = "restart-pod"', 'do = "restat-pod"'), "cannot be read", "TOML with the fields", "restat-pod"),
        (('name = "crash-loop"', 'nam = "crash-loop"'), "cannot be read", "TOML with the fields", "nam"),
        (("[[playbooks]]", "[[playbooks"), "cannot be read", "TOML", "line"),
        (('name = "many-restarts"', 'name = "crash-loop"'), "names of playbooks", "each once", "crash-loop"),
        (('pause = "1m"', 'pause = "soon"'), "crash-loop: limits.pause", "a duration like 5m", "'soon'"),
        (
            ('watch = "crash-loop", above = 5', 'watch = "crash-loop"'),
            "crash-loop: trigger.above",
            "a number",
            "None",
        ),
        (
            ('alert = "HighLatency"', 'alert = "HighLatency", watch = "oom-killed"'),
            "trigger",
            "either",
            "both",
        ),
        (("actions = 20", "actions = 0"), "limits.actions", "at least 1", "0"),
        (("by = 2", "by = 0"), "steps[0].by", "at least 1", "0"),
        (('add = "256Mi"', 'add = "much"'), "steps[0].add", "256Mi", "'much'"),
        (
            ('"bookinfo/reviews-v2", ', '"reviews-v2", '),
            "steps[0].deployments",
            "bookinfo/reviews-v2",
            "reviews-v2",
        ),
        (
            ('{do = "drain"}', '{do = "restart-pod"}'),
            "memory-pressure: steps[0]",
            "a step on nodes",
            "names none",
        ),
        (
            ('{do = "scale-to", to = 5}', '{do = "keep-logs"}'),
            "high-latency: steps[0]",
            "nodes or",
            "names none",
        ),
        (
            ('watch = "restarts", above = 5', 'watch = "oom-killed", fresh = "5m"'),
            "triggers on oom-killed",
            "same",
            "2",
        ),
        (('look_every = "2s"', 'look_every = "2"'), "look_every", "duration", "'2'"),
        (('{do = "restart-pod"}]', '{do = "keep-logs", bytes = 999999}]'), "bytes", "32768", "999999"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(
    change: tuple[str, str], where: str, expected: str, found: str
) -> None:
    assert change[0] in TEXT
    with pytest.raises(PlaybookError) as caught:
        read_playbooks(TEXT.replace(*change, 1), source="playbooks.toml")
    first, *lines = str(caught.value).splitlines()
    told = dict(line.strip().split(": ", 1) for line in lines)
    assert where in first
    assert "playbooks.toml" in first
    assert expected in told["expected"]
    assert found in told["found"]
    assert told["what to do"]


def test_the_listing_names_each_with_its_trigger_steps_and_limits(books: Playbooks) -> None:
    head, *rows = table(books).splitlines()
    assert head.split()[:3] == ["playbook", "trigger", "condition"]
    assert [row.split()[0] for row in rows] == [book.name for book in books.playbooks]
    assert "keep-logs, make-budget, restart-pod" in rows[0]
    assert "alert HighLatency" in table(books)
    assert "again within 10m" in table(books)


def test_the_command_lists_and_refuses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("AUTORECOVERY_PLAYBOOKS", str(PLAYBOOKS))
    command.main(["playbooks"])
    assert "crash-loop" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="--dry-run is expected"):
        command.main(["run"])
    with pytest.raises(SystemExit, match=r"no playbook 'mend'.*crash-loop"):
        command.main(["run", "mend", "--dry-run"])
    (tmp_path / "bad.toml").write_text(TEXT.replace('"drain"', '"drian"'))
    monkeypatch.setenv("AUTORECOVERY_PLAYBOOKS", str(tmp_path / "bad.toml"))
    with pytest.raises(SystemExit, match="drian"):
        command.main(["playbooks"])
    monkeypatch.setenv("AUTORECOVERY_PLAYBOOKS", str(tmp_path / "none.toml"))
    with pytest.raises(SystemExit, match=r"none\.toml"):
        command.main(["playbooks"])
    monkeypatch.setenv("AUTORECOVERY_PLAYBOOKS", str(PLAYBOOKS))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(SystemExit, match="no cluster"):
        command.main(["summary"])
