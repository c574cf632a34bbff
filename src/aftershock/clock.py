"""Time: wall, monotonic, durations as people write them, and the only polling loop.

Nothing else in the project sleeps. Code that waits takes a `Clock`, so that its tests
run on `aftershock.testing.FakeClock` in no time at all.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from aftershock.errors import ConfigError, DeadlineError, TransientError

__all__ = [
    "Clock",
    "SystemClock",
    "WaitObserver",
    "format_duration",
    "from_rfc3339",
    "observed_waits",
    "parse_duration",
    "pause",
    "rfc3339",
    "wait_until",
]

T = TypeVar("T")


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """Wall time, UTC, with microseconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, of this machine since some fixed instant."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Wall time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since boot; on Linux the same for every process of the machine."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)


class WaitObserver(Protocol):
    """Somebody who is told what a thread waits for."""

    def waits(self, what: str, left_s: float) -> None:
        """Hear, before each pause, what is waited for and how many seconds remain for it."""
        ...

    def waited(self) -> None:
        """Hear that this wait is over, whatever came of it."""
        ...


_OBSERVERS: dict[int, WaitObserver] = {}
"""Whom to tell, by the thread that waits."""


@contextmanager
def observed_waits(observer: WaitObserver) -> Iterator[None]:
    """Tell `observer` of every wait of this thread; those of other threads are not its matter."""
    thread = threading.get_ident()
    before = _OBSERVERS.get(thread)
    _OBSERVERS[thread] = observer
    try:
        yield
    finally:
        if before is None:
            del _OBSERVERS[thread]
        else:
            _OBSERVERS[thread] = before


def wait_until(
    probe: Callable[[], T | None],
    *,
    within_s: float,
    every_s: float = 0.25,
    what: str,
    clock: Clock | None = None,
    hint: str = "",
) -> T:
    """Call `probe` until it returns something other than None or False, and return that.

    The first call is immediate. A TransientError of the probe counts as "not yet" and is
    kept as the last thing seen; every other exception passes through at once: an API error
    is never "not yet". One last call is made at the deadline itself.

    Raises:
        DeadlineError: `what` did not come within `within_s` seconds.

    """
    clock = clock or SystemClock()
    observer = _OBSERVERS.get(threading.get_ident())
    deadline = clock.monotonic() + within_s
    try:
        while True:
            seen = "nothing yet"
            last_call = clock.monotonic() >= deadline
            try:
                result = probe()
            except TransientError as error:
                seen = error.message
            else:
                if result is not None and result is not False:
                    return result
            if last_call:
                raise DeadlineError(
                    f"waited {format_duration(within_s)} for {what}", expected=what, found=seen, hint=hint
                )
            left_s = max(0.0, deadline - clock.monotonic())
            if observer is not None:
                observer.waits(what, left_s)
            clock.sleep(min(every_s, left_s))
    finally:
        if observer is not None:
            observer.waited()


def pause(seconds: float, *, what: str = "time to pass", clock: Clock | None = None) -> None:
    """Let `seconds` pass, none where they are below zero: a wait for `what` to whoever is told of waits."""
    clock = clock or SystemClock()
    over = clock.monotonic() + seconds
    wait_until(lambda: clock.monotonic() >= over, within_s=seconds, what=what, clock=clock)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WORDS = {
    "millisecond": "ms",
    "second": "s",
    "sec": "s",
    "minute": "m",
    "min": "m",
    "hour": "h",
    "day": "d",
}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")


def parse_duration(text: str) -> float:
    """Seconds in `text`: "30 seconds", "1 minute", "2m30s", "500ms".

    Raises:
        ConfigError: it is no duration, or not a positive one.

    """
    parts = _PART.findall(text.strip().lower())
    rest = _PART.sub("", text.strip().lower()).strip()
    units = [unit if unit in _UNITS else _WORDS.get(unit.removesuffix("s"), "") for _, unit in parts]
    if not parts or rest or not all(units):
        raise ConfigError(
            f"{text!r} is no duration",
            expected='a number with a unit, as in "30 seconds", "2 minutes", "500ms", "1m30s"',
        )
    seconds = sum(float(number) * _UNITS[unit] for (number, _), unit in zip(parts, units, strict=True))
    if seconds <= 0:
        raise ConfigError(f"{text!r} is no time at all", expected="a duration above zero")
    return seconds


def format_duration(seconds: float) -> str:
    """Write `seconds` as a person would: "0.95 s", "42 s", "2 min 5 s"."""
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
    if seconds < 10:  # noqa: PLR2004 - two decimals below ten seconds, where they matter
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    if seconds < 120:  # noqa: PLR2004 - people say 90 s, and 2 min
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + " s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def rfc3339(at: datetime) -> str:
    """`at` as RFC 3339 in UTC with microseconds: 2026-11-02T10:00:00.000000Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


_OURS = len("2026-11-02T10:00:00.000000Z")


def from_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 time, with any number of fractional digits.

    Digits beyond microseconds (Go writes nanoseconds) are cut off.

    Raises:
        ValueError: `text` is no RFC 3339 time with an offset.

    """
    if len(text) == _OURS and text[10] == "T" and text[19] == "." and text[-1] == "Z":
        return datetime.fromisoformat(text)  # as `rfc3339` writes it; a record has tens of thousands
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", text)
    if match is None:
        raise ValueError(f"{text!r} is no RFC 3339 time")
    whole, fraction, offset = match.groups()
    base = datetime.fromisoformat(whole + ("+00:00" if offset in "Zz" else offset))
    return base.astimezone(UTC) + timedelta(microseconds=int(((fraction or ".0")[1:7]).ljust(6, "0")))
