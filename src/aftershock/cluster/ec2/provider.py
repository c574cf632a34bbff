"""`up` and `down` for a cluster on EC2. Both may be called at any time, from any state."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

from aftershock.clock import Clock, SystemClock, from_rfc3339
from aftershock.cluster.ec2 import plan as planning
from aftershock.cluster.ec2.access import context_of, fetch_kubeconfig
from aftershock.cluster.ec2.identity import make_key, make_node_profile, make_switch_role
from aftershock.cluster.ec2.kubeadm import make_cluster
from aftershock.cluster.ec2.machines import CONTROL_PLANE, find_image, make_machines
from aftershock.cluster.ec2.making import Making
from aftershock.cluster.ec2.network import make_network
from aftershock.cluster.ec2.parts import Found, find, find_all
from aftershock.cluster.ec2.remote import Remote
from aftershock.cluster.ec2.removing import remove
from aftershock.cluster.ec2.session import Aws
from aftershock.cluster.ec2.tags import Tags
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
            find_image(self.aws, self.wanted)
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
            ResidueError: AWS said no, and something could not be removed.
            EnvironmentUnusableError: the machines run, but are no cluster.

        """
        making = self._making()
        with self.progress.stage(f"EC2 in {self.aws.region}"):
            try:
                find_image(self.aws, self.wanted)  # a wrong filter is known before anything is made
                network = make_network(making)
                profile = make_node_profile(making)
                make_switch_role(making)
                key = make_key(making, self.folder)
                machines = make_machines(making, network, profile=profile, key=key, root=self.root)
            except AftershockError as error:
                self._take_back(making, error)
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
            ResidueError: something is left.

        """
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
        if not there:
            raise EnvironmentUnusableError(
                f"there is no cluster {self.wanted.name} in {self.aws.region}",
                expected="a control plane with its tags",
                found="none",
                hint="`aftershock up --provider ec2` makes one",
            )
        return there[0].id

    def _making(self) -> Making:
        caller = str(self.aws.call("sts", "get_caller_identity")["Arn"])
        expires = self.clock.now() + timedelta(hours=self.wanted.hours)
        owner = self.wanted.owner or caller.rpartition("/")[2] or caller.rpartition(":")[2]
        tags = Tags(cluster=self.wanted.name, owner=owner, run=secrets.token_hex(4), expires=expires)
        return Making(aws=self.aws, tags=tags, wanted=self.wanted, progress=self.progress, clock=self.clock)

    def _take_back(self, making: Making, error: BaseException) -> None:
        """Remove what this call has made; what was there before stays."""
        if not making.made:
            return
        self.progress.say("that did not work: removing what was made")
        made = {(item.kind, item.id) for item in making.made}
        try:
            listed = [item for item in find_all(self.aws, self.tags) if (item.kind, item.id) in made]
            known = {(item.kind, item.id) for item in listed}
            # What was made a moment ago may not be listed yet.
            late = [item for item in making.made if (item.kind, item.id) not in known]
            remove(self.aws, [*listed, *late], progress=self.progress, clock=self.clock)
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
        times = [from_rfc3339(item.expires) for item in found if item.expires]
        if found and not times:
            raise RefusedError(
                f"nothing says when {self.wanted.name} expires",
                expected="the tag aftershock.dev/expires",
                found="none",
            )
        return bool(times) and max(times) < self.clock.now()
