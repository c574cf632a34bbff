"""What the pictures say in words: times with their sign, latencies, and the whole picture once more."""

from __future__ import annotations

from collections.abc import Iterator

from aftershock.clock import format_duration
from aftershock.judge.record import clock_time
from aftershock.report.plots.course import Course

__all__ = ["in_words", "milliseconds", "signed"]


def signed(seconds: float) -> str:
    """Return a time from the origin with its sign, as in "+30 s"; "0" for next to nothing."""
    if abs(seconds) < 0.05:  # noqa: PLR2004 - less than is shown
        return "0"
    shown = format_duration(round(abs(seconds), 1))
    return f"+{shown}" if seconds > 0 else f"−{shown}"  # noqa: RUF001 - a minus sign is meant


def milliseconds(ms: float) -> str:
    """Return a latency for an axis: "40 ms", "1.2 s"."""
    return f"{ms:.3g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"  # noqa: PLR2004 - ms in a second


def in_words(course: Course) -> Iterator[str]:
    """Say what the picture shows to who cannot see it."""
    for fault in course.faults:
        yield f"{fault.blast_radius or fault.fault} at {clock_time(fault.start)} UTC."
    for bar in course.alerts:
        firing = [span for span in bar.spans if span.state == "firing"]
        if firing:
            word = "as expected" if bar.expected else "not expected"
            word = "of which scenario is not known" if bar.doubtful else word
            yield f"{bar.alert} fired at {clock_time(firing[0].start)}, {word}."
    for recovery in course.recoveries:
        for episode in recovery.episodes:
            took = "not in the record" if episode.duration_s is None else f"after {episode.duration_s:.3f} s"
            yield f"{recovery.workload} was whole again {took}."
    for one in course.answers:
        yield f"{one.subject}: {one.failed} of {one.asked} failed."
