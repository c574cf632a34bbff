"""The timeline and the journal as they are kept: without secrets.

What a timeline has observed is redacted as it comes in, so that verdicts, which are made from it,
are the same when they are made again from the file. A journal cannot be redacted: what it says is
put back into the cluster. So a fault whose undo would need a secret is refused before the act.
"""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec

from aftershock.errors import RefusedError
from aftershock.faults.journal import Journal, Record
from aftershock.redaction import hide, is_known, named_like_a_secret, redact, redact_data
from aftershock.timeline import Event, Timeline

__all__ = ["CleanJournal", "CleanTimeline"]

# Text of others enters by these; what the API and Prometheus measured is figures, and there is much of it.
_TEXTS = {"alertmanager", "harness", "load"}
# The place of a variable of a container, as faults note it: ..., "env", "name=DB_PASSWORD", "value".
_VARIABLE = re.compile(r"\bname=(\w+)")


class CleanTimeline(Timeline):
    """A timeline that no secret gets into."""

    def append(self, event: Event) -> Event:
        """Keep `event` without secrets, and return what is kept."""
        line = event.to_json()
        if event.source in _TEXTS and redact(line) != line:
            event = replace(event, subject=redact(event.subject), data=redact_data(event.data))
        elif is_known(line):
            event = Event.from_json(hide(line))
        return super().append(event)


class CleanJournal(Journal):
    """A journal that no secret gets into."""

    def write(self, record: Record) -> None:
        """Append `record` and wait until the disk has it.

        Raises:
            RefusedError: to undo this fault a secret would have to be written down; nothing was touched.

        """
        if record.state == "planned":
            _check(record)
        super().write(record)


def _check(record: Record) -> None:
    text = msgspec.json.encode(record).decode()
    telling = [name for name in _VARIABLE.findall(text) if named_like_a_secret(name)]
    if telling or redact(text) != text:
        raise RefusedError(
            f"{record.fault} would write a secret into the journal",
            expected="a fault that can be undone by what may be written down",
            found=f"the value of {', '.join(telling)}"
            if telling
            else f"a credential in what its undo on {', '.join(record.target)} needs",
            hint="change something else of the workload, or keep that value in a Secret of the cluster",
        )
