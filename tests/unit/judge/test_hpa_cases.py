"""The HPA's formula, case by case. Every expected figure was worked out by hand from the documentation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aftershock.judge.hpa import admit, recommend, stabilise
from aftershock.judge.hpa_spec import Behaviour, Metric, PodSeen, Policy, Rules, Sample, Spec, read_spec
from tests.conformance.generator import at

MIB = 2**20
CPU = Metric(name="cpu", target=50)
CPU_200 = Metric(name="cpu", target=200)
CPU_EACH = Metric(name="cpu", target=80, by="average")
MEMORY = Metric(name="memory", target=80)
MEMORY_EACH = Metric(name="memory", target=100 * MIB * 1000, by="average")
REQUESTS = Metric(name="http_requests_per_second", target=1_000_000, by="average", source="Pods")
FREE = Rules(window_s=0, policies=())
OLD = PodSeen(
    name="", phase="Running", deleting=False, ready=True, ready_since=at(-3590), started_at=at(-3600),
    request_m=100, memory_request=100 * MIB,
)  # fmt: skip
PENDING: dict[str, Any] = {"phase": "Pending", "ready": None, "ready_since": None, "started_at": None}


def spec(*metrics: Metric, **more: Any) -> Spec:
    return Spec(minimum=1, maximum=100, metrics=metrics, behaviour=Behaviour(up=FREE, down=FREE), **more)


def pods(count: int, *others: dict[str, Any]) -> list[PodSeen]:
    """So many old pods p1, p2, …, and others that differ from them."""
    more = [replace(OLD, name=f"p{count + n}", **other) for n, other in enumerate(others, start=1)]
    return [*(replace(OLD, name=f"p{n}") for n in range(1, count + 1)), *more]


def cpu(*usage: int | None) -> dict[str, Sample]:
    return {
        f"p{n}": Sample(cpu_m=value, timestamp=at(-2), window_s=10)
        for n, value in enumerate(usage, start=1)
        if value is not None
    }


def memory(*mib: int) -> dict[str, Sample]:
    return {
        f"p{n}": Sample(cpu_m=0, timestamp=at(-2), window_s=10, memory=value * MIB)
        for n, value in enumerate(mib, start=1)
    }


def requests(*each: float) -> dict[str, dict[str, int]]:
    return {REQUESTS.name: {f"p{n}": round(value * 1000) for n, value in enumerate(each, start=1)}}


def young(*, age: float, ready_for: float | None) -> dict[str, Any]:
    """A pod that started `age` s ago and became Ready, or was found unready, so long ago."""
    ready = ready_for is not None
    return {"started_at": at(-age), "ready": ready, "ready_since": at(-(ready_for if ready else age))}


# -- one metric: ceil(pods x level / target), tolerance 10 %

ONE_METRIC = [
    # name, metric, pods, values, expected
    ("at the target", CPU, pods(4), cpu(50, 50, 50, 50), 4),
    ("twice the target", CPU, pods(4), cpu(100, 100, 100, 100), 8),
    ("half the target", CPU, pods(4), cpu(25, 25, 25, 25), 2),
    ("200m of a target of 100m doubles", Metric(name="cpu", target=100, by="average"), pods(1), cpu(200), 2),
    ("50m of a target of 100m halves", Metric(name="cpu", target=100, by="average"), pods(4),
     cpu(50, 50, 50, 50), 2),
    ("rounded up", CPU, pods(3), cpu(60, 60, 60), 4),  # 3 x 1.2 = 3.6
    ("rounded up on the way down", CPU, pods(5), cpu(21, 21, 21, 21, 21), 3),  # 5 x 0.42 = 2.1
    ("1.10 is within", CPU, pods(10), cpu(*[55] * 10), 10),
    ("1.12 is not", CPU, pods(10), cpu(*[56] * 10), 12),  # 10 x 1.12 = 11.2
    ("0.90 is within", CPU, pods(10), cpu(*[45] * 10), 10),
    ("0.88 is not", CPU, pods(10), cpu(*[44] * 10), 9),  # 10 x 0.88 = 8.8
    ("uneven usage counts as its sum", CPU, pods(2), cpu(150, 0), 3),  # 75 %: 2 x 1.5
    ("whole percents, cut off", CPU, pods(3), cpu(56, 56, 55), 3),  # 55.7 % is 55
    ("a target above 100 %", CPU_200, pods(2), cpu(400, 400), 4),
    ("idle", CPU, pods(3), cpu(0, 0, 0), 0),
    ("average of CPU", CPU_EACH, pods(3), cpu(120, 120, 120), 5),  # 1.5 x 3 = 4.5
    ("average of CPU, cut off", CPU_EACH, pods(3), cpu(88, 89, 89), 3),  # 88.67 is 88: 1.1
    ("average of CPU needs no request", CPU_EACH, pods(1, {"request_m": None}), cpu(160, 160), 4),
    ("utilisation needs every request", CPU, pods(1, {"request_m": None}), cpu(90, 90), None),
    ("memory at the target", MEMORY, pods(3), memory(80, 80, 80), 3),
    ("memory above", MEMORY, pods(3), memory(100, 100, 100), 4),  # 1.25 x 3 = 3.75
    ("memory below", MEMORY, pods(5), memory(40, 40, 40, 40, 40), 3),  # 0.5 x 5 = 2.5
    ("memory without a request", MEMORY, pods(1, {"memory_request": None}), memory(90, 90), None),
    ("memory needs no CPU request", MEMORY, pods(1, {"request_m": None}), memory(160, 160), 4),
    ("average of memory", MEMORY_EACH, pods(2), memory(150, 150), 3),
    ("no pod has a sample", CPU, pods(3), {}, None),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "seen", "samples", "expected"), [c[1:] for c in ONE_METRIC],
                         ids=[c[0] for c in ONE_METRIC])  # fmt: skip
def test_one_metric(
    metric: Metric, seen: list[PodSeen], samples: dict[str, Sample], expected: int | None
) -> None:
    assert recommend(spec(metric), pods=seen, samples=samples, current=len(seen), now=at(0)) == expected


# -- pods that are not ready yet, or have no metrics

NOT_ALL_SEEN = [
    ("missing counts 0 % on the way up", pods(4), cpu(100, 100, 100), 4, 6),  # 300 of 400: 75 %, 4 x 1.5
    ("missing stops a small move up", pods(4), cpu(60, 60, 60), 4, 4),  # 180 of 400: 45 %
    ("missing counts 100 % on the way down", pods(4), cpu(10, 10, 10), 4, 3),  # 130 of 400: 32 %: 2.56
    ("missing stops a move down", pods(2), cpu(10), 2, 2),  # 110 of 200: 55 %
    ("missing turns the direction: nothing", pods(3), cpu(20), 3, 3),  # 220 of 300: 73 %
    ("missing at the target changes nothing", pods(3), cpu(50, 50), 3, 3),
    ("two missing on the way up", pods(4), cpu(100, 100), 4, 4),  # 200 of 400: 50 %
    ("pending counts 0 % on the way up", pods(3, PENDING), cpu(90, 90, 90), 4, 6),  # 270 of 400: 67 %
    ("pending does not count on the way down", pods(3, PENDING), cpu(20, 20, 20), 4, 2),  # 0.4 x 3 = 1.2
    ("pending at the target: as wanted", pods(3, PENDING), cpu(50, 50, 50), 4, 4),
    ("deleted pods are left out", pods(3, {"deleting": True}), cpu(100, 100, 100, 100), 3, 6),
    ("failed pods are left out", pods(3, {"phase": "Failed"}), cpu(100, 100, 100, 100), 3, 6),
    ("young and unready: 0 % on the way up", pods(3, young(age=60, ready_for=None)), cpu(90, 90, 90, 90),
     4, 6),
    ("young, Ready, a whole window ago", pods(3, young(age=60, ready_for=30)), cpu(90, 90, 90, 90), 4, 8),
    ("young, Ready, within its window", pods(3, young(age=60, ready_for=5)), cpu(90, 90, 90, 90), 4, 6),
    ("young and unready: left out on the way down", pods(3, young(age=60, ready_for=None)),
     cpu(20, 20, 20, 400), 4, 2),
    ("old, unready since its start", pods(3, {"ready": False, "started_at": at(-600),
     "ready_since": at(-590)}), cpu(90, 90, 90, 90), 4, 6),
    ("old, unready later", pods(3, {"ready": False, "started_at": at(-600), "ready_since": at(-300)}),
     cpu(90, 90, 90, 90), 4, 8),
    ("no readiness known", pods(3, {"ready": None, "ready_since": None}), cpu(90, 90, 90, 90), 4, 6),
    ("only young pods", pods(0, young(age=20, ready_for=5)), cpu(90), 1, None),
    ("fewer pods than before: no turn", pods(2), cpu(60, 60), 5, 3),  # 1.2 x 2 = 2.4, all seen
    ("missing, and more wanted than there are pods", pods(3), cpu(100, 100), 6, 6),  # 67 %: 3.99 < 6
]  # fmt: skip


@pytest.mark.parametrize(("seen", "samples", "current", "expected"), [c[1:] for c in NOT_ALL_SEEN],
                         ids=[c[0] for c in NOT_ALL_SEEN])  # fmt: skip
def test_pods_that_are_not_all_seen(
    seen: list[PodSeen], samples: dict[str, Sample], current: int, expected: int | None
) -> None:
    assert recommend(spec(CPU), pods=seen, samples=samples, current=current, now=at(0)) == expected


def test_a_target_above_100_fills_missing_pods_with_it() -> None:
    # 200 + 200 (the missing one, at the target) of 200 m is 200 %: at the target, nothing happens.
    assert recommend(spec(CPU_200), pods=pods(2), samples=cpu(150), current=2, now=at(0)) == 2


def test_memory_of_a_young_pod_counts_at_once() -> None:
    seen = pods(1, young(age=20, ready_for=None))
    assert recommend(spec(MEMORY), pods=seen, samples=memory(160, 160), current=2, now=at(0)) == 4


# -- metrics of the pods' own

OWN = [
    ("at the target", pods(3), requests(1000, 1000, 1000), 3, 3),
    ("above", pods(3), requests(1500, 1500, 1500), 3, 5),  # 4.5
    ("below", pods(4), requests(100, 100, 100, 100), 4, 1),  # 0.4
    ("within the tolerance", pods(3), requests(1100, 1100, 1100), 3, 3),
    ("missing counts 0 on the way up", pods(4), requests(2000, 2000, 2000), 4, 6),  # 1500: 6
    ("missing counts as the target on the way down", pods(4), requests(200, 200, 200), 4, 2),  # 400: 1.6
    ("pending counts 0 on the way up", pods(3, PENDING), requests(2000, 2000, 2000), 4, 6),
    ("a young pod counts at once", pods(1, young(age=5, ready_for=None)), requests(2000, 2000), 2, 4),
    ("nobody exports it", pods(3), {}, 3, None),
]


@pytest.mark.parametrize(("seen", "own", "current", "expected"), [c[1:] for c in OWN],
                         ids=[c[0] for c in OWN])  # fmt: skip
def test_metrics_of_the_pods_own(
    seen: list[PodSeen], own: dict[str, dict[str, int]], current: int, expected: int | None
) -> None:
    found = recommend(spec(REQUESTS), pods=seen, samples={}, own=own, current=current, now=at(0))
    assert found == expected


# -- several metrics: the largest; one that cannot be had forbids a scale-down, not a scale-up


def both(cpu_m: int, mib: int) -> dict[str, Sample]:
    return {
        f"p{n}": Sample(cpu_m=cpu_m, timestamp=at(-2), window_s=10, memory=mib * MIB) for n in range(1, 5)
    }


SEVERAL = [
    ("the larger: CPU", (CPU, MEMORY), both(100, 80), {}, 8),
    ("the larger: memory", (CPU, MEMORY), both(50, 160), {}, 8),
    ("both below: the larger", (CPU, MEMORY), both(10, 40), {}, 2),  # 0.8, 2
    ("one below, one at the target", (CPU, MEMORY), both(10, 80), {}, 4),
    ("three: requests decide", (CPU, MEMORY, REQUESTS), both(50, 80), requests(3000, 3000, 3000, 3000), 12),
    ("one missing, the other up", (CPU, REQUESTS), both(100, 80), {}, 8),
    ("one missing, the other down", (CPU, REQUESTS), both(10, 80), {}, None),
    ("one missing, the other at the target", (CPU, REQUESTS), both(50, 80), {}, 4),
    ("all missing", (CPU, REQUESTS), {}, {}, None),
]


@pytest.mark.parametrize(("metrics", "samples", "own", "expected"), [c[1:] for c in SEVERAL],
                         ids=[c[0] for c in SEVERAL])  # fmt: skip
def test_several_metrics(
    metrics: tuple[Metric, ...], samples: dict[str, Sample], own: dict[str, Any], expected: int | None
) -> None:
    found = recommend(spec(*metrics), pods=pods(4), samples=samples, own=own, current=4, now=at(0))
    assert found == expected


# -- tolerance of its own in each direction


@pytest.mark.parametrize(("each", "expected"), [(52, 11), (50, 10), (45, 10), (41, 10), (39, 8)])
def test_tolerance_by_direction(each: int, expected: int) -> None:
    up, down = replace(FREE, tolerance=0.0), replace(FREE, tolerance=0.2)
    told = replace(spec(CPU), behaviour=Behaviour(up=up, down=down))
    assert recommend(told, pods=pods(10), samples=cpu(*[each] * 10), current=10, now=at(0)) == expected


def test_tolerance_is_read_as_the_api_writes_it() -> None:
    behaviour = {"scaleUp": {"tolerance": "50m"}, "scaleDown": {"tolerance": "0"}}
    told = read_spec({"behavior": behaviour, "min": 1, "max": 2, "cpu_percent": 50, "metrics": 1})
    assert (told.behaviour.up.tolerance, told.behaviour.down.tolerance) == (0.05, 0.0)


# -- policies, per direction and per period; minimum and maximum


def policy(kind: Any, value: int, period_s: int = 60) -> Policy:
    return Policy(kind=kind, value=value, period_s=period_s)


HALF_OR_TWO = (policy("Percent", 50), policy("Pods", 2))
QUARTER = (policy("Percent", 25),)
FOUR_OR_TENTH = (policy("Pods", 4), policy("Percent", 10))

UP = [
    ("percent", (policy("Percent", 100),), "Max", 3, 10, (), 6),
    ("percent, rounded up", (policy("Percent", 10),), "Max", 3, 10, (), 4),
    ("pods", (policy("Pods", 2),), "Max", 3, 10, (), 5),
    ("less than allowed", (policy("Pods", 4),), "Max", 3, 5, (), 5),
    ("the most change: pods", HALF_OR_TWO, "Max", 3, 10, (), 5),  # 4.5 → 5, or 5
    ("the most change: percent", HALF_OR_TWO, "Max", 6, 20, (), 9),
    ("the least change: pods", HALF_OR_TWO, "Min", 6, 20, (), 8),
    ("the least change: percent", HALF_OR_TWO, "Min", 2, 20, (), 3),
    ("disabled", HALF_OR_TWO, "Disabled", 3, 10, (), 3),
    ("already done in this period", (policy("Percent", 100),), "Max", 6, 10, ((20.0, 3),), 6),
    ("some left in this period", (policy("Pods", 4),), "Max", 5, 10, ((20.0, 2),), 7),
    ("the period is over", (policy("Percent", 100),), "Max", 6, 11, ((60.0, 3),), 11),
    ("each policy has its period", (policy("Pods", 4, 15), policy("Percent", 100, 60)), "Max", 6, 20,
     ((30.0, 3),), 10),  # 6 + 4, or twice the 3 of a minute ago
    ("what was taken away may come back", (policy("Pods", 1),), "Max", 4, 10, ((20.0, -2),), 7),
    ("the maximum", (policy("Percent", 900),), "Max", 9, 40, (), 20),
    ("no behaviour: twice", (), "Max", 5, 40, (), 10),
    ("no behaviour: at least four", (), "Max", 1, 40, (), 4),
]  # fmt: skip

DOWN = [
    ("percent", QUARTER, "Max", 8, 3, (), 6),
    ("percent, cut off", QUARTER, "Max", 6, 2, (), 4),  # 4.5
    ("percent of one pod", (policy("Percent", 10),), "Max", 3, 2, (), 2),  # 2.7
    ("pods", (policy("Pods", 1),), "Max", 8, 3, (), 7),
    ("the most change: pods", FOUR_OR_TENTH, "Max", 20, 2, (), 16),
    ("the most change: percent", FOUR_OR_TENTH, "Max", 80, 2, (), 72),
    ("the least change: percent", FOUR_OR_TENTH, "Min", 20, 2, (), 18),
    ("the least change: pods", FOUR_OR_TENTH, "Min", 80, 2, (), 76),
    ("disabled", QUARTER, "Disabled", 8, 3, (), 8),
    ("already done in this period", QUARTER, "Max", 6, 3, ((20.0, -2),), 6),
    ("the period is over", QUARTER, "Max", 6, 3, ((61.0, -2),), 4),
    ("the minimum", (policy("Percent", 100),), "Max", 8, 0, (), 2),
    ("no behaviour: all at once", (), "Max", 8, 2, (), 2),
]


def _told(direction: str, policies: tuple[Policy, ...], select: str) -> Spec:
    rules = Rules(window_s=0, policies=policies, select=select)
    behaviour = Behaviour(**{"up": FREE, "down": FREE, direction: rules})
    return replace(spec(CPU), minimum=2, maximum=20, behaviour=behaviour)


@pytest.mark.parametrize(("direction", "case"), [("up", c) for c in UP] + [("down", c) for c in DOWN],
                         ids=[f"up: {c[0]}" for c in UP] + [f"down: {c[0]}" for c in DOWN])  # fmt: skip
def test_policies(direction: str, case: tuple[Any, ...]) -> None:
    _, policies, select, current, desired, changes, expected = case
    told = _told(direction, policies, select)
    told = replace(told, maximum=100) if case[0].startswith("the least change: pods") else told
    told = replace(told, maximum=100) if current > told.maximum else told
    assert admit(told, current=current, desired=desired, changes=changes) == expected


# -- stabilisation: up the lowest of the window counts, down the highest

STABLE = [
    ("nothing before", 3, 6, (), (), 6),
    ("lowest up", 3, 6, (5, 4), (), 4),
    ("never below what there is, on the way up", 3, 6, (1,), (), 3),
    ("highest down", 6, 3, (), (4, 5), 5),
    ("never above what there is, on the way down", 6, 3, (), (9,), 6),
    ("the window of the other direction has no say, up", 3, 6, (6,), (2,), 6),
    ("the window of the other direction has no say, down", 6, 3, (1,), (3,), 3),
    ("steady", 4, 4, (4,), (4,), 4),
]


@pytest.mark.parametrize(("current", "desired", "up", "down", "expected"), [c[1:] for c in STABLE],
                         ids=[c[0] for c in STABLE])  # fmt: skip
def test_stabilisation(
    current: int, desired: int, up: tuple[int, ...], down: tuple[int, ...], expected: int
) -> None:
    assert stabilise(current=current, desired=desired, up=up, down=down) == expected
