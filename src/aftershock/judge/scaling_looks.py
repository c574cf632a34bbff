"""What looks of the HPA controller may have led to, and which rule of the formula made the difference.

Which rule: the formula is asked again without it. Where that alone changes the answer, it was that rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

from aftershock.judge.hpa import admit, stabilise
from aftershock.judge.hpa_spec import Behaviour, Policy, Rules, Spec
from aftershock.judge.scaling_record import Resize, ScalingRecord

__all__ = ["DRIFT_S", "RULES", "admissible", "broken_rules", "demanded", "held_by", "numbers"]

DRIFT_S = 0.25
"""Each look begins one period after the look before has ended."""

_JUST_BEFORE = timedelta(microseconds=1)
_NO_LIMIT = 10**6
_MANY = 100
"""What a look that the record does not show may have asked for, at most."""
_FREE = (Policy(kind="Pods", value=_NO_LIMIT, period_s=1),)

_Sizes = set[int | None]


def _both(spec: Spec, change: Callable[[Rules], Rules]) -> Spec:
    behaviour = Behaviour(up=change(spec.behaviour.up), down=change(spec.behaviour.down))
    return replace(spec, behaviour=behaviour)


def _without_tolerance(spec: Spec) -> Spec:
    return _both(replace(spec, tolerance=0.0), lambda rules: replace(rules, tolerance=None))


def _without_unseen(spec: Spec) -> Spec:
    return replace(spec, count_unseen=False, cpu_initialization_s=0.0, initial_readiness_s=0.0)


def _without_policies(spec: Spec) -> Spec:
    return _both(spec, lambda rules: replace(rules, policies=_FREE, select="Max"))


RULES: Mapping[str, Callable[[Spec], Spec]] = {
    "the tolerance": _without_tolerance,
    "pods that are not ready or have no metrics": _without_unseen,
    "the stabilisation windows": lambda spec: _both(spec, lambda rules: replace(rules, window_s=0.0)),
    "the policies": _without_policies,
    "the maximum": lambda spec: replace(spec, maximum=_NO_LIMIT),
    "the minimum": lambda spec: replace(spec, minimum=0),
}
"""Each rule by its name, as what the HPA is told without it."""


def held_by(look: ScalingRecord, resize: Resize, sync_s: float) -> str:
    """Say which rules kept a resize from what utilisation alone asks for; empty where none did."""
    bare = look.spec
    for without in RULES.values():
        bare = without(bare)
    plain = admissible(look.under(bare), resize, sync_s)
    if resize.after in plain:
        return ""
    allowed = admissible(look, resize, sync_s)
    found = [
        name
        for name, without in RULES.items()
        if admissible(look.under(without(look.spec)), resize, sync_s) != allowed
    ]
    by = " and ".join(found) or "several rules together"
    return f"usage alone asks for {numbers(plain)}, held by {by}"


def broken_rules(look: ScalingRecord, resize: Resize, sync_s: float) -> list[str]:
    """Return the rules without any one of which the formula would have admitted that resize."""
    return [
        name
        for name, without in RULES.items()
        if resize.after in admissible(look.under(without(look.spec)), resize, sync_s)
    ]


def numbers(sizes: set[int]) -> str:
    """Write down sizes, for a reader."""
    return " or ".join(map(str, sorted(sizes))) or "no change"


def admissible(look: ScalingRecord, resize: Resize, sync_s: float) -> set[int]:
    """Return every size that a look right before `resize` may have led to."""
    spec, current, at = look.spec, resize.before, resize.when.at
    if not spec.minimum <= current <= spec.maximum:
        return {min(max(current, spec.minimum), spec.maximum)}
    wanted = look.recommendations(at - _JUST_BEFORE, slack_s=0.0, current=current)
    possible = _any_size(spec) if wanted is None else wanted - {None}
    lowest = _extremes(_earlier_looks(look, at, sync_s, spec.behaviour.up.window_s), min)
    highest = _extremes(_earlier_looks(look, at, sync_s, spec.behaviour.down.window_s), max)
    changes = look.changes_before(at)
    return {
        admit(
            spec,
            current=current,
            desired=stabilise(current=current, desired=want, up=_known(low), down=_known(high)),
            changes=changes,
        )
        for want, low, high in product(possible, lowest, highest)
        if want is not None
    }


def _earlier_looks(look: ScalingRecord, at: datetime, sync_s: float, window_s: float) -> list[_Sizes]:
    """Return what each earlier look inside a stabilisation window may have recommended.

    None among them: nothing, or the look may lie outside of the window.
    """
    found: list[_Sizes] = []
    for number in range(1, int(window_s / sync_s) + 1):
        then = at - timedelta(seconds=number * sync_s)
        values = look.recommendations(then, slack_s=number * DRIFT_S, current=look.replicas_at(then))
        sizes = _any_size(look.spec) if values is None else values
        outside = number * (sync_s + DRIFT_S) > window_s
        found.append(sizes | {None} if outside else sizes)
    return found


def _extremes(looks: Sequence[_Sizes], pick: Callable[[tuple[int, int]], int]) -> _Sizes:
    """Return every value that `pick` (min or max) may have over one choice from each look."""
    reached: _Sizes = {None}
    for sizes in looks:
        reached = {
            pick((a, b)) if a is not None and b is not None else (b if a is None else a)
            for a, b in product(reached, sizes)
        }
    return reached


def _known(size: int | None) -> tuple[int, ...]:
    return () if size is None else (size,)


def _any_size(spec: Spec) -> _Sizes:
    return set(range(spec.minimum, min(spec.maximum, _MANY) + 1))


def demanded(look: ScalingRecord, at: datetime, replicas: int) -> int:
    """Return the least that any look at `at` would have made of `replicas`, stabilisation aside."""
    sizes = look.recommendations(at, slack_s=0.0, current=replicas)
    if not sizes or None in sizes:
        return replicas
    least = min(size for size in sizes if size is not None)
    return admit(look.spec, current=replicas, desired=least, changes=look.changes_before(at))
