"""What AWS' errors become: each names what is wrong, and what to do, before anything is made."""

from __future__ import annotations

import builtins
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from aftershock.cluster.ec2.session import Aws
from aftershock.cluster.progress import Progress
from aftershock.errors import CloudError, ConfigError, EnvironmentUnusableError
from aftershock.testing import FakeClock
from tests.unit.cluster.ec2.conftest import REGION, Refusals, left, make


@pytest.fixture
def aws(cloud: str) -> Aws:
    return Aws(REGION)


def test_no_credentials(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(CloudError, match="there are no AWS credentials") as caught:
        aws.call("sts", "get_caller_identity")
    assert caught.value.exit_code == 10
    assert "AWS_ACCESS_KEY_ID" in caught.value.expected
    assert "sts get-caller-identity" in caught.value.hint


def test_half_of_the_credentials(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CloudError, match="there are no AWS credentials"):
        aws.call("sts", "get_caller_identity")


@pytest.mark.parametrize(
    ("region", "message", "hint"),
    [
        ("eu-wets-1", "there is no EC2 region 'eu-wets-1'", "did you mean eu-west-1?"),
        ("nowhere", "there is no EC2 region 'nowhere'", "AWS_REGION"),
        ("", "no EC2 region is named", "set ec2.region"),
    ],
)
def test_a_wrong_region(cloud: str, region: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Aws(region).call("ec2", "describe_vpcs")
    assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_of_the_environment(cloud: str, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "eu-north-1")
    assert Aws().region == "eu-north-1"


def test_a_profile_that_is_not_there(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    with pytest.raises(ConfigError, match="mine"):
        Aws(REGION).call("ec2", "describe_vpcs")


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("UnauthorizedOperation", "the credentials may not call ec2:DescribeVpcs", "cluster/ec2/policy.json"),
        ("AuthFailure", "AWS does not accept the credentials", "region is enabled"),
        ("ExpiredToken", "AWS does not accept the credentials", "aws sso login"),
        ("VpcLimitExceeded", "a quota of the account is reached", "servicequotas"),
        ("InsufficientInstanceCapacity", "EC2 has no room for this now", "ec2.zone"),
        ("Unsupported", "EC2 has no room for this now", "ec2.zone"),
        ("ServiceQuotaExceededException", "a quota of the account is reached", "servicequotas"),
        ("RequestLimitExceeded", "AWS is asked too often", "wait a minute"),
        ("InternalError", "AWS refused ec2:DescribeVpcs", ""),
    ],
)
def test_what_aws_refuses(aws: Aws, refusals: Refusals, code: str, message: str, hint: str) -> None:
    refusals.add("DescribeVpcs", code)
    with pytest.raises(CloudError, match=message) as caught:
        aws.items("ec2", "describe_vpcs", "Vpcs")
    assert caught.value.code == code
    assert caught.value.found == f"{code}: you asked for {code}"
    assert hint in caught.value.hint


def test_nobody_answers(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(CloudError, match=r"AWS is not reached \(ec2:DescribeVpcs\)") as caught:
        aws.call("ec2", "describe_vpcs")
    assert "HTTPS_PROXY" in caught.value.hint


def test_a_call_that_this_boto3_does_not_know(aws: Aws) -> None:
    with pytest.raises(CloudError, match="boto3 could not call ec2:StopInstances") as caught:
        aws.call("ec2", "stop_instances", InstanceIds=["i-1"], Gently=True)
    assert "Gently" in caught.value.found
    assert "not older" in caught.value.hint


def test_threads_share_a_client_that_is_made_once(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    together = threading.Barrier(2, timeout=0.5)
    plain = aws.session.client

    def client(service: str, **more: Any) -> Any:
        made.append(service)
        with contextlib.suppress(threading.BrokenBarrierError):  # that another gets here is what must not be
            together.wait()
        return plain(service, **more)

    monkeypatch.setattr(aws.session, "client", client)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(aws.client, ("ssm", "ssm"))
    assert first is second
    assert made == ["ssm"]


def test_what_is_gone_is_told_from_other_refusals(aws: Aws, refusals: Refusals) -> None:
    assert not aws.unless_gone("ec2", "delete_vpc", VpcId="vpc-00000000")
    refusals.add("DeleteVpc", "UnauthorizedOperation")
    with pytest.raises(CloudError, match="may not call"):
        aws.unless_gone("ec2", "delete_vpc", VpcId="vpc-00000000")


def test_without_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def lacking(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == "boto3":
            raise ImportError("No module named 'boto3'")
        return plain(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(EnvironmentUnusableError, match="boto3 is not installed") as caught:
        Aws(REGION).call("ec2", "describe_vpcs")
    assert "aftershock[ec2]" in caught.value.hint


def test_no_permission_leaves_nothing(
    cloud: str, refusals: Refusals, tmp_path: Path, clock: FakeClock, progress: Progress
) -> None:
    provider = make(tmp_path, clock, progress)
    refusals.add("DescribeImages", "UnauthorizedOperation")
    with pytest.raises(CloudError, match="may not call ec2:DescribeImages"):
        provider.up()
    assert left(provider) == []
