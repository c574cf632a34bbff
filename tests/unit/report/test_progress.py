from pathlib import Path

import pytest

from aftershock.collect.gherkin import Scenario, Step
from aftershock.errors import AftershockError, DeadlineError, FaultError, InconclusiveError
from aftershock.report.progress import Progress, classify, explain
from aftershock.testing import FakeClock
from aftershock.verdict import met

SCENARIO = Scenario(
    file="features/a.feature",
    line=3,
    feature="A",
    rule="",
    name="It recovers",
    template="It recovers",
    description="",
    tags=frozenset(),
    steps=(
        Step(keyword="Given", type="given", text="a service", line=4),
        Step(keyword="When", type="when", text="a pod dies", line=5),
        Step(keyword="Then", type="then", text="it recovers", line=6),
    ),
)


@pytest.fixture
def failed() -> Progress:
    """Return a scenario whose second step failed after two and a half minutes."""
    clock = FakeClock()
    progress = Progress(SCENARIO, clock=clock)
    progress.begin("Given a service")
    clock.sleep(0.25)
    progress.end("passed")
    progress.begin("When a pod dies")
    clock.sleep(150)
    progress.end("broken")
    return progress


def test_steps_are_shown_with_their_durations_and_those_not_run_as_such(failed):
    assert list(failed.lines()) == [
        "It recovers  (features/a.feature:3)",
        "    passed           0.25 s  Given a service",
        "    BROKEN       2 min 30 s  When a pod dies",
        "    not run                  Then it recovers",
    ]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (AssertionError("x"), "violated"),
        (pytest.fail.Exception("x"), "violated"),
        (InconclusiveError("x"), "inconclusive"),
        (pytest.skip.Exception("x"), "inconclusive"),
        (KeyboardInterrupt(), "interrupted"),
        (FaultError("x"), "broken"),
        (DeadlineError("x"), "broken"),
        (RuntimeError("x"), "broken"),
    ],
)
def test_what_a_step_raises_says_what_becomes_of_the_scenario(error, outcome):
    assert classify(error) == outcome


def _raised(error: BaseException) -> BaseException:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_an_error_of_ours_is_told_with_its_evidence_and_place_and_no_traceback(failed):
    error = _raised(FaultError("it did not land", expected="OOMKilled", hint="look at the pod"))
    steady = met("steady", expected="30 s", observed=2, unit="s")

    failure = explain(failed, [steady], error, root=Path(__file__).parent)

    assert failure.text.splitlines()[5:] == [
        "  met: steady: 2 s",
        "  it did not land",
        "    expected: OOMKilled",
        "    do: look at the pod",
        f"  at test_progress.py:{_line_of_raise()}",
    ]
    assert failure.reprcrash.message.startswith("it did not land\n")


def _line_of_raise() -> int:
    text = Path(__file__).read_text(encoding="utf-8").splitlines()
    return text.index("        raise error") + 1


def test_any_other_error_is_told_with_its_traceback_and_cause_but_no_local_value(failed):
    password = "correct-horse"  # noqa: F841 - what a traceback with locals would show
    try:
        try:
            {}["gone"]
        except KeyError as cause:
            raise RuntimeError("no pod") from cause
    except RuntimeError as caught:
        failure = explain(failed, [], caught, root=Path("/"))

    assert "KeyError: 'gone'" in failure.text
    assert "RuntimeError: no pod" in failure.text
    assert 'raise RuntimeError("no pod") from cause' in failure.text
    assert "correct-horse" not in failure.text


def test_a_secret_in_a_message_is_not_shown(failed):
    failure = explain(failed, [], AftershockError("token: 0123456789abcdef"), root=Path("/"))

    assert "0123456789abcdef" not in failure.text + failure.reprcrash.message
