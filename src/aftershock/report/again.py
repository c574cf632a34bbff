"""A recorded run judged again, offline: from its timelines and the questions kept with its verdicts.

Nothing is asked of a cluster, and nothing is written unless asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aftershock.errors import UsageError
from aftershock.judge.question import ask_again
from aftershock.report.record import TIMELINE, VERDICTS, Recorded
from aftershock.report.verdicts import as_text
from aftershock.timeline import Event
from aftershock.verdict import Verdict

__all__ = ["Rejudged", "judge_again"]


@dataclass(frozen=True, kw_only=True)
class Rejudged:
    """A scenario's verdicts, as recorded and as they come out now.

    `now` has None where a verdict could not be judged again; `problems` says why, by its place.
    """

    scenario: str
    recorded: Sequence[Verdict]
    now: Sequence[Verdict | None]
    problems: dict[int, str]

    @property
    def as_recorded(self) -> int:
        """How many verdicts are the same to the last byte."""
        return sum(map(_same, self.recorded, self.now))

    def write(self, into: Path) -> Path:
        """Write what came out now to verdicts.json in a folder of the scenario's name under `into`.

        Raises:
            UsageError: not all of it could be judged again.

        """
        if self.problems:
            raise UsageError(f"not every verdict of {self.scenario} could be judged again; none is written")
        path = into / self.scenario / VERDICTS
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_text([verdict for verdict in self.now if verdict]), encoding="utf-8")
        return path

    def lines(self) -> Iterator[str]:
        """Yield the verdicts as the terminal shows those of a run, and wherever one is not as recorded."""
        yield self.scenario
        if not self.recorded:
            yield "  no verdict was given"
        for place, (before, now) in enumerate(zip(self.recorded, self.now, strict=True)):
            if now is None:
                yield f"  NOT JUDGED: {before.name} (recorded: {before.status}): {self.problems[place]}"
            elif now.status == "met":
                yield f"  met: {now.name}: {now.observed} {now.unit}".rstrip()
            else:
                yield from (f"  {line}" for line in now.lines())
            if now is not None and not _same(before, now):
                yield from _differences(before, now)


def judge_again(folder: Path) -> list[Rejudged]:
    """Judge every scenario of the run in `folder` again; `folder` may also be one scenario's.

    Raises:
        UsageError: there is no recorded run, or a file of it cannot be read.

    """
    folders = (
        [folder] if (folder / TIMELINE).is_file() else sorted(p.parent for p in folder.glob(f"*/{TIMELINE}"))
    )
    if not folders:
        raise UsageError(
            f"there is no recorded run in {folder}", expected=f"a folder per scenario, each with a {TIMELINE}"
        )
    return [_judge_scenario(scenario) for scenario in folders]


def _judge_scenario(folder: Path) -> Rejudged:
    recorded = Recorded.verdicts(folder)
    events: Sequence[Event] = tuple(Recorded.events(folder))
    now: list[Verdict | None] = []
    problems: dict[int, str] = {}
    for place, verdict in enumerate(recorded):
        try:
            now.append(ask_again(verdict, events))
        except UsageError as error:
            now.append(None)
            problems[place] = " ".join(filter(None, (error.message, error.found)))
    return Rejudged(scenario=folder.name, recorded=recorded, now=now, problems=problems)


def _same(before: Verdict, now: Verdict | None) -> bool:
    return now is not None and as_text([before]) == as_text([now])


def _differences(before: Verdict, now: Verdict) -> Iterator[str]:
    old, new = before.to_dict(), now.to_dict()
    for name in old:
        recorded, found = (json.dumps(raw[name], ensure_ascii=False) for raw in (old, new))
        if recorded != found:
            yield f"    DIFFERS in {name}:"
            yield f"      recorded  {recorded}"
            yield f"      now       {found}"
