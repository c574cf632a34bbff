"""Power over nodes that are EC2 instances: stopped, rebooted, terminated by their providerID.

A stopped instance is started again by a schedule of EventBridge's, made before it is stopped: AWS keeps
that clock, whatever becomes of the harness and its machine. The guardian does the same from there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from aftershock.clock import Clock, SystemClock
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.ec2.identity import switch_role
from aftershock.cluster.ec2.session import MISSING, Aws
from aftershock.cluster.ec2.tags import CLUSTER, Tags, tag_of
from aftershock.cluster.power import Ec2Origin, How, PowerOrigin
from aftershock.ec2_settings import Ec2
from aftershock.errors import CloudError, RefusedError

__all__ = ["Ec2Power", "instances_of"]

_PROVIDER_ID = re.compile(r"^aws:///(?P<zone>[a-z0-9-]*)/(?P<id>i-[0-9a-f]+)$")
GROUP = "aws:autoscaling:groupName"
# The harness and its guardian come first; a start while the instance is still stopping would be refused.
LATER_S = 30.0


def instances_of(api: KubeApi) -> Mapping[str, str]:
    """Return the instance of every node that has one, by the node's name."""
    found = {
        str(node["metadata"]["name"]): _PROVIDER_ID.match(str(node["spec"].get("providerID", "")))
        for node in api.items("/api/v1/nodes")
    }
    return {name: match["id"] for name, match in found.items() if match}


class Ec2Power:
    """EC2's power over the instances of nodes. `instances` is asked when it is first needed."""

    def __init__(
        self,
        *,
        aws: Aws,
        cluster: str,
        instances: Callable[[], Mapping[str, str]],
        role: str = "",
        clock: Clock | None = None,
    ) -> None:
        self.aws = aws
        self.tags = Tags(cluster=cluster)
        self.role = role
        self.clock = clock or SystemClock()
        self._ask = instances
        self._known: Mapping[str, str] | None = None

    @classmethod
    def of(cls, wanted: Ec2, api: KubeApi) -> Ec2Power:
        """Return the power over a cluster's nodes, in the region of the settings."""
        return cls(
            aws=Aws(wanted.region),
            cluster=wanted.name,
            instances=lambda: instances_of(api),
            role=wanted.switch_role,
        )

    @classmethod
    def from_origin(cls, origin: Ec2Origin) -> Ec2Power:
        """Return the power that has this origin."""
        return cls(
            aws=Aws(origin.region),
            cluster=origin.cluster,
            instances=lambda: origin.instances,
            role=origin.switch_role,
        )

    def origin(self) -> PowerOrigin:
        """Return region and instances: whoever gives the power back need not reach the cluster."""
        return PowerOrigin(
            ec2=Ec2Origin(
                region=self.aws.region,
                cluster=self.tags.cluster,
                switch_role=self.role,
                instances=dict(self._instances()),
            )
        )

    def check(self, how: How, node: str) -> None:
        """Do nothing if the node is a running instance, and what is terminated will be made anew by somebody.

        Raises:
            RefusedError: it is not, or EC2 cannot do that.
            CloudError: AWS said no.

        """
        if how == "pause":
            raise RefusedError(f"EC2 cannot pause {node}", expected="stop, reboot or terminate", found=how)
        found = self._checked(node)
        state = str(found["State"]["Name"])
        if state != "running":
            raise RefusedError(f"the instance of {node} does not run", expected="running", found=state)
        tags = found.get("Tags") or []
        if how == "stop" and (group := tag_of(tags, GROUP)):
            # It counts as unhealthy: the group terminates it, and no switch could start it again.
            raise RefusedError(
                f"an Auto Scaling group would terminate {node} while it is stopped",
                expected="an instance of no group; or terminate, which the group makes good",
                found=f"{GROUP}={group}",
            )
        if how == "terminate" and tag_of(tags, CLUSTER) != self.tags.cluster and not tag_of(tags, GROUP):
            raise RefusedError(
                f"nobody would make {node} anew",
                expected=f"the tag {CLUSTER}={self.tags.cluster}: `aftershock up --provider ec2` makes "
                "what is missing; or an instance of an Auto Scaling group",
                found="neither",
            )

    def take(self, how: How, node: str, *, expires_s: float) -> None:
        """Do it; before a stop, have EventBridge start it after `expires_s`, if there is a role for that.

        Raises:
            CloudError: AWS said no. Then the instance runs on.

        """
        instance = self._instance(node)
        if how == "reboot":
            self.aws.call("ec2", "reboot_instances", InstanceIds=[instance])
        elif how == "terminate":
            self.aws.call("ec2", "terminate_instances", InstanceIds=[instance], SkipOsShutdown=True)
        else:
            armed = self._arm(instance, expires_s)
            try:
                # As a cut cable does: nobody on the machine is told.
                self.aws.call("ec2", "stop_instances", InstanceIds=[instance], SkipOsShutdown=True)
            except CloudError:
                if armed:
                    self._disarm(instance)
                raise

    def give(self, how: How, node: str) -> None:
        """Start a stopped instance. One that reboots comes by itself, one that is terminated never.

        Raises:
            CloudError: AWS said no, or it cannot be started yet: ask again.

        """
        if how != "stop":
            return
        instance = self._instance(node)
        state = str(self._described(node)["State"]["Name"])
        if state == "stopping":
            raise CloudError(
                f"the instance of {node} is still stopping", code="IncorrectInstanceState", found=instance
            )
        if state not in {"pending", "running"}:
            self.aws.call("ec2", "start_instances", InstanceIds=[instance])
        self._disarm(instance)

    def _arm(self, instance: str, expires_s: float) -> bool:
        """Make the schedule, and look whether it is there; say whether there is a role for it."""
        role = self.role or switch_role(self.aws, self.tags)
        if not role:
            return False
        at = self.clock.now() + timedelta(seconds=expires_s + LATER_S)
        name = self._schedule(instance)
        self.aws.unless_gone("scheduler", "delete_schedule", Name=name)
        self.aws.call(
            "scheduler", "create_schedule", Name=name, ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
            ScheduleExpressionTimezone="UTC", FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Description="Starts a node that Aftershock has stopped, if nobody else has",
            Target={
                "Arn": f"arn:{self.aws.partition}:scheduler:::aws-sdk:ec2:startInstances",
                "RoleArn": role,
                "Input": json.dumps({"InstanceIds": [instance]}),
                "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 100},
            },
        )  # fmt: skip
        try:
            self.aws.call("scheduler", "get_schedule", Name=name)
        except CloudError as error:
            if error.code in MISSING:
                raise CloudError(
                    "EventBridge does not know the schedule that would start the node again",
                    code=error.code, expected=name, found=error.found,
                ) from error  # fmt: skip
            raise
        return True

    def _disarm(self, instance: str) -> None:
        """Remove the schedule; one that has fired has removed itself."""
        self.aws.unless_gone("scheduler", "delete_schedule", Name=self._schedule(instance))

    def _schedule(self, instance: str) -> str:
        return self.tags.name(f"start-{instance}")

    def _instances(self) -> Mapping[str, str]:
        if self._known is None:
            self._known = self._ask()
        return self._known

    def _instance(self, node: str) -> str:
        if node not in self._instances():
            raise RefusedError(
                f"it is not known which instance {node} is",
                expected="spec.providerID of the node: aws:///ZONE/INSTANCE",
                found="none, or not EC2's",
                hint=f'kubectl patch node {node} -p \'{{"spec":{{"providerID":"aws:///ZONE/ID"}}}}\' sets it',
            )
        return self._instances()[node]

    def _checked(self, node: str) -> Json:
        """Return a node's instance as EC2 describes it.

        Raises:
            RefusedError: it is not in this region, or is no more.

        """
        try:
            return self._described(node)
        except CloudError as error:
            if error.code not in MISSING:
                raise
            raise RefusedError(
                f"EC2 knows no instance {self._instance(node)}, which {node} is by its providerID",
                expected=f"an instance in {self.aws.region}, of the account of these credentials",
                found=error.found,
                hint="ec2.region in [tool.aftershock] must be where the nodes are",
            ) from error

    def _described(self, node: str) -> Json:
        instance = self._instance(node)
        answer = self.aws.call("ec2", "describe_instances", InstanceIds=[instance])
        found: Json = answer["Reservations"][0]["Instances"][0]
        return found
