"""Every exception that Aftershock raises on purpose.

AftershockError
├── UsageError            the caller's input is wrong; nothing was touched
│   ├── ConfigError       a setting or option
│   ├── FeatureError      a .feature file: names file and line
│   │   └── StepArgumentError  a word of a step: a malformed duration, a missing file
│   └── RefusedError      a guard said no (context, namespace, node, share)
├── EnvironmentUnusableError  no engine, no cluster, no Prometheus      (exit code 10)
│   ├── CommandError      a tool that we ran failed; carries its last lines
│   └── CloudError        the cloud's API said no; carries its code
├── ApiError              the Kubernetes API said no; carries the status
│   └── NotFoundError     404: there is no such object
├── QueryError            Prometheus, Alertmanager or the webhook log said no; carries the status
├── TransientError        worth another try within the deadline
├── DeadlineError         a wait ended without what it waited for
├── HistoryError          the store of earlier runs cannot be used; nothing in it was changed
├── FaultError            a fault could not be injected, or did not land
├── InconclusiveError     a verdict is unknown
├── KeepError             a run's folder could not be copied elsewhere  (exit code 12)
└── ResidueError          something is left after undo                  (exit code 11)

A violated objective is no exception of ours but an AssertionError: that is what pytest,
JUnit and Allure call a failure.

Each carries evidence: what was expected, what was found, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AftershockError",
    "ApiError",
    "CloudError",
    "CommandError",
    "ConfigError",
    "DeadlineError",
    "EnvironmentUnusableError",
    "FaultError",
    "FeatureError",
    "HistoryError",
    "InconclusiveError",
    "KeepError",
    "NotFoundError",
    "QueryError",
    "RefusedError",
    "ResidueError",
    "StepArgumentError",
    "TransientError",
    "UsageError",
]


class AftershockError(Exception):
    """An error with its evidence.

    `message` says what is wrong, in one line. `expected`, `found` and `hint` (what to do)
    are shown below it where they are given.
    """

    exit_code = 2

    def __init__(self, message: str, *, expected: str = "", found: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.found = found
        self.hint = hint

    def __str__(self) -> str:
        rows = (("expected", self.expected), ("found", self.found), ("do", self.hint))
        return "\n".join([self.message, *(f"  {word}: {text}" for word, text in rows if text)])


class UsageError(AftershockError):
    """The caller's input is wrong; nothing was touched. pytest's own code for it is 4."""

    exit_code = 4


class ConfigError(UsageError):
    """A setting, an environment variable or an option is wrong."""


class FeatureError(UsageError):
    """A .feature file is wrong. The message starts with `file:line:`."""


class StepArgumentError(FeatureError, ValueError):
    """A word of a step is not what the step's sentence takes at that place.

    It is a ValueError as well: that is how a converter tells the step parser that the
    sentence does not match. The checks at collection add file and line.
    """


class RefusedError(UsageError):
    """A guard refused an act before anything was touched."""


class EnvironmentUnusableError(AftershockError):
    """There is no engine, no cluster or no Prometheus to work with."""

    exit_code = 10


class CommandError(EnvironmentUnusableError):
    """A tool that we ran failed.

    `command` is the argument vector, `code` its exit code, `tail` its last lines.
    """

    def __init__(
        self, message: str, *, command: Sequence[str], code: int, tail: Sequence[str] = (), hint: str = ""
    ) -> None:
        super().__init__(message, found="\n    ".join((f"exit code {code}", *tail)), hint=hint)
        self.command = tuple(command)
        self.code = code
        self.tail = tuple(tail)


class CloudError(EnvironmentUnusableError):
    """The cloud's API refused a call, or is not reached; `code` is its own, as VcpuLimitExceeded."""

    def __init__(
        self, message: str, *, code: str, expected: str = "", found: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, expected=expected, found=found, hint=hint)
        self.code = code


class ApiError(AftershockError):
    """The Kubernetes API refused a request; `status` is the HTTP status."""

    exit_code = 10

    def __init__(self, message: str, *, status: int, found: str = "", hint: str = "") -> None:
        super().__init__(message, found=found, hint=hint)
        self.status = status


class NotFoundError(ApiError):
    """The API has no such object."""


class QueryError(AftershockError):
    """Prometheus, Alertmanager or the webhook log refused a request; `status` is the HTTP status."""

    exit_code = 10

    def __init__(self, message: str, *, status: int, found: str = "", hint: str = "") -> None:
        super().__init__(message, found=found, hint=hint)
        self.status = status


class TransientError(AftershockError):
    """It may work at the next try: a refused connection, a 429, a 5xx."""


class DeadlineError(AftershockError):
    """A wait ended without what it waited for; `found` is the last thing seen."""


class HistoryError(AftershockError):
    """The store of earlier runs cannot be opened or written; what it held is as it was."""


class FaultError(AftershockError):
    """A fault could not be injected, or there is no proof that it landed."""


class InconclusiveError(AftershockError):
    """The verdict is unknown: the evidence does not allow to say met or violated."""

    exit_code = 1


class KeepError(AftershockError):
    """A run's folder could not be copied to where it is kept. The folder itself is as it was."""

    exit_code = 12


class ResidueError(AftershockError):
    """Something that we made or changed is still there after the undo."""

    exit_code = 11
