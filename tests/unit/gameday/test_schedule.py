"""The order of scenarios that run side by side, over many drawn cases."""

from __future__ import annotations

import random

import pytest

from aftershock.gameday.schedule import Footprint, Schedule

WORKLOADS = ("demo/web", "demo/api", "book/reviews", "book/details")


def drawn(draw: random.Random) -> Footprint:
    """Return any footprint; about one in five is alone."""
    return Footprint(
        workloads=frozenset(draw.sample(WORKLOADS, draw.randint(0, 2))),
        namespaces=frozenset(draw.sample(("demo", "book"), draw.choice((0, 0, 0, 1)))),
        shared=frozenset(draw.sample(("cpu", "alert A"), draw.choice((0, 0, 1)))),
        alone=draw.choice(("", "", "", "", "it touches a node")),
    )


def needs(footprint: Footprint) -> set[str]:
    """Return everything it needs, workload by workload: another way to say what may not overlap."""
    inside = {w for w in WORKLOADS if w.partition("/")[0] in footprint.namespaces}
    return {*footprint.workloads, *inside, *footprint.namespaces, *footprint.shared}


def lived(schedule: Schedule, draw: random.Random) -> list[tuple[int, tuple[int, ...]]]:
    """Run everything; return each in the order of its begin, with those that ran then."""
    begun = []
    while schedule.pending or schedule.running:
        number = schedule.next()
        if number is None:
            assert schedule.running, "nothing runs, and nothing may begin"
            schedule.end(draw.choice(schedule.running))
            continue
        begun.append((number, tuple(schedule.running)))
        schedule.begin(number)
    return begun


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("keep_order", [True, False])
def test_nobody_is_disturbed_and_everybody_has_a_turn(seed: int, keep_order: bool) -> None:
    draw = random.Random(seed)
    footprints = [drawn(draw) for _ in range(draw.randint(1, 12))]
    lanes = draw.randint(1, 4)

    begun = lived(Schedule(footprints, lanes=lanes, keep_order=keep_order), draw)

    assert sorted(number for number, _ in begun) == list(range(len(footprints)))
    for number, running in begun:
        assert len(running) < lanes
        for other in running:
            assert footprints[number].alone == footprints[other].alone == ""
            assert not needs(footprints[number]) & needs(footprints[other])
    if keep_order:
        assert [number for number, _ in begun] == list(range(len(footprints)))


def test_the_first_that_fits_goes_first_where_the_order_is_free() -> None:
    web, api, node = (Footprint(workloads=frozenset({w})) for w in ("demo/web", "demo/api", "x/y"))
    node = Footprint(alone="it touches a node")
    schedule = Schedule([web, web, node, api], lanes=2, keep_order=False)
    begun = lived(schedule, random.Random(1))
    assert begun[:2] == [(0, ()), (3, (0,))]
    assert (2, ()) in begun


def test_one_lane_is_one_after_the_other() -> None:
    free = [Footprint(workloads=frozenset({f"demo/{n}"})) for n in range(5)]
    begun = lived(Schedule(free, lanes=1, keep_order=False), random.Random(1))
    assert begun == [(n, ()) for n in range(5)]


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (Footprint(workloads=frozenset({"a/b"})), Footprint(workloads=frozenset({"a/c"})), ""),
        (Footprint(workloads=frozenset({"a/b"})), Footprint(workloads=frozenset({"a/b"})), "both need a/b"),
        (Footprint(workloads=frozenset({"a/b"})), Footprint(namespaces=frozenset({"a"})), "both need a/b"),
        (Footprint(namespaces=frozenset({"a"})), Footprint(namespaces=frozenset({"a"})), "both need a"),
        (Footprint(shared=frozenset({"cpu"})), Footprint(shared=frozenset({"cpu"})), "both need cpu"),
        (Footprint(alone="a node"), Footprint(), "a node"),
    ],
)
def test_a_conflict_says_why_whoever_asks(one: Footprint, other: Footprint, why: str) -> None:
    assert one.conflict(other) == other.conflict(one) == why
