"""The instances: their image, and each of them made, or started, or found as it is."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aftershock.clock import wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.ec2.making import Making
from aftershock.cluster.ec2.network import Network
from aftershock.cluster.ec2.parts import find, instances
from aftershock.cluster.ec2.session import MISSING, Aws
from aftershock.ec2_settings import Ec2
from aftershock.errors import CloudError, ConfigError, TransientError

__all__ = ["CONTROL_PLANE", "SCRIPT", "Machine", "find_image", "make_machines", "parts_of", "user_data"]

CONTROL_PLANE = "control-plane"
SCRIPT = Path("cluster/bootstrap/node")
"""The one script that makes a machine a node, from the project's root."""

RUNS_WITHIN_S = 300.0
MOST_USER_DATA = 16384
ROOT_DEVICE = "/dev/sda1"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """An instance that runs."""

    part: str
    id: str
    address: str
    zone: str

    @property
    def provider_id(self) -> str:
        """What the node's providerID must be."""
        return f"aws:///{self.zone}/{self.id}"


def parts_of(wanted: Ec2) -> Mapping[str, str]:
    """Return each machine's part of the cluster and its instance type."""
    workers = {f"worker-{number + 1}": wanted.worker for number in range(wanted.workers)}
    return {CONTROL_PLANE: wanted.control_plane, **workers}


def find_image(aws: Aws, wanted: Ec2) -> Json:
    """Return the newest image that the settings' filter finds.

    Raises:
        ConfigError: there is none.

    """
    filters = [
        {"Name": "name", "Values": [wanted.image]},
        {"Name": "state", "Values": ["available"]},
        {"Name": "root-device-type", "Values": ["ebs"]},
    ]
    images = aws.items("ec2", "describe_images", "Images", Owners=[wanted.image_owner], Filters=filters)
    if not images:
        raise ConfigError(
            f"there is no image of that name in {aws.region}",
            expected="ec2.image and ec2.image_owner in [tool.aftershock] that find one, of Ubuntu or Debian",
            found=f"none called {wanted.image} of {wanted.image_owner}",
        )
    newest: Json = max(images, key=lambda image: str(image.get("CreationDate", "")))
    return newest


def user_data(root: Path, wanted: Ec2) -> bytes:
    """Return what cloud-init runs at the first boot: it puts the script into place and calls it.

    No secret is in it: whoever gets onto the machine can read it.
    """
    script = base64.b64encode(gzip.compress((root / SCRIPT).read_bytes(), mtime=0)).decode()
    text = (
        "#!/bin/bash\nset -eu\n"
        f"base64 -d <<'END' | gzip -d >/usr/local/sbin/aftershock-node\n{script}\nEND\n"
        "chmod 755 /usr/local/sbin/aftershock-node\n"
        f"/usr/local/sbin/aftershock-node prepare --kubernetes {wanted.kubernetes} --agent\n"
    )
    if len(text) > MOST_USER_DATA:
        raise ConfigError(
            "the bootstrap script is too long for user data",
            expected=f"at most {MOST_USER_DATA} bytes, packed",
            found=str(len(text)),
        )
    return text.encode()


def make_machines(making: Making, network: Network, *, profile: str, key: str, root: Path) -> list[Machine]:
    """Make every instance run; return them, the control plane first.

    Raises:
        CloudError: AWS said no.
        DeadlineError: one does not come to life.

    """
    image = find_image(making.aws, making.wanted)
    common: Json = {
        "ImageId": image["ImageId"],
        "SubnetId": network.subnet,
        "SecurityGroupIds": [network.group],
        "IamInstanceProfile": {"Name": profile},
        "KeyName": key,
        "UserData": user_data(root, making.wanted).decode(),
        # A token for each request, and none of them gets past the machine into a pod.
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [
            {
                "DeviceName": image.get("RootDeviceName") or ROOT_DEVICE,
                "Ebs": {
                    "VolumeSize": making.wanted.disk_gib,
                    "VolumeType": "gp3",
                    "Encrypted": True,
                    "DeleteOnTermination": True,
                },
            }
        ],
    }
    wanted = parts_of(making.wanted).items()
    made = {part: _one(making, part, {**common, "InstanceType": kind}) for part, kind in wanted}
    for item in find(making.aws, making.tags, "instance"):
        if item.part not in made and item.state != "shutting-down":
            making.progress.say(f"{item} ({item.part}) is not in the settings: it stays, and costs")
    with ThreadPoolExecutor(len(made)) as pool:
        return list(pool.map(lambda entry: _running(making, *entry), made.items()))


def _one(making: Making, part: str, arguments: Json) -> str:
    """Have an instance that starts, or runs; return it."""
    there = making.only("instance", part, but=("shutting-down",))
    if there:
        if there.state in {"stopping", "stopped"}:
            making.progress.say(f"{part} ({there.id}) is stopped: starting it")
            _start(making, there.id)
        return there.id

    def launch() -> str:
        try:
            answer = making.aws.call(
                "ec2", "run_instances", MinCount=1, MaxCount=1,
                TagSpecifications=making.tags.specification(part, "instance", "volume"), **arguments,
            )  # fmt: skip
        except CloudError as error:
            # IAM is slow to tell EC2 of a profile that was just made; so is EC2, of a group or a key.
            late = error.code == "InvalidParameterValue" and "iamInstanceProfile" in error.found
            if late or error.code in MISSING:
                raise TransientError(error.found, found=error.found) from error
            raise
        return str(answer["Instances"][0]["InstanceId"])

    made = wait_until(launch, within_s=60.0, every_s=3.0, what=f"{part} to be let in", clock=making.clock)
    return making.note("instance", part, made)


def _start(making: Making, instance: str) -> None:
    def started() -> bool:
        try:
            making.aws.call("ec2", "start_instances", InstanceIds=[instance])
        except CloudError as error:
            if error.code == "IncorrectInstanceState":  # it is still stopping
                raise TransientError(error.found, found=error.found) from error
            raise
        return True

    wait_until(started, within_s=RUNS_WITHIN_S, every_s=5.0, what=f"{instance} to start", clock=making.clock)


def _running(making: Making, part: str, instance: str) -> Machine:
    def seen() -> Machine | None:
        for raw in instances(making.aws, instance):
            state = raw["State"]["Name"]
            if state == "running":
                zone = raw["Placement"]["AvailabilityZone"]
                return Machine(part=part, id=instance, address=raw["PrivateIpAddress"], zone=zone)
            if state in {"shutting-down", "terminated"}:
                raise CloudError(
                    f"{part} has ended while it started", code="InstanceEnded",
                    found=raw.get("StateReason", {}).get("Message") or "EC2 gives no reason",
                    hint="`aftershock up --provider ec2` tries again",
                )  # fmt: skip
        return None  # it is pending, or was made or started a moment ago, which is not known everywhere

    machine = wait_until(seen, within_s=RUNS_WITHIN_S, every_s=3.0, what=f"{part} to run", clock=making.clock)
    # Pods have addresses of their own, which EC2 would drop.
    making.aws.call(
        "ec2", "modify_instance_attribute", InstanceId=machine.id, SourceDestCheck={"Value": False}
    )
    return machine
