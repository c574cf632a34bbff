"""Making: what is there already, by its tags, is used; what is made is noted, and can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aftershock.clock import Clock, SystemClock, wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.ec2.parts import Found, find
from aftershock.cluster.ec2.session import MISSING, Aws
from aftershock.cluster.ec2.tags import Tags
from aftershock.cluster.progress import Progress
from aftershock.ec2_settings import Ec2
from aftershock.errors import CloudError, TransientError

__all__ = ["Making"]

# What was made in one place is known everywhere after some seconds.
KNOWN_WITHIN_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Making:
    """One `up` that makes a cluster. `made` is what this call has made, in order."""

    aws: Aws
    tags: Tags
    wanted: Ec2
    progress: Progress
    clock: Clock = field(default_factory=SystemClock)
    made: list[Found] = field(default_factory=list)

    def ensure(self, kind: str, part: str, make: Callable[[], str]) -> str:
        """Return the id of a part: of what bears its tags, else of what `make` makes and returns."""
        there = find(self.aws, self.tags, kind, part)
        return there[0].id if there else self.note(kind, part, make())

    def note(self, kind: str, part: str, made: str) -> str:
        """Note that something was made; return its id."""
        self.made.append(Found(kind=kind, id=made, part=part))
        self.progress.say(f"made {kind} {made} ({part})")
        return made

    def settled(self, service: str, operation: str, **arguments: object) -> Json:
        """Call `operation` on what was just made, which may not be known everywhere yet.

        Raises:
            CloudError: AWS said no, for another reason.
            DeadlineError: it is still not known.

        """

        def call() -> list[Json]:
            try:
                return [self.aws.call(service, operation, **arguments)]
            except CloudError as error:
                if error.code in MISSING:
                    raise TransientError(error.message, found=error.found) from error
                raise

        (answer,) = wait_until(
            call, within_s=KNOWN_WITHIN_S, every_s=2.0, what=f"{operation} to be possible", clock=self.clock
        )
        return answer
