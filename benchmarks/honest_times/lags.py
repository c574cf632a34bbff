"""How far apart the stages of one change are: the pod's flip, the API's patch, our receipt of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aftershock.timeline import Event
from benchmarks.honest_times.measuring import Driven
from benchmarks.honest_times.truth import ReadyPatch
from benchmarks.pods import NAMESPACE

__all__ = ["probe_lags", "watch_lags"]

_SAME_S = 5.0  # no two changes of one pod to the same state are nearer


def probe_lags(driven: Driven, patches: Sequence[ReadyPatch]) -> list[float]:
    """Seconds from each flip of the pod to the patch that says so, of those that one says."""
    flips = [(interval.begin, False) for interval in driven.true]
    flips += [(interval.end, True) for interval in driven.true]
    return _lags(flips, [(patch.at, patch.ready) for patch in patches])


def watch_lags(driven: Driven, patches: Sequence[ReadyPatch], events: Sequence[Event]) -> list[float]:
    """Seconds from each patch to the receipt of the watch event; negative if that came first."""
    subject = f"pod/{NAMESPACE}/{driven.pod.pod}"
    seen = [
        (event.at, bool(event.data["ready"]))
        for event in events
        if event.kind == "pod" and event.subject == subject and event.data["type"] == "MODIFIED"
    ]
    changes = [
        now for before, now in zip([None, *seen], seen, strict=False) if before is None or before[1] != now[1]
    ]
    return _lags([(patch.at, patch.ready) for patch in patches], changes, early_s=0.5)


def _lags(
    causes: Sequence[tuple[datetime, bool]], effects: Sequence[tuple[datetime, bool]], *, early_s: float = 0.0
) -> list[float]:
    """Seconds from each cause to the first effect of the same state that belongs to it."""
    lags = []
    for at, state in causes:
        after = ((when - at).total_seconds() for when, to in effects if to == state)
        lag = next((seconds for seconds in after if -early_s <= seconds < _SAME_S), None)
        if lag is not None:
            lags.append(lag)
    return lags
