"""`up` and `down` for a cluster on EC2. Both may be called at any time, from any state."""

from __future__ import annotations

import fcntl
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec

from aftershock.clock import Clock, SystemClock, from_rfc3339
from aftershock.cluster.ec2 import plan as planning
from aftershock.cluster.ec2.checks import check_wanted
from aftershock.cluster.ec2.identity import make_key, make_node_profile, make_switch_role
from aftershock.cluster.ec2.kubeadm import make_cluster
from aftershock.cluster.ec2.kubeconfig import context_of, fetch_kubeconfig
from aftershock.cluster.ec2.machines import CONTROL_PLANE, make_machines
from aftershock.cluster.ec2.making import Making
from aftershock.cluster.ec2.network import make_network
from aftershock.cluster.ec2.parts import Found, find, find_all
from aftershock.cluster.ec2.remote import Remote
from aftershock.cluster.ec2.removing import remove
from aftershock.cluster.ec2.session import Aws
from aftershock.cluster.ec2.tags import RUN, Tags, tag_of
from aftershock.cluster.progress import Progress
from aftershock.cluster.shell import Shell
from aftershock.ec2_settings import Ec2
from aftershock.errors import (
    AftershockError,
    CloudError,
    DeadlineError,
    EnvironmentUnusableError,
    RefusedError,
    ResidueError,
)

__all__ = ["Ec2Provider"]


class Ec2Provider:
    """One kubeadm cluster in one region, known by its tags. `state` keeps its kubeconfig and key."""

    def __init__(
        self,
        wanted: Ec2,
        *,
        root: Path,
        state: Path,
        progress: Progress,
        clock: Clock | None = None,
        aws: Aws | None = None,
    ) -> None:
        self.wanted = wanted
        self.root = root
        self.folder = state / "ec2" / wanted.name
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log = state / "logs" / "ec2.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.progress = progress
        self.clock = clock or SystemClock()
        self.aws = aws or Aws(wanted.region)
        self.tags = Tags(cluster=wanted.name)

    @property
    def kubeconfig(self) -> Path:
        """Where the cluster's kubeconfig is, once it is there."""
        return self.folder / "kubeconfig"

    @property
    def context(self) -> str:
        """Its context."""
        return context_of(self.wanted.name)

    def plan(self) -> list[str]:
        """Return what `up` would make and what it costs, as lines. Makes nothing.

        Without credentials it tells the same, but cannot know what is there.

        Raises:
            CloudError: AWS said no.

        """
        items = planning.plan(self.wanted, planning.load_prices(self.root, self.wanted.prices))
        note = ""
        try:
            there: set[tuple[str, str]] | None = {
                (item.kind, item.part) for item in find_all(self.aws, self.tags)
            }
            check_wanted(self.aws, self.wanted)
        except CloudError as error:
            if error.code != "NoCredentials":
                raise
            there, note = None, "not looked at what is there: no AWS credentials"
        lines = [f"cluster {self.wanted.name} in {self.aws.region}"]
        lines += planning.told(items, there, planning.read_prices(self.root))
        return [*lines, note] if note else lines

    def up(self) -> str:
        """Make the cluster exist, from whatever is there; return the control plane's instance.

        Where AWS says no half-way, what this call has made is removed. Where the machines run and do not
        become a cluster, they stay to be looked at, and the error says what they cost.

        Raises:
            CloudError: AWS said no; nothing of this call is left.
            ConfigError: there is no such image, instance type or network; nothing was made.
            ResidueError: AWS said no, and something could not be removed.
            EnvironmentUnusableError: the machines run, but are no cluster.
            RefusedError: another `up` or `down` of this cluster is at work on this machine.

        """
        with self._alone():
            return self._up()

    def _up(self) -> str:
        making = self._making(zone=check_wanted(self.aws, self.wanted))
        with self.progress.stage(f"EC2 in {self.aws.region}"):
            try:
                # First, for it takes a while until all of AWS knows them; the gateway takes longer.
                profile = make_node_profile(making)
                make_switch_role(making)
                network = make_network(making)
                key = make_key(making, self.folder)
                machines = make_machines(making, network, profile=profile, key=key, root=self.root)
            except AftershockError as error:
                self._take_back(making, error)
                raise
            except KeyboardInterrupt:
                self.progress.say(
                    "what was made stays, and costs: `up` goes on, `down --provider ec2` removes it"
                )
                raise
        with self.progress.stage(f"kubeadm {self.wanted.kubernetes}"):
            remote = Remote(aws=self.aws, clock=self.clock)
            try:
                leader = make_cluster(machines, wanted=self.wanted, remote=remote, progress=self.progress)
                with self.progress.task("kubeconfig"):
                    fetch_kubeconfig(
                        self.kubeconfig, cluster=self.wanted.name, hours=self.wanted.hours,
                        instance=leader.id, remote=remote, shell=Shell(log=self.log),
                    )  # fmt: skip
            except (EnvironmentUnusableError, DeadlineError) as error:
                raise self._running_on(error) from error
        return leader.id

    def down(self, *, expired_only: bool = False) -> bool:
        """Remove everything that bears the cluster's tags; say whether there was anything to remove.

        Raises:
            CloudError: AWS said no.
            RefusedError: another `up` or `down` is at work, or nothing says when the cluster expires.
            ResidueError: something is left.

        """
        with self._alone():
            return self._down(expired_only=expired_only)

    def _down(self, *, expired_only: bool) -> bool:
        found = find_all(self.aws, self.tags)
        if expired_only and not self._has_expired(found):
            return False
        remove(self.aws, found, progress=self.progress, clock=self.clock)
        for path in (
            self.kubeconfig,
            self.folder / "key.pem",
            self.folder / "client.csr",
            self.folder / "client.key",
        ):
            path.unlink(missing_ok=True)
        return bool(found)

    def leader(self) -> str:
        """Return the instance of the control plane.

        Raises:
            EnvironmentUnusableError: there is none.

        """
        there = find(self.aws, self.tags, "instance", CONTROL_PLANE)
        running = [item.id for item in there if item.state == "running"]
        if not running:
            raise EnvironmentUnusableError(
                f"no cluster {self.wanted.name} runs in {self.aws.region}",
                expected="a control plane with its tags, running",
                found=", ".join(f"{item} is {item.state}" for item in there) or "none",
                hint="`aftershock up --provider ec2` makes or starts it",
            )
        return running[0]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Have no other process of this machine make or remove the cluster while the block runs."""
        with self.folder.with_suffix(".lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RefusedError(
                    f"another process makes or removes the cluster {self.wanted.name}",
                    expected="one `up` or `down` at a time",
                    found=f"a lock on {file.name}",
                ) from error
            yield

    def _making(self, *, zone: str) -> Making:
        caller = str(self.aws.call("sts", "get_caller_identity")["Arn"])
        expires = self.clock.now() + timedelta(hours=self.wanted.hours)
        # IAM's tags take fewer characters than its names.
        caller = re.sub(r"[^\w.:/=+@-]", "-", caller.rpartition("/")[2] or caller.rpartition(":")[2])
        owner = self.wanted.owner or caller
        tags = Tags(cluster=self.wanted.name, owner=owner, run=secrets.token_hex(4), expires=expires)
        wanted = msgspec.structs.replace(self.wanted, zone=zone)
        return Making(aws=self.aws, tags=tags, wanted=wanted, progress=self.progress, clock=self.clock)

    def _take_back(self, making: Making, error: BaseException) -> None:
        """Remove what this call has made; what was there before stays."""
        if not making.made:
            return
        self.progress.say("that did not work: removing what was made")
        made = {(item.kind, item.id) for item in making.made}
        try:
            # By the run's tag, too: a call whose answer was lost was made again, and made two.
            listed = [
                item
                for item in find_all(self.aws, self.tags)
                if (item.kind, item.id) in made or tag_of(item.tags, RUN) == making.tags.run
            ]
            known = {(item.kind, item.id) for item in listed}
            # What was made a moment ago may not be listed yet.
            late = [item for item in making.made if (item.kind, item.id) not in known]
            remove(self.aws, [*listed, *late], progress=self.progress, clock=self.clock)
        except ResidueError as left:
            raise ResidueError(
                f"{error}\nand {left.message}", expected=left.expected, found=left.found, hint=left.hint
            ) from error
        except CloudError as refused:
            raise ResidueError(
                f"{error}\nand what was made could not be removed",
                expected="nothing left of this call",
                found=f"{', '.join(str(item) for item in making.made)} ({refused.found or refused.message})",
                hint="`aftershock down --provider ec2` removes it",
            ) from error

    def _running_on(self, error: AftershockError) -> EnvironmentUnusableError:
        items = planning.plan(self.wanted, planning.load_prices(self.root, self.wanted.prices))
        cost = sum(item.per_hour or 0 for item in items)
        return EnvironmentUnusableError(
            f"the machines run, but are no cluster yet: {error.message}",
            expected=error.expected,
            found=error.found,
            hint="; ".join(
                filter(None, (
                    error.hint, "`aftershock up --provider ec2` goes on where it was",
                    f"`aftershock down --provider ec2` removes all of it; until then ${cost:.2f} per hour",
                ))
            ),
        )  # fmt: skip

    def _has_expired(self, found: list[Found]) -> bool:
        try:
            times = [from_rfc3339(item.expires) for item in found if item.expires]
        except ValueError as error:
            raise RefusedError(
                f"a tag does not say when {self.wanted.name} expires",
                expected="aftershock.dev/expires as 2026-11-22T18:00:00Z", found=str(error),
            ) from error  # fmt: skip
        if found and not times:
            raise RefusedError(
                f"nothing says when {self.wanted.name} expires",
                expected="the tag aftershock.dev/expires",
                found="none",
            )
        return bool(times) and max(times) < self.clock.now()
