"""Making: what is there already, by its tags, is used; what is made is noted, and can be taken back."""

from __future__ import annotations

from dataclasses import dataclass, field

from aftershock.clock import Clock, SystemClock, wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.ec2.parts import Found, find
from aftershock.cluster.ec2.session import MISSING, Aws
from aftershock.cluster.ec2.tags import Tags
from aftershock.cluster.progress import Progress
from aftershock.ec2_settings import Ec2
from aftershock.errors import CloudError, EnvironmentUnusableError, TransientError

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

    def only(self, kind: str, part: str, *, but: tuple[str, ...] = ()) -> Found | None:
        """Return what bears a part's tags; None if nothing does, or only what is in a state of `but`.

        Raises:
            EnvironmentUnusableError: there are several. Which of them belongs to the others is not known.

        """
        there = [item for item in find(self.aws, self.tags, kind, part) if item.state not in but]
        if len(there) > 1:
            raise EnvironmentUnusableError(
                f"there is more than one {kind} for {part} of {self.tags.cluster}",
                expected="one: two `up` at a time make two",
                found=", ".join(item.id for item in there),
                hint="`aftershock down --provider ec2` removes all of them; then `up` again, once",
            )
        return there[0] if there else None

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
                    raise TransientError(error.found, found=error.found) from error
                raise

        (answer,) = wait_until(
            call, within_s=KNOWN_WITHIN_S, every_s=2.0, what=f"{operation} to be possible", clock=self.clock
        )
        return answer
