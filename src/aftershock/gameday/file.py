"""The file of a game day, read and held against the features that it names. Touches nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from aftershock.clock import parse_duration
from aftershock.collect.gherkin import Scenario, read_feature
from aftershock.collect.tags import TAGS
from aftershock.config import Profile
from aftershock.errors import ConfigError, UsageError
from aftershock.written import Key, Written, read_yaml

__all__ = [
    "MOST_LANES",
    "TWO_LANES",
    "Burning",
    "Chosen",
    "Entry",
    "GameDay",
    "GameDayFile",
    "Stop",
    "read_gameday",
]

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$")]
_Times = Annotated[int, msgspec.Meta(ge=1, le=1000)]
TWO_LANES, MOST_LANES = 2, 16
_Lanes = Annotated[int, msgspec.Meta(ge=1, le=MOST_LANES)]


class Burning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tells that an SLO burns: an alert of that name fires, or a PromQL expression returns something.

    `lasts` is for how long without a break, as people write durations.
    """

    lasts: _Text
    alert: str = ""
    expr: str = ""

    @property
    def query(self) -> str:
        """The expression that Prometheus is asked."""
        return self.expr or f'ALERTS{{alertname="{self.alert}",alertstate="firing"}}'


class Stop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the run is to end before its last scenario. Durations as people write them; "" is never."""

    slo_burning: Burning | None = None
    prometheus_lost: str = ""
    max_duration: str = ""
    first_violated: bool = False


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scenarios of a feature, or of a folder of features: all, or the one called `scenario`."""

    feature: _Text
    hypothesis: _Text
    scenario: str = ""
    repetitions: _Times = 1


class GameDay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a game day's file says.

    without       tags (no @) whose scenarios are left out
    order         as written, or drawn anew for each run: `seed` draws the same again. Side by side
                  "free" has the first that fits begin; else none overtakes another
    side_by_side  how many scenarios that do not disturb one another run at the same time; true is two
    independent   namespaces whose workloads do not call one another
    """

    name: _Name
    owners: Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1)]
    scenarios: Annotated[tuple[Entry, ...], msgspec.Meta(min_length=1)]
    profile: Profile | None = None
    without: tuple[_Text, ...] = ()
    order: Literal["written", "random", "free"] = "written"
    seed: int | None = None
    side_by_side: bool | _Lanes = False
    independent: tuple[_Text, ...] = ()
    stop: Stop = Stop()

    @property
    def lanes(self) -> int:
        """How many scenarios may run at the same time."""
        return TWO_LANES if self.side_by_side is True else max(1, int(self.side_by_side))


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A scenario as written (an outline is one), and the entry that has chosen it."""

    file: str
    template: str
    entry: Entry


@dataclass(frozen=True, kw_only=True)
class GameDayFile:
    """A game day whose every name was found. `chosen` is in the file's order; `path` as it was given."""

    path: Path
    day: GameDay
    chosen: tuple[Chosen, ...]

    @property
    def features(self) -> list[str]:
        """The feature files, each once, as they are called from the project's root."""
        return list(dict.fromkeys(chosen.file for chosen in self.chosen))

    def find(self, file: str, template: str) -> Chosen | None:
        """Return how the scenario was chosen, or None where it was not."""
        return next((c for c in self.chosen if (c.file, c.template) == (file, template)), None)


def read_gameday(path: Path, *, root: Path) -> GameDayFile:
    """Read the game day in `path`, with the features that it names below `root`.

    Raises:
        UsageError: something in it is wrong, or names nothing; with file and line.

    """
    written = read_yaml(path)
    day = written.convert(GameDay, what="game day")
    _check_durations(written, day.stop)
    if day.seed is not None and day.order != "random":
        raise UsageError(f"{written.at('seed')}: a seed without a drawn order", expected="order: random")
    seen: set[str] = set()
    chosen = tuple(_chosen(written, day, root, seen))
    for number, tag in enumerate(day.without):
        if tag not in seen | TAGS.keys():
            raise UsageError(
                f"{written.at('without', number)}: no scenario has the tag {tag!r}",
                expected=", ".join(sorted(seen | TAGS.keys())),
            )
    return GameDayFile(path=path, day=day, chosen=chosen)


def _check_durations(written: Written, stop: Stop) -> None:
    times: list[tuple[tuple[Key, ...], str]] = [
        (("stop", "prometheus_lost"), stop.prometheus_lost),
        (("stop", "max_duration"), stop.max_duration),
    ]
    if stop.slo_burning is not None:
        times.append((("stop", "slo_burning", "lasts"), stop.slo_burning.lasts))
        if bool(stop.slo_burning.alert) == bool(stop.slo_burning.expr):
            raise UsageError(
                f"{written.at('stop', 'slo_burning')}: what tells that an SLO burns?",
                expected="either `alert`, the name of an alert, or `expr`, a PromQL expression",
            )
    for keys, text in times:
        try:
            if text:
                parse_duration(text)
        except ConfigError as error:
            raise UsageError(f"{written.at(*keys)}: {error.message}", expected=error.expected) from error


def _chosen(written: Written, day: GameDay, root: Path, tags: set[str]) -> Iterator[Chosen]:
    """Yield what the entries name, in their order; enter the tags that stand there.

    Raises:
        UsageError: an entry names nothing, or what an earlier one has chosen already.

    """
    taken: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(day.scenarios):
        scenarios = _scenarios(written, day, number, root)
        tags.update(tag for scenario in scenarios for tag in scenario.tags)
        kept = [scenario for scenario in scenarios if not scenario.tags & set(day.without)]
        if not kept:
            raise UsageError(
                f"{written.at('scenarios', number)}: nothing of it is run",
                found=f"every scenario has a tag that `without` leaves out: {', '.join(day.without)}",
            )
        found = list(dict.fromkeys((s.file, s.template) for s in kept))
        for file, template in found:
            if (file, template) in taken:
                raise UsageError(
                    f"{written.at('scenarios', number)}: {template!r} of {file} is named twice",
                    found=f"before in line {_line(written, taken[file, template])}",
                    hint="`repetitions` has a scenario run more than once",
                )
            taken[file, template] = number
            yield Chosen(file=file, template=template, entry=entry)


def _scenarios(written: Written, day: GameDay, number: int, root: Path) -> list[Scenario]:
    """Return the scenarios of an entry; never none."""
    entry = day.scenarios[number]
    place = written.at("scenarios", number, "feature")
    paths = _feature_files((root / entry.feature).resolve())
    if not paths or not paths[0].is_relative_to(root.resolve()):
        raise UsageError(
            f"{place}: there is no feature {entry.feature!r}",
            expected=f"a .feature file, or a folder that has some, below {root}",
        )
    scenarios = [scenario for path in paths for scenario in _read(path, root)]
    named = [s for s in scenarios if entry.scenario in {"", s.template}]
    if not named:
        raise UsageError(
            f"{written.at('scenarios', number, 'scenario')}: no such scenario in {entry.feature}",
            expected="; ".join(dict.fromkeys(s.template for s in scenarios)),
            found=repr(entry.scenario),
        )
    return named


def _feature_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob("*.feature"))
    return [path] if path.suffix == ".feature" and path.is_file() else []


def _read(path: Path, root: Path) -> Sequence[Scenario]:
    document = read_feature(path.resolve(), root=root)
    if document.errors:
        raise document.errors[0]
    return document.scenarios


def _line(written: Written, number: int) -> str:
    return written.at("scenarios", number).rpartition(":")[2]
