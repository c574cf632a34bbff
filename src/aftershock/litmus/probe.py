"""Probes of a ChaosEngine: when they look, what they tolerate."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from aftershock.clock import parse_duration
from aftershock.errors import ConfigError, UsageError
from aftershock.litmus.schema import Probe, RunProperties, Time

__all__ = ["HttpProbe", "Mode", "probe_of"]

Mode = Literal["SOT", "EOT", "Edge", "Continuous", "OnChaos"]

COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, kw_only=True)
class HttpProbe:
    """Asks `url`; a look is good if one of `attempts` requests is answered as `criteria` wants it.

    A request may take `timeout_s`; after a bad one `interval_s` are waited. A probe that looks
    again and again waits `every_s` after each look. The first comes after `delay_s`. One that
    `stops` ends the experiment by failing.
    """

    name: str
    mode: Mode
    url: str
    criteria: str
    wanted: tuple[int, ...]
    attempts: int
    timeout_s: float
    interval_s: float
    every_s: float
    delay_s: float
    stops: bool

    @property
    def tolerance(self) -> str:
        """What is tolerated, in words."""
        return f"status {self.criteria} {', '.join(map(str, self.wanted))}"

    def tolerates(self, status: int) -> bool:
        """Whether a status is good."""
        if self.criteria == "oneOf":
            return status in self.wanted
        if self.criteria == "between":
            return self.wanted[0] <= status <= self.wanted[1]
        return COMPARISONS[self.criteria](status, self.wanted[0])


def probe_of(found: Probe) -> HttpProbe:
    """Return the probe as it is run.

    Raises:
        UsageError: a time or a criterion is wrong; it is named.

    """
    run = found.run_properties
    if not found.inputs.url.startswith("http://"):
        raise UsageError("the url is not supported", expected="http://...", found=found.inputs.url)
    if found.inputs.insecure_skip_verify:
        raise UsageError("insecureSkipVerify is not supported", expected="false", found="true")
    criteria = found.inputs.method.get.criteria
    interval_s = _seconds(run.interval, "interval", least=0.0)
    return HttpProbe(
        name=found.name,
        mode=found.mode,
        url=found.inputs.url,
        criteria=criteria,
        wanted=_wanted(criteria, str(found.inputs.method.get.response_code)),
        # As Litmus has it: `attempt` is what newer files say, `retry` what older ones do.
        attempts=run.attempt or run.retry or 1,
        timeout_s=_seconds(run.probe_timeout, "probeTimeout", least=0.001),
        interval_s=interval_s,
        every_s=_seconds(run.probe_polling_interval, "probePollingInterval", least=0.0) or interval_s or 1.0,
        delay_s=_delay(run),
        stops=run.stop_on_failure,
    )


def _wanted(criteria: str, text: str) -> tuple[int, ...]:
    count = {**dict.fromkeys(COMPARISONS, 1), "oneOf": None, "between": 2}
    if criteria not in count:
        raise UsageError(f"the criteria {criteria!r} is not supported", expected=", ".join(count))
    codes = re.split(r"\s*,\s*", text.strip().removeprefix("[").removesuffix("]").strip())
    if not all(code.isdecimal() for code in codes) or count[criteria] not in {None, len(codes)}:
        raise UsageError(
            f"the responseCode is wrong for {criteria!r}", expected="as in 200 or [200,299]", found=text
        )
    return tuple(map(int, codes))


def _delay(run: RunProperties) -> float:
    return _seconds(run.initial_delay, "initialDelay", least=0.0) or float(run.initial_delay_seconds)


def _seconds(value: Time, name: str, *, least: float) -> float:
    """Read a time: a number is of seconds, a text has a unit, as in "500ms"; none is 0."""
    try:
        if isinstance(value, str) and not re.fullmatch(r"\d*|0m?s", value):
            return parse_duration(value)
        seconds = float(re.sub(r"m?s$", "", value) or 0) if isinstance(value, str) else float(value)
    except ConfigError as error:
        raise UsageError(f"{name} is wrong", expected=error.expected, found=repr(value)) from error
    if seconds < least:
        raise UsageError(f"{name} is wrong", expected="a time that passes", found=repr(value))
    return seconds
