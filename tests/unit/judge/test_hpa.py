"""The HPA's arithmetic, against worked examples of the controller's source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aftershock.judge.hpa import admit, recommend, stabilise, utilisation
from aftershock.judge.hpa_spec import Behaviour, Metric, PodSeen, Policy, Rules, Sample, Spec, read_spec
from tests.conformance.generator import at

UP = Rules(window_s=30, policies=(Policy(kind="Percent", value=100, period_s=30),))
DOWN = Rules(window_s=300, policies=(Policy(kind="Percent", value=25, period_s=60),))
CPU = Metric(name="cpu", target=50)
SPEC = Spec(minimum=3, maximum=10, metrics=(CPU,), behaviour=Behaviour(up=UP, down=DOWN))
OLD = PodSeen(
    name="",
    phase="Running",
    deleting=False,
    ready=True,
    ready_since=at(-3590),
    started_at=at(-3600),
    request_m=100,
)


def pods(*more: PodSeen, count: int = 3) -> list[PodSeen]:
    return [*(replace(OLD, name=f"web-{number}") for number in range(1, count + 1)), *more]


def samples(*usage: int, **more: int) -> dict[str, Sample]:
    named = {f"web-{number}": value for number, value in enumerate(usage, start=1)} | more
    return {name: Sample(cpu_m=value, timestamp=at(-2), window_s=10) for name, value in named.items()}


def ask(seen: list[PodSeen], usage: dict[str, Sample], current: int = 3) -> int | None:
    return recommend(SPEC, pods=seen, samples=usage, current=current, now=at(0))


@pytest.mark.parametrize(
    ("each", "replicas"),
    [(50, 3), (55, 3), (56, 4), (66, 4), (67, 5), (90, 6), (100, 6), (45, 3), (44, 3), (33, 2), (10, 1)],
)
def test_formula_with_tolerance(each: int, replicas: int) -> None:
    assert ask(pods(), samples(each, each, each)) == replicas


def test_whole_percents_are_cut_off() -> None:
    assert utilisation({"a": 559}, {"a": 1000}) == 55
    assert ask(pods(), samples(56, 56, 55)) == 3  # 55.67 % counts as 55: within the tolerance
    assert utilisation({"a": 1}, {"b": 1}) is None


def test_terminating_and_failed_pods_are_ignored() -> None:
    leaving = replace(OLD, name="gone", deleting=True)
    failed = replace(OLD, name="bad", phase="Failed")
    assert ask(pods(leaving, failed), samples(90, 90, 90, gone=0, bad=0)) == 6


def test_pending_pods_count_as_idle_on_the_way_up() -> None:
    pending = replace(OLD, name="new", phase="Pending", ready=None)
    # 270 m of 300 m is 90 %; with the idle one 270 of 400 is 67 %: 4 pods by 1.34 are 6.
    assert ask(pods(pending), samples(90, 90, 90), current=4) == 6
    # 60 % alone would be 4, with the idle one it is 45 %: the direction turns, nothing happens.
    assert ask(pods(pending), samples(60, 60, 60), current=4) == 4


def test_missing_sample_counts_as_idle_up_and_as_full_down() -> None:
    assert ask(pods(), samples(90, 90)) == 4  # 180 of 300 m: 60 %, 3 by 1.2
    assert ask(pods(), samples(10, 10)) == 3  # 120 of 300 m: 40 %, 3 by 0.8


def test_fresh_pod_counts_only_after_a_whole_window_of_readiness() -> None:
    fresh = replace(OLD, name="new", started_at=at(-40), ready_since=at(-30))
    busy = samples(90, 90, 90, new=90)
    assert ask(pods(fresh), busy, current=4) == 8  # 90 % of all four
    just = replace(fresh, ready_since=at(-5))  # its sample began before it was ready
    assert ask(pods(just), busy, current=4) == 6


def test_unready_pod_after_its_first_five_minutes() -> None:
    never = replace(OLD, name="new", ready=False, started_at=at(-600), ready_since=at(-590))
    # Unready since within 30 s of its start: never ready, so idle on the way up.
    assert ask(pods(never), samples(90, 90, 90, new=90), current=4) == 6
    once = replace(never, ready_since=at(-300))
    assert ask(pods(once), samples(90, 90, 90, new=90), current=4) == 8


def test_nothing_to_go_by() -> None:
    assert ask(pods(), {}) is None
    bare = replace(OLD, name="bare", request_m=None)
    assert ask(pods(bare), samples(90, 90, 90)) is None
    assert ask([replace(OLD, name="web-1", ready=None)], samples(90)) is None


def test_stabilisation_takes_the_lowest_up_and_the_highest_down() -> None:
    assert stabilise(current=3, desired=6, up=(4, 5), down=()) == 4
    assert stabilise(current=3, desired=6, up=(2,), down=()) == 3
    assert stabilise(current=6, desired=3, up=(), down=(5, 4)) == 5
    assert stabilise(current=6, desired=3, up=(), down=(8,)) == 6
    assert stabilise(current=3, desired=6, up=(), down=()) == 6


@pytest.mark.parametrize(
    ("current", "desired", "changes", "admitted"),
    [
        (3, 9, (), 6),  # 100 % per 30 s
        (3, 5, (), 5),
        (6, 9, ((20.0, 3),), 6),  # doubled already in this period
        (6, 9, ((31.0, 3),), 9),
        (6, 20, (), 10),  # maximum
        (8, 3, (), 6),  # 25 % per 60 s
        (6, 3, ((59.0, -2),), 6),
        (3, 1, (), 3),  # minimum
        (5, 5, (), 5),
    ],
)
def test_policies(current: int, desired: int, changes: tuple[tuple[float, int], ...], admitted: int) -> None:
    assert admit(SPEC, current=current, desired=desired, changes=changes) == admitted


def test_policies_are_selected() -> None:
    both = (Policy(kind="Percent", value=50, period_s=60), Policy(kind="Pods", value=2, period_s=60))
    for select, admitted in (("Max", 6), ("Min", 6), ("Disabled", 4)):
        spec = replace(
            SPEC, behaviour=Behaviour(up=Rules(window_s=0, policies=both, select=select), down=DOWN)
        )
        assert admit(spec, current=4, desired=9, changes=()) == admitted
    spec = replace(SPEC, behaviour=Behaviour(up=UP, down=Rules(window_s=0, policies=both, select="Min")))
    assert admit(spec, current=8, desired=3, changes=()) == 6
    spec = replace(SPEC, behaviour=Behaviour(up=UP, down=Rules(window_s=0, policies=both, select="Disabled")))
    assert admit(spec, current=8, desired=3, changes=()) == 8


def test_spec_is_read_as_the_api_has_it() -> None:
    raw = {
        "scaleUp": {
            "stabilizationWindowSeconds": 30,
            "selectPolicy": "Max",
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 30}],
        },
        "scaleDown": {"policies": [{"type": "Percent", "value": 25, "periodSeconds": 60}]},
    }
    assert read_spec({"behavior": raw, "min": 3, "max": 10, "cpu_percent": 50, "metrics": 1}) == SPEC


def test_without_behaviour_it_doubles_or_goes_to_four() -> None:
    spec = read_spec({"behavior": None, "min": 1, "max": 20, "cpu_percent": 50, "metrics": 1})
    assert admit(spec, current=1, desired=9, changes=()) == 4
    assert admit(spec, current=3, desired=9, changes=()) == 6
    assert admit(spec, current=8, desired=2, changes=()) == 2
    assert spec.behaviour.down.window_s == 300
