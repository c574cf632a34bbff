"""Power over EC2 instances: the schedule before the stop, and everything by the node's providerID."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftershock.cluster.ec2.identity import make_switch_role
from aftershock.cluster.ec2.parts import find
from aftershock.cluster.ec2.power import Ec2Power, instances_of
from aftershock.cluster.ec2.provider import Ec2Provider
from aftershock.cluster.ec2.tags import Tags
from aftershock.cluster.node_power import power_from, power_of
from aftershock.cluster.power import How
from aftershock.config import NodePower, Settings
from aftershock.ec2_settings import Ec2
from aftershock.errors import CloudError, RefusedError
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi, node
from tests.unit.cluster.ec2.conftest import REGION, Refusals

SCHEDULE = "aftershock-aftershock-start-"


@pytest.fixture
def worker(provider: Ec2Provider) -> str:
    """The instance of a worker, and the role of the switch; no more of a cluster is needed."""
    making = provider._making(zone="")
    make_switch_role(making)
    launched = provider.aws.call(
        "ec2", "run_instances", MinCount=1, MaxCount=1, ImageId="ami-0000000000000000b",
        TagSpecifications=making.tags.specification("worker-1", "instance"),
    )  # fmt: skip
    return str(launched["Instances"][0]["InstanceId"])


@pytest.fixture
def api(worker: str) -> FakeApi:
    fake = FakeApi()
    ours, other = node("ip-10-20-1-5"), node("elsewhere")
    ours["spec"]["providerID"] = f"aws:///eu-central-1a/{worker}"
    other["spec"]["providerID"] = "kind://podman/a/b"
    fake.add("/api/v1/nodes", ours, other)
    return fake


@pytest.fixture
def power(api: FakeApi, clock: FakeClock) -> Ec2Power:
    found = power_of(settings(), cluster="aftershock", api=api)  # type: ignore[arg-type]  # a fake
    assert isinstance(found, Ec2Power)
    found.clock = clock
    return found


def settings(**more: object) -> Settings:
    return Settings(cluster="ec2-aftershock", node_power=NodePower(ec2=True), ec2=Ec2(region=REGION, **more))  # type: ignore[arg-type]


def state(power: Ec2Power, instance: str) -> str:
    answer = power.aws.call("ec2", "describe_instances", InstanceIds=[instance])
    return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])


def schedules(power: Ec2Power) -> list[str]:
    return [item["Name"] for item in power.aws.items("scheduler", "list_schedules", "Schedules")]


NODE = "ip-10-20-1-5"


class TestStop:
    def test_is_armed_first_and_given_back(
        self, power: Ec2Power, worker: str, calls: list[str], clock: FakeClock
    ) -> None:
        power.check("stop", NODE)
        power.take("stop", NODE, expires_s=90)
        assert state(power, worker) == "stopped"
        acts = [call for call in calls if call.endswith(("Schedule", "StopInstances"))]
        assert acts[-3:] == ["scheduler:CreateSchedule", "scheduler:GetSchedule", "ec2:StopInstances"]
        found = power.aws.call("scheduler", "get_schedule", Name=f"{SCHEDULE}{worker}")
        assert found["ScheduleExpression"] == "at(2026-01-01T00:02:00)", "90 s, and 30 s for the harness"
        assert found["ActionAfterCompletion"] == "DELETE"
        assert found["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:ec2:startInstances"
        assert found["Target"]["RoleArn"].endswith(
            "role/aftershock/eu-central-1/aftershock/aftershock-aftershock-switch-eu-central-1"
        )
        assert json.loads(found["Target"]["Input"]) == {"InstanceIds": [worker]}
        power.give("stop", NODE)
        assert state(power, worker) == "running"
        assert schedules(power) == []
        power.give("stop", NODE)

    def test_no_schedule_no_stop(self, power: Ec2Power, worker: str, refusals: Refusals) -> None:
        refusals.add("CreateSchedule", "AccessDeniedException")
        with pytest.raises(CloudError, match="may not call scheduler:CreateSchedule"):
            power.take("stop", NODE, expires_s=90)
        assert state(power, worker) == "running"

    def test_a_schedule_that_nobody_knows(self, power: Ec2Power, worker: str, refusals: Refusals) -> None:
        refusals.add("GetSchedule", "ResourceNotFoundException")
        with pytest.raises(CloudError, match="EventBridge does not know the schedule"):
            power.take("stop", NODE, expires_s=90)
        assert state(power, worker) == "running"

    def test_a_stop_that_is_refused_leaves_no_schedule(
        self, power: Ec2Power, worker: str, refusals: Refusals
    ) -> None:
        refusals.add("StopInstances", "UnauthorizedOperation")
        with pytest.raises(CloudError, match="may not call ec2:StopInstances"):
            power.take("stop", NODE, expires_s=90)
        assert (state(power, worker), schedules(power)) == ("running", [])

    def test_without_a_role_the_guardian_is_the_switch(
        self, power: Ec2Power, provider: Ec2Provider, worker: str, refusals: Refusals
    ) -> None:
        refusals.add("GetRole", "NoSuchEntity")
        power.take("stop", NODE, expires_s=90)
        assert (state(power, worker), schedules(power)) == ("stopped", [])
        power.give("stop", NODE)
        assert state(power, worker) == "running"

    def test_a_role_of_the_settings(self, api: FakeApi, worker: str) -> None:
        role = "arn:aws:iam::123456789012:role/mine"
        power = Ec2Power.of(settings(switch_role=role).ec2, api)  # type: ignore[arg-type]  # a fake
        power.take("stop", NODE, expires_s=90)
        found = power.aws.call("scheduler", "get_schedule", Name=f"{SCHEDULE}{worker}")
        assert found["Target"]["RoleArn"] == role
        assert power.origin().ec2 is not None
        assert power.origin().ec2.switch_role == role  # type: ignore[union-attr]  # it is there

    def test_one_that_is_still_stopping_is_asked_again(
        self, power: Ec2Power, worker: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        power.take("stop", NODE, expires_s=90)
        monkeypatch.setattr(power, "_described", lambda _: {"State": {"Name": "stopping"}})
        with pytest.raises(CloudError, match="still stopping"):
            power.give("stop", NODE)
        assert schedules(power) == [f"{SCHEDULE}{worker}"], "the switch stays until the node has been started"

    def test_in_another_process_without_the_cluster(self, power: Ec2Power, worker: str, api: FakeApi) -> None:
        origin = power.origin()
        power.take("stop", NODE, expires_s=90)
        api.objects.clear()
        power_from(origin).give("stop", NODE)
        assert state(power, worker) == "running"

    def test_down_removes_a_schedule_that_was_left(
        self, power: Ec2Power, provider: Ec2Provider, worker: str
    ) -> None:
        power.take("stop", NODE, expires_s=90)
        provider.down()
        assert schedules(power) == []

    def test_a_schedule_of_a_cluster_with_a_longer_name_stays(
        self, power: Ec2Power, provider: Ec2Provider, worker: str
    ) -> None:
        power.tags = Tags(cluster="aftershock-start-x")
        power.role = "arn:aws:iam::123456789012:role/mine"
        power.take("stop", NODE, expires_s=90)
        provider.down()
        assert schedules(power) == [f"aftershock-aftershock-start-x-start-{worker}"]


class TestOthers:
    def test_reboot(self, power: Ec2Power, worker: str, calls: list[str]) -> None:
        power.check("reboot", NODE)
        power.take("reboot", NODE, expires_s=60)
        power.give("reboot", NODE)
        assert "ec2:RebootInstances" in calls
        assert state(power, worker) == "running"

    def test_terminate_of_one_that_up_makes_again(
        self, power: Ec2Power, provider: Ec2Provider, worker: str
    ) -> None:
        power.check("terminate", NODE)
        power.take("terminate", NODE, expires_s=60)
        power.give("terminate", NODE)
        assert state(power, worker) == "terminated"
        provider.up()
        assert find(provider.aws, provider.tags, "instance", "worker-1")[0].id != worker

    def test_terminate_of_one_that_nobody_makes_again(self, power: Ec2Power, worker: str) -> None:
        key = {"Key": "aftershock.dev/cluster"}
        power.aws.call("ec2", "delete_tags", Resources=[worker], Tags=[key])
        with pytest.raises(RefusedError, match="nobody would make ip-10-20-1-5 anew"):
            power.check("terminate", NODE)
        power.check("stop", NODE)

    def test_stop_of_one_that_a_group_would_terminate(self, power: Ec2Power, worker: str) -> None:
        group = {"Key": "aws:autoscaling:groupName", "Value": "workers"}
        power.aws.call("ec2", "create_tags", Resources=[worker], Tags=[group])
        with pytest.raises(RefusedError, match="would terminate ip-10-20-1-5 while it is stopped") as caught:
            power.check("stop", NODE)
        assert caught.value.found == "aws:autoscaling:groupName=workers"
        power.check("terminate", NODE)

    @pytest.mark.parametrize("how", ["stop", "reboot", "terminate"])
    def test_of_another_region(self, worker: str, api: FakeApi, how: How) -> None:
        wanted = Ec2(region="eu-west-1")
        with pytest.raises(RefusedError, match=f"EC2 knows no instance {worker}") as caught:
            Ec2Power.of(wanted, api).check(how, NODE)  # type: ignore[arg-type]  # a fake
        assert "in eu-west-1" in caught.value.expected
        assert "ec2.region" in caught.value.hint

    def test_pausing(self, power: Ec2Power) -> None:
        with pytest.raises(RefusedError, match="EC2 cannot pause"):
            power.check("pause", NODE)

    @pytest.mark.parametrize("how", ["stop", "reboot", "terminate"])
    def test_one_that_does_not_run(self, power: Ec2Power, worker: str, how: How) -> None:
        power.aws.call("ec2", "stop_instances", InstanceIds=[worker])
        with pytest.raises(RefusedError, match="does not run") as caught:
            power.check(how, NODE)
        assert caught.value.found == "stopped"

    def test_a_node_without_a_provider_id(self, power: Ec2Power) -> None:
        with pytest.raises(RefusedError, match="not known which instance elsewhere is") as caught:
            power.check("stop", "elsewhere")
        assert "kubectl patch node elsewhere" in caught.value.hint


def test_instances_by_provider_id(api: FakeApi, worker: str) -> None:
    assert dict(instances_of(api)) == {NODE: worker}  # type: ignore[arg-type]  # a fake


def test_the_settings_say_who_has_power(api: FakeApi, tmp_path: Path) -> None:
    assert power_of(settings(), cluster="a") is None, "nobody knows the nodes without the API"
    assert power_of(Settings(cluster="other"), cluster="a", api=api) is None  # type: ignore[arg-type]  # a fake
