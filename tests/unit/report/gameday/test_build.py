"""A recorded run, as it is told: words for outcomes, hypotheses, surprises, findings, what came before."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from aftershock.errors import UsageError
from aftershock.report.gameday.build import build_day
from aftershock.report.gameday.earlier import Before, Compared, NoEarlierRuns, figure, sparkline
from aftershock.report.gameday.model import Day
from aftershock.report.record import ScenarioRecord
from tests.conformance.generator import at, healthy_web
from tests.unit.report.told import RECOVERED, SILENT, scenario, write_run, write_scenario


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return build_day(write_run(tmp_path / "r1"))


def test_every_planned_scenario_has_its_word(day: Day) -> None:
    assert [(page.name, page.word) for page in day.pages] == [
        ("A pod is killed", "not held"),
        ("All is quiet", "held"),
        ("never begun", "not run"),
    ]
    assert day.counts == [("held", 1), ("not held", 1), ("not run", 1)]
    assert day.seconds == 110


def test_without_a_game_day_the_steps_are_the_hypothesis(day: Day) -> None:
    assert day.pages[0].hypothesis == (
        "PodOOMKilled fires within 20 seconds",
        "web recovers within 30 seconds",
        "web answers throughout",
    )
    assert not day.pages[0].stated
    assert day.title == "Game day"


def test_a_scenario_is_told_with_its_figures(day: Day) -> None:
    page = day.pages[0]
    assert page.recovery == "4.50 s ± 0.2 s"
    assert page.blast == ("one pod of 3 (seed 4711)",)
    assert page.faults == ("out-of-memory on web-1",)
    assert (page.severity, page.owner, page.file) == ("critical", "web", "features/a.feature:3")
    assert [(row.alert, row.expected) for row in page.alerts] == [
        ("PodOOMKilled", True),
        ("PodNotReady", False),
    ]
    budget = (
        "web: 99.9 % over 30 days is a budget of 43 min 12 s",
        ("in time: down for 3 s", "in requests: 0"),
    )
    assert page.budget == (budget,)


def test_surprises_are_what_no_step_asked_for(day: Day) -> None:
    assert [(surprise.kind, surprise.text) for surprise in day.surprises] == [
        ("alert", "PodNotReady fired, 62 s after the fault, and no step speaks of it; nobody was told"),
        ("not known", "web answers throughout: no client watched"),
    ]
    assert day.pages[1].quiet
    assert not day.pages[0].quiet


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ("gap", "gap", "nothing is known of pod/demo for a while: 410 Gone"),
        ("not landed", "proof", "there is no proof that the fault on pod/demo/web-1 landed"),
        ("not undone", "undo", "there is no proof that fault on pod/demo/web-1 was undone"),
        (
            "beside",
            "beside",
            "deployment/demo/api had fewer pods Ready than wanted for 10 s, and is no target",
        ),
        ("broken", "broken", "something is left after undo"),
    ],
)
def test_each_kind_of_surprise(tmp_path: Path, change: str, kind: str, text: str) -> None:
    story = healthy_web().injected(0, landed=change != "not landed")
    outcome, message = "passed", ""
    if change == "gap":
        story.gap(3, 5)
    elif change == "beside":
        story.deployment(-60, 1, name="api").pod(-60, "api-1", change="LISTED", workload="api")
        story.pod(10, "api-1", ready=False, workload="api").pod(20, "api-1", workload="api")
    elif change == "broken":
        outcome, message = "broken", "something is left after undo\nsecond line"
    if change != "not undone":
        story.add(29, "harness", "undone", "pod/demo/web-1")
    run = write_run(tmp_path / "r1", planned=("other",))
    record = scenario("Other", outcome=outcome, message=message)
    write_scenario(run / "other", record, story.end(30).timeline, [])
    assert (kind, text) in [(s.kind, s.text) for s in build_day(run).surprises]


def test_damage_on_a_node_is_no_surprise(tmp_path: Path) -> None:
    story = healthy_web().injected(0, "node/worker").add(29, "harness", "undone", "node/worker")
    story.pod(10, "web-1", ready=False)
    run = write_run(tmp_path / "r1", planned=("other",))
    write_scenario(run / "other", scenario("Other", outcome="passed"), story.end(30).timeline, [])
    assert not build_day(run).surprises


def test_findings_are_drafted(day: Day) -> None:
    assert [(finding.what, finding.owner, finding.drafted) for finding in day.findings] == [
        (
            "Not held: no alert other than PodOOMKilled fires; expected none, observed PodNotReady",
            "web",
            True,
        ),
        ("Not known: web answers throughout; no client watched", "web", True),
        ("PodNotReady fired, 62 s after the fault, and no step speaks of it; nobody was told", "web", True),
    ]


def test_kept_findings_stand_for_their_drafts(tmp_path: Path, day: Day) -> None:
    run = tmp_path / "r1"
    first = f"- id: {day.findings[0].id}\n  what: Raise the limit\n  owner: Ada\n  ticket: 17\n"
    (run / "findings.yaml").write_text(f"{first}- what: More probes\n", encoding="utf-8")
    found = build_day(run).findings
    assert [(f.what, f.owner, f.ticket, f.drafted) for f in found[:2]] == [
        ("Raise the limit", "Ada", "17", False),
        ("More probes", "", "", False),
    ]
    assert [finding.id for finding in found[2:]] == [finding.id for finding in day.findings[1:]]


def test_a_finding_may_have_two_owners(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r1")
    (run / "findings.yaml").write_text("- {what: More probes, owner: [Ada, Bo]}\n", encoding="utf-8")
    assert "Bo" in build_day(run).findings[0].owner


@pytest.mark.parametrize("text", ["{}", "- 3", "- owner: Ada", "- [", "what: x"])
def test_findings_that_are_none(tmp_path: Path, text: str) -> None:
    run = write_run(tmp_path / "r1")
    (run / "findings.yaml").write_text(text, encoding="utf-8")
    if text == "{}":  # an empty file, as far as YAML goes
        assert len(build_day(run).findings) == 3
    else:
        with pytest.raises(UsageError, match=r"findings\.yaml"):
            build_day(run)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("{feature: features/a.feature, hypothesis: Nobody notices.}", "Nobody notices."),
        ("{feature: features/, hypothesis: Nobody notices.}", "Nobody notices."),
        ("{feature: features, hypothesis: x}, {feature: features/a.feature, hypothesis: y}", "y"),
        ("{feature: features/a.feature, scenario: A pod is killed, hypothesis: x, repetitions: 3}", "x"),
        ("{feature: features, scenario: A pod is killed, hypothesis: x}, {feature: features/a.feature}", "x"),
        ("{feature: features/a.feature, scenario: Another, hypothesis: x}", ""),
        ("{feature: features/b, hypothesis: x}, {feature: feat, hypothesis: y}", ""),
    ],
)
def test_a_game_day_says_what_was_meant(tmp_path: Path, entries: str, said: str) -> None:
    run = write_run(tmp_path / "r1")
    text = f"name: Friday\nowners: [Ada, Bo]\nprofile: ci\nscenarios: [{entries}]\n"
    (run / "gameday.yaml").write_text(text, encoding="utf-8")
    day = build_day(run)
    assert (day.title, day.owners) == ("Friday", ("Ada", "Bo"))
    assert day.pages[0].stated == bool(said)
    assert not said or day.pages[0].hypothesis == (said,)
    assert day.pages[1].owner == "Ada, Bo"  # nobody is named by a tag


def test_what_the_record_of_a_scenario_says_comes_first(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r1", planned=("other",))
    record = scenario("Other", hypothesis="Nobody is woken.")
    write_scenario(run / "other", record, healthy_web().end(30).timeline, [])
    assert build_day(run).pages[0].hypothesis == ("Nobody is woken.",)


@pytest.mark.parametrize("text", ["[", "just words", "- a"])
def test_a_game_day_that_is_none(tmp_path: Path, text: str) -> None:
    run = write_run(tmp_path / "r1")
    (run / "gameday.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"gameday\.yaml"):
        build_day(run)


class Slower:
    """A history in which every recovery took 2 or 3 s, or did not come."""

    def compared(self, scenario: ScenarioRecord) -> list[Compared]:
        values = enumerate((2.0, math.inf, 3.0))
        past = tuple(Before(run=f"r{n}", began=at(-n), value=value) for n, value in values)
        given = {"figure": RECOVERED.name, "unit": "s", "now": 4.5, "before": past}
        return [Compared(**given, said="p = 0.01", worse=True)] if scenario.outcome == "violated" else []


def test_what_a_history_says_is_shown_and_a_regression_is_a_finding(tmp_path: Path) -> None:
    day = build_day(write_run(tmp_path / "r1"), earlier=Slower())
    (compared,) = day.pages[0].compared
    assert compared.usual == 3.0
    assert "3 values, 2 to 4.5, the last 4.5" in sparkline(compared)
    assert day.findings[-1].what == f"Worse than before: {RECOVERED.name}; p = 0.01"


def test_no_history_says_nothing() -> None:
    assert NoEarlierRuns().compared(scenario()) == ()


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(None, "s", "not known"), (math.inf, "s", "never"), (4.256, "s", "4.26 s"), (0.30123, "%", "0.301 %")],
)
def test_a_figure_is_told_as_it_is(value: float | None, unit: str, shown: str) -> None:
    assert figure(value, unit) == shown


def test_one_value_is_no_line() -> None:
    never = (Before(run="r0", began=at(0), value=math.inf),)
    assert sparkline(Compared(figure="x", unit="s", now=1.0, before=never)) == ""
    two = (*never, Before(run="r1", began=at(1), value=1.0), Before(run="r2", began=at(2), value=2.0))
    assert "circle" not in sparkline(Compared(figure="x", unit="s", now=None, before=two))


def test_repetitions_are_k_of_n(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r1", planned=tuple(f"again-{number}" for number in range(5)))
    for number in range(4):  # the last had no turn
        record = scenario(
            "Again", outcome="passed" if number else "inconclusive", repetition=number + 1, repetitions=5
        )
        write_scenario(run / f"again-{number}", record, healthy_web().end(9).timeline, [])
    day = build_day(run)
    assert day.repeated == (("Again", "3 of 4 (95 % confidence: 19 % to 100 %)"),)
    assert [page.name for page in day.pages[:2]] == ["Again (1 of 5)", "Again (2 of 5)"]


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recorded run"):
        build_day(tmp_path)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (f"{SILENT.name}: violated\n  expected  none", ""),
        ("assert 2 == 3", "assert 2 == 3"),
        ("", ""),
    ],
)
def test_what_a_verdict_says_anyway_is_not_said_twice(tmp_path: Path, message: str, shown: str) -> None:
    run = write_run(tmp_path / "r1", planned=("other",))
    record = scenario("Other", message=message)
    write_scenario(run / "other", record, healthy_web().end(30).timeline, [SILENT])
    assert build_day(run).pages[0].trouble == shown


@pytest.mark.parametrize("torn", ["timeline.jsonl", "verdicts.json"])
def test_a_record_that_cannot_be_read_hides_no_other(tmp_path: Path, torn: str) -> None:
    run = write_run(tmp_path / "r1")
    (run / "killed" / torn).write_text("{}\n{}\n", encoding="utf-8")
    day = build_day(run)
    assert [page.word for page in day.pages] == ["not held", "held", "not run"]
    (surprise,) = day.pages[0].surprises
    assert surprise.text.startswith("what was observed cannot be told: ")
    assert day.pages[0].hypothesis
    assert day.pages[1].course


def test_a_scenario_in_which_the_run_was_killed_is_no_scenario_that_had_no_turn(tmp_path: Path) -> None:
    run = write_run(tmp_path / "r1", state="running", ended=None)
    (run / "killed" / "scenario.json").unlink()
    assert [(page.word, page.message) for page in build_day(run).pages[::2]] == [
        ("interrupted", "the run ended in it; what it had seen is in its folder"),
        ("not run", "it had no turn"),
    ]


def test_what_scenarios_side_by_side_do_is_not_this_ones_surprise(tmp_path: Path) -> None:
    own = {"workloads": ["demo/web"], "namespaces": []}
    api = {"scenario": "api-is-killed", "workloads": ["demo/api"], "namespaces": []}
    story = healthy_web().deployment(-60, 1, name="api").pod(-60, "api-1", change="LISTED", workload="api")
    story.add(-4, "harness", "concurrent", "web", own=own, others=[api]).injected(0)
    story.pod(10, "api-1", ready=False, workload="api").pod(20, "api-1", workload="api")
    story.alerts(
        -60, 30,
        ("PodNotReady", 12, 19, {"labels": {"namespace": "demo", "pod": "api-1"}}),
        ("NodeBusy", 12, 19, {"labels": {"node": "worker"}}),
        ("PodSlow", 12, 19, {"labels": {"namespace": "demo", "pod": "web-1"}}),
    )  # fmt: skip
    run = write_run(tmp_path / "r1", planned=("other",))
    story.add(29, "harness", "undone", "pod/demo/web-1")
    write_scenario(run / "other", scenario("Other", outcome="passed"), story.end(30).timeline, [])
    (page,) = build_day(run).pages
    assert {surprise.text.partition(" fired")[0]: surprise.text for surprise in page.surprises} == {
        "PodSlow": "PodSlow fired, 12 s after the fault, and no step speaks of it; nobody was told",
        "NodeBusy": "NodeBusy fired, and of which of the scenarios side by side is not known",
    }
    assert page.course
    assert [(bar.alert, bar.doubtful) for bar in page.course.alerts] == [
        ("NodeBusy", True),
        ("PodSlow", False),
    ]
