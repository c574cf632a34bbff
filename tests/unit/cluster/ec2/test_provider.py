"""`up` and `down` on EC2, against a stand-in of its API: all made, all removed, and what comes between."""

from __future__ import annotations

import io
import stat
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import yaml

from aftershock.cluster.ec2.parts import Found, find, find_all
from aftershock.cluster.ec2.plan import load_prices, plan
from aftershock.cluster.ec2.provider import Ec2Provider
from aftershock.cluster.ec2.removing import ORDER
from aftershock.cluster.ec2.tags import CLUSTER, EXPIRES, OWNER, RUN, tag_of
from aftershock.cluster.progress import Progress
from aftershock.errors import CloudError, ConfigError, EnvironmentUnusableError, RefusedError, ResidueError
from aftershock.testing import FakeClock
from tests.unit.cluster.ec2.conftest import ROOT, WANTED, Machines, Refusals, left, make


def wanted_parts() -> list[str]:
    return sorted(f"{item.kind} {item.part}" for item in plan(WANTED, load_prices(ROOT, {})))


class TestUp:
    def test_makes_what_the_plan_says_and_down_removes_it(self, provider: Ec2Provider) -> None:
        before = everything(provider)
        provider.up()
        assert left(provider) == wanted_parts()
        assert provider.down()
        assert left(provider) == []
        assert everything(provider) == before, "what was the account's own is as it was"
        assert not provider.kubeconfig.exists()
        assert not provider.down()

    def test_everything_bears_owner_run_and_expiry(self, provider: Ec2Provider, clock: FakeClock) -> None:
        provider.up()
        runs = set()
        for item in find_all(provider.aws, provider.tags):
            tags = item.raw["Tags"]
            assert tag_of(tags, OWNER) == "sre", item
            assert tag_of(tags, EXPIRES) == "2026-01-01T08:00:00.000000Z", item  # type: ignore[arg-type]
            runs.add(tag_of(tags, RUN))  # type: ignore[arg-type]
        assert len(runs) == 1

    def test_a_second_one_makes_nothing(self, provider: Ec2Provider, calls: list[str]) -> None:
        provider.up()
        del calls[:]
        first = [item.id for item in find_all(provider.aws, provider.tags)]
        provider.up()
        assert [item.id for item in find_all(provider.aws, provider.tags)] == first
        assert not [call for call in calls if call.split(":")[1].startswith(("Create", "Run", "Allocate"))]

    def test_a_worker_that_is_gone_is_made_again_and_a_stopped_one_started(
        self, provider: Ec2Provider
    ) -> None:
        provider.up()
        first, second = (find(provider.aws, provider.tags, "instance", f"worker-{n}")[0].id for n in (1, 2))
        provider.aws.call("ec2", "terminate_instances", InstanceIds=[first])
        provider.aws.call("ec2", "stop_instances", InstanceIds=[second])
        provider.up()
        assert find(provider.aws, provider.tags, "instance", "worker-1")[0].id != first
        (same,) = find(provider.aws, provider.tags, "instance", "worker-2")
        assert same.id == second
        assert same.raw["State"]["Name"] == "running"

    def test_how_the_machines_are_made(self, provider: Ec2Provider) -> None:
        provider.up()
        images = {item.raw["ImageId"] for item in find(provider.aws, provider.tags, "instance")}
        assert images == {"ami-0000000000000000b"}, "the newest of that name"
        for item in find(provider.aws, provider.tags, "instance"):
            raw = item.raw
            assert raw["InstanceType"] == "t3.medium"
            assert raw["MetadataOptions"]["HttpTokens"] == "required"
            assert "PublicIpAddress" not in raw, "private"
            attribute = provider.aws.call(
                "ec2", "describe_instance_attribute", InstanceId=item.id, Attribute="sourceDestCheck"
            )
            assert attribute["SourceDestCheck"]["Value"] is False
        (group,) = find(provider.aws, provider.tags, "security group")
        rules = group.raw["IpPermissions"]
        assert [rule["IpRanges"] for rule in rules if rule["IpRanges"]] == [
            [{"CidrIp": "10.244.0.0/16", "Description": "pods"}]
        ], "nobody from outside"
        (private,) = find(provider.aws, provider.tags, "route table", "nodes")
        ways = private.raw["Routes"]
        assert any("NatGatewayId" in way for way in ways)
        assert not any(str(way.get("GatewayId", "")).startswith("igw") for way in ways)

    def test_what_the_switch_may(self, provider: Ec2Provider) -> None:
        provider.up()
        (role,) = find_identities(provider, "switch")
        assert role.raw["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "123456789012"}
        }
        policy = provider.aws.call("iam", "get_role_policy", RoleName=role.id, PolicyName="start")
        start, grant = policy["PolicyDocument"]["Statement"]
        assert start["Resource"] == "arn:aws:ec2:eu-central-1:123456789012:instance/*"
        assert start["Condition"]["StringEquals"] == {"aws:ResourceTag/aftershock.dev/cluster": "aftershock"}
        assert grant["Action"] == "kms:CreateGrant"
        assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}

    def test_the_script_on_each_machine_in_its_order(self, provider: Ec2Provider, machines: Machines) -> None:
        leader = provider.up()
        assert [v for v in machines.verbs() if v not in {"prepare", "network"}] == [
            "control-plane", "join-command", "worker", "worker", "nodes", "sign",
        ]  # fmt: skip
        assert machines.verbs().count("prepare") == machines.verbs().count("network") == 3
        joins = {instance: words for instance, words in machines.ran if words[1] == "worker"}
        assert leader not in joins
        for instance, words in joins.items():
            assert words[2:8] == ["--api", "10.20.1.4:6443", "--token", "a.b", "--ca-hash", "sha256:00"]
            assert words[-1].endswith(f"/{instance}")
            assert words[-1].startswith("aws:///eu-central-1")
        network = next(words for _, words in machines.ran if words[1] == "network")
        assert len([word for word in network if word.startswith("ip-")]) == 3

    def test_a_kubeconfig_whose_key_never_left(self, provider: Ec2Provider, machines: Machines) -> None:
        provider.up()
        assert stat.S_IMODE(provider.kubeconfig.stat().st_mode) == 0o600
        found = yaml.safe_load(provider.kubeconfig.read_text())
        assert found["current-context"] == "ec2-aftershock"
        assert found["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:16443"
        key = found["users"][0]["user"]["client-key-data"]
        assert not [words for _, words in machines.ran if key in " ".join(words)]
        assert sorted(path.name for path in provider.folder.iterdir()) == ["key.pem", "kubeconfig"]

    def test_in_an_existing_network_only_ours_is_made_and_removed(
        self, cloud: str, machines: Machines, tmp_path: Path, clock: FakeClock, progress: Progress
    ) -> None:
        aws = make(tmp_path, clock, progress).aws
        vpc = aws.call("ec2", "create_vpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = aws.call("ec2", "create_subnet", VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        wanted = msgspec.structs.replace(WANTED, vpc=vpc, subnet=subnet)
        provider = make(tmp_path, clock, progress, wanted=wanted, machines=machines)
        provider.up()
        assert not {"VPC", "subnet", "NAT gateway"} & {i.kind for i in find_all(provider.aws, provider.tags)}
        instances = find(provider.aws, provider.tags, "instance")
        assert {item.raw["SubnetId"] for item in instances} == {subnet}
        provider.down()
        assert aws.call("ec2", "describe_subnets", SubnetIds=[subnet])["Subnets"]

    def test_a_subnet_of_another_network(
        self, cloud: str, tmp_path: Path, clock: FakeClock, progress: Progress
    ) -> None:
        subnets = make(tmp_path, clock, progress).aws.items("ec2", "describe_subnets", "Subnets")
        wanted = msgspec.structs.replace(WANTED, vpc="vpc-other", subnet=subnets[0]["SubnetId"])
        provider = make(tmp_path, clock, progress, wanted=wanted)
        with pytest.raises(ConfigError, match="is no subnet of vpc-other"):
            provider.up()
        assert left(provider) == []

    def test_two_clusters_do_not_meet(
        self, provider: Ec2Provider, machines: Machines, tmp_path: Path, clock: FakeClock, progress: Progress
    ) -> None:
        provider.up()
        wanted = msgspec.structs.replace(WANTED, name="other")
        other = make(tmp_path / "2", clock, progress, wanted=wanted, machines=machines)
        other.up()
        provider.down()
        assert left(provider) == []
        assert len(left(other)) == len(wanted_parts())

    def test_no_image(self, cloud: str, tmp_path: Path, clock: FakeClock, progress: Progress) -> None:
        wanted = msgspec.structs.replace(WANTED, image="plan9-*")
        provider = make(tmp_path, clock, progress, wanted=wanted)
        with pytest.raises(ConfigError, match=r"no image of that name in eu-central-1"):
            provider.up()
        assert left(provider) == []


class TestHalfWay:
    @pytest.mark.parametrize(
        ("refused", "after", "message"),
        [
            ("CreateVpc: VpcLimitExceeded", 0, "a quota of the account is reached"),
            ("CreateNatGateway: NatGatewayLimitExceeded", 0, "a quota of the account is reached"),
            ("CreateInstanceProfile: AccessDenied", 0, "may not call iam:CreateInstanceProfile"),
            ("RunInstances: UnauthorizedOperation", 0, "may not call ec2:RunInstances"),
            ("RunInstances: VcpuLimitExceeded", 1, "a quota of the account is reached"),
            ("RunInstances: InsufficientInstanceCapacity", 2, "has no room"),
            ("ModifyInstanceAttribute: InternalError", 1, "AWS refused ec2:ModifyInstanceAttribute"),
        ],
    )
    def test_what_aws_refuses_leaves_nothing(
        self, provider: Ec2Provider, refusals: Refusals, refused: str, after: int, message: str
    ) -> None:
        operation, code = refused.split(": ")
        before = everything(provider)
        refusals.add(operation, code, after=after)
        with pytest.raises(CloudError, match=message) as caught:
            provider.up()
        assert code in caught.value.found
        assert left(provider) == []
        assert everything(provider) == before

    def test_what_a_lost_answer_has_made_twice_goes_too(
        self, provider: Ec2Provider, refusals: Refusals, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = provider.aws.call

        def call(service: str, operation: str, **arguments: object) -> dict[str, object]:
            if operation == "create_vpc":  # as boto3 does where no answer came
                plain(service, operation, **arguments)
            return plain(service, operation, **arguments)

        before = everything(provider)
        monkeypatch.setattr(provider.aws, "call", call)
        refusals.add("RunInstances", "VcpuLimitExceeded")
        with pytest.raises(CloudError, match="a quota of the account is reached"):
            provider.up()
        assert everything(provider) == before

    def test_ctrl_c_says_what_stays(
        self, provider: Ec2Provider, monkeypatch: pytest.MonkeyPatch, said: io.StringIO
    ) -> None:
        def pressed(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("aftershock.cluster.ec2.provider.make_network", pressed)
        with pytest.raises(KeyboardInterrupt):
            provider.up()
        assert left(provider) == ["instance profile nodes", "role nodes", "role switch"]
        assert "what was made stays, and costs" in said.getvalue()

    def test_what_was_there_before_stays(self, provider: Ec2Provider, refusals: Refusals) -> None:
        provider.up()
        (gone,) = find(provider.aws, provider.tags, "instance", "worker-2")
        provider.aws.call("ec2", "terminate_instances", InstanceIds=[gone.id])
        refusals.add("RunInstances", "VcpuLimitExceeded")
        with pytest.raises(CloudError):
            provider.up()
        assert left(provider) == [part for part in wanted_parts() if part != "instance worker-2"]

    def test_what_cannot_be_taken_back_is_named(self, provider: Ec2Provider, refusals: Refusals) -> None:
        refusals.add("RunInstances", "VcpuLimitExceeded")
        refusals.add("DeleteNatGateway", "UnauthorizedOperation")
        with pytest.raises(ResidueError, match="left in eu-central-1") as caught:
            provider.up()
        assert "a quota of the account is reached" in caught.value.message, "why it began to remove at all"
        assert "NAT gateway nat-" in caught.value.found
        assert caught.value.exit_code == 11
        assert "NAT gateway nat" in left(provider)
        assert not [part for part in left(provider) if part.startswith(("key pair", "role"))], "the rest went"
        provider.down()
        assert left(provider) == []

    def test_a_gateway_that_fails(self, provider: Ec2Provider, monkeypatch: pytest.MonkeyPatch) -> None:
        plain = provider.aws.items

        def items(service: str, operation: str, key: str, **arguments: object) -> list[dict[str, object]]:
            found = plain(service, operation, key, **arguments)
            if operation != "describe_nat_gateways":
                return found
            return [{**item, "State": "failed", "FailureMessage": "no free addresses"} for item in found]

        with monkeypatch.context() as patched:
            patched.setattr(provider.aws, "items", items)
            with pytest.raises(CloudError, match="is failed") as caught:
                provider.up()
        assert caught.value.found == "no free addresses"
        assert left(provider) == []

    def test_a_gateway_that_has_failed_is_in_nobodys_way(
        self, provider: Ec2Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = provider.aws.items
        failed = {"NatGatewayId": "nat-0", "State": "failed", "Tags": provider.tags.of("nat")}

        def items(service: str, operation: str, key: str, **arguments: object) -> list[dict[str, object]]:
            found = plain(service, operation, key, **arguments)
            return (
                [failed, *found]
                if "describe_nat_gateways" in operation and "tag:" in str(arguments)
                else found
            )

        monkeypatch.setattr(provider.aws, "items", items)  # as EC2 lists it for an hour
        provider.up()
        assert left(provider).count("NAT gateway nat") == 2

    def test_machines_that_are_no_cluster_stay_and_are_priced(
        self, provider: Ec2Provider, machines: Machines
    ) -> None:
        machines.fails = "control-plane"
        with pytest.raises(
            EnvironmentUnusableError, match="the machines run, but are no cluster yet"
        ) as caught:
            provider.up()
        assert "node: no way" in caught.value.found
        assert "goes on where it was" in caught.value.hint
        assert "$0.18 per hour" in caught.value.hint
        assert left(provider) == wanted_parts()
        machines.fails = ""
        provider.up()
        assert provider.kubeconfig.exists()

    def test_machines_that_never_report(
        self, provider: Ec2Provider, refusals: Refusals, clock: FakeClock
    ) -> None:
        refusals.add("SendCommand", "InvalidInstanceId", times=10_000)
        with pytest.raises(EnvironmentUnusableError, match="to report to Systems Manager") as caught:
            provider.up()
        assert "get-console-output" in caught.value.hint
        assert "per hour" in caught.value.hint

    def test_an_up_that_was_killed_is_gone_on_with_and_removed(
        self, provider: Ec2Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        def killed(*_: object, **__: object) -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr("aftershock.cluster.ec2.provider.make_key", killed)
            with pytest.raises(Killed):
                provider.up()
        there = {item.id for item in find_all(provider.aws, provider.tags)}
        assert there
        provider.up()
        assert there < {item.id for item in find_all(provider.aws, provider.tags)}
        assert left(provider) == wanted_parts()
        provider.down()
        assert left(provider) == []

    def test_what_is_not_known_everywhere_yet_is_waited_for(
        self, provider: Ec2Provider, refusals: Refusals, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain, unseen = provider.aws.items, [2]

        def items(service: str, operation: str, key: str, **arguments: object) -> list[dict[str, object]]:
            late = operation == "describe_instances" and "instance-id" in str(arguments)
            if late and unseen[0]:
                unseen[0] -= 1
                return []
            return plain(service, operation, key, **arguments)

        monkeypatch.setattr(provider.aws, "items", items)
        refusals.add("RunInstances", "InvalidGroup.NotFound", times=2)
        provider.up()
        assert unseen == [0]
        assert left(provider) == wanted_parts()

    def test_one_that_ends_while_it_starts(
        self, provider: Ec2Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain = provider.aws.items
        ended = {"State": {"Name": "terminated"}, "StateReason": {"Message": "Client.VolumeLimitExceeded"}}

        def items(service: str, operation: str, key: str, **arguments: object) -> list[dict[str, object]]:
            if operation == "describe_instances" and "instance-id" in str(arguments):
                return [{"Instances": [ended]}]
            return plain(service, operation, key, **arguments)

        with monkeypatch.context() as patched:
            patched.setattr(provider.aws, "items", items)
            with pytest.raises(CloudError, match="has ended while it started") as caught:
                provider.up()
        assert caught.value.found == "Client.VolumeLimitExceeded"
        assert left(provider) == []

    def test_two_of_one_part_are_not_chosen_between(self, provider: Ec2Provider) -> None:
        tags = provider.tags.specification("vpc", "vpc")
        made = [
            provider.aws.call("ec2", "create_vpc", CidrBlock="10.20.0.0/16", TagSpecifications=tags)
            for _ in range(2)
        ]
        with pytest.raises(EnvironmentUnusableError, match="more than one VPC for vpc") as caught:
            provider.up()
        assert all(vpc["Vpc"]["VpcId"] in caught.value.found for vpc in made)
        provider.down()
        assert left(provider) == []

    def test_a_second_one_at_the_same_time(
        self, provider: Ec2Provider, tmp_path: Path, clock: FakeClock, progress: Progress, calls: list[str]
    ) -> None:
        other = make(tmp_path, clock, progress)
        with provider._alone():
            for act in (other.up, other.down):
                with pytest.raises(RefusedError, match="another process makes or removes the cluster"):
                    act()
        assert calls == []


class TestBeforeAnythingIsMade:
    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"worker": "t3.mediun"}, "no zone of eu-central-1 offers the instance types"),
            ({"zone": "eu-central-1z"}, "are not offered in eu-central-1z"),
        ],
    )
    @pytest.mark.parametrize("act", ["up", "plan"])
    def test_what_is_not_offered(
        self, act: str, changed: dict[str, str], message: str, provider: Ec2Provider
    ) -> None:
        provider.wanted = msgspec.structs.replace(WANTED, **changed)
        with pytest.raises(ConfigError, match=message) as caught:
            getattr(provider, act)()
        assert "t3.medium" in caught.value.expected + caught.value.found
        assert left(provider) == []

    def test_the_zone_offers_the_types(self, provider: Ec2Provider, monkeypatch: pytest.MonkeyPatch) -> None:
        plain = provider.aws.items

        def items(service: str, operation: str, key: str, **arguments: object) -> list[dict[str, object]]:
            if operation == "describe_instance_type_offerings":
                return [{"Location": zone} for zone in ("eu-central-1-ham-1a", "eu-central-1b")]
            return plain(service, operation, key, **arguments)

        monkeypatch.setattr(provider.aws, "items", items)
        provider.up()
        subnets = find(provider.aws, provider.tags, "subnet")
        assert {item.raw["AvailabilityZone"] for item in subnets} == {"eu-central-1b"}

    @pytest.mark.parametrize("name", ["pod_cidr", "service_cidr"])
    def test_pods_in_the_range_of_an_existing_network(self, name: str, provider: Ec2Provider) -> None:
        aws = provider.aws
        vpc = aws.call("ec2", "create_vpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        aws.call("ec2", "associate_vpc_cidr_block", VpcId=vpc, CidrBlock="10.1.0.0/16")
        subnet = aws.call("ec2", "create_subnet", VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        provider.wanted = msgspec.structs.replace(WANTED, vpc=vpc, subnet=subnet, **{name: "10.1.128.0/17"})
        with pytest.raises(ConfigError, match=rf"ec2\.{name} in \[tool.aftershock\] overlaps {vpc}"):
            provider.up()
        assert left(provider) == []


class TestDown:
    def test_only_what_has_expired(self, provider: Ec2Provider, clock: FakeClock) -> None:
        provider.up()
        assert not provider.down(expired_only=True)
        clock.elapsed += timedelta(hours=8, seconds=1).total_seconds()
        assert provider.down(expired_only=True)
        assert left(provider) == []

    def test_what_is_still_used_is_waited_for(
        self, provider: Ec2Provider, refusals: Refusals, said: io.StringIO
    ) -> None:
        provider.up()
        refusals.add("DeleteSecurityGroup", "DependencyViolation", times=3)
        refusals.add("ReleaseAddress", "AuthFailure", times=3)  # as EC2 says of one that a gateway had
        refusals.add("DeleteRole", "DeleteConflict", times=3)
        provider.down()
        assert left(provider) == []

    def test_what_may_not_be_removed_keeps_nothing_else(
        self, provider: Ec2Provider, refusals: Refusals
    ) -> None:
        provider.up()
        refusals.add("DeleteRole", "AccessDenied")
        with pytest.raises(ResidueError, match="1 of 16 things are left"):
            provider.down()
        assert len(left(provider)) == 1

    def test_a_machine_that_may_not_be_removed_is_not_waited_for(
        self, provider: Ec2Provider, refusals: Refusals, clock: FakeClock
    ) -> None:
        provider.up()
        refusals.add("TerminateInstances", "OperationNotPermitted", times=3)
        refusals.add("DeleteSecurityGroup", "DependencyViolation", times=99)
        refusals.add("DeleteSubnet", "DependencyViolation", times=99)
        before = clock.elapsed
        with pytest.raises(ResidueError) as caught:
            provider.down()
        assert clock.elapsed - before < 30
        assert "OperationNotPermitted" in caught.value.found
        assert "describe-network-interfaces" in caught.value.hint
        assert not [part for part in left(provider) if part.startswith("NAT")], "what costs is gone"

    def test_a_time_that_is_none(self, provider: Ec2Provider) -> None:
        tags = [{"Key": EXPIRES, "Value": "tomorrow"}, {"Key": CLUSTER, "Value": "aftershock"}]
        specification = [{"ResourceType": "vpc", "Tags": tags}]
        provider.aws.call("ec2", "create_vpc", CidrBlock="10.20.0.0/16", TagSpecifications=specification)
        with pytest.raises(RefusedError, match="a tag does not say when aftershock expires") as caught:
            provider.down(expired_only=True)
        assert "tomorrow" in caught.value.found

    def test_every_kind_has_its_turn(self, provider: Ec2Provider) -> None:
        provider.up()
        assert {item.kind for item in find_all(provider.aws, provider.tags)} < set(ORDER)


def find_identities(provider: Ec2Provider, part: str) -> list[Found]:
    """Return roles of a part: IAM's, which `find` does not know."""
    return [i for i in find_all(provider.aws, provider.tags) if (i.kind, i.part) == ("role", part)]


def everything(provider: Ec2Provider) -> dict[str, int]:
    """Count what an account has, whoever's it is."""
    aws = provider.aws
    alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
    return {
        "vpcs": len(aws.items("ec2", "describe_vpcs", "Vpcs")),
        "subnets": len(aws.items("ec2", "describe_subnets", "Subnets")),
        "tables": len(aws.items("ec2", "describe_route_tables", "RouteTables")),
        "groups": len(aws.items("ec2", "describe_security_groups", "SecurityGroups")),
        "gateways": len(aws.items("ec2", "describe_internet_gateways", "InternetGateways")),
        "addresses": len(aws.items("ec2", "describe_addresses", "Addresses")),
        "keys": len(aws.items("ec2", "describe_key_pairs", "KeyPairs")),
        "volumes": len(aws.items("ec2", "describe_volumes", "Volumes")),
        "instances": len(aws.items("ec2", "describe_instances", "Reservations", Filters=alive)),
        "roles": len(aws.items("iam", "list_roles", "Roles")),
        "profiles": len(aws.items("iam", "list_instance_profiles", "InstanceProfiles")),
        "schedules": len(aws.items("scheduler", "list_schedules", "Schedules")),
    }
