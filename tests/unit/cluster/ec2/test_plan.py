"""The dry run: what would be made, what is there, and what it costs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aftershock.cluster.ec2.machines import SCRIPT, user_data
from aftershock.cluster.ec2.plan import load_prices, plan, read_prices, told
from aftershock.cluster.ec2.provider import Ec2Provider
from aftershock.cluster.progress import Progress
from aftershock.errors import CloudError, ConfigError
from aftershock.testing import FakeClock
from tests.unit.cluster.ec2.conftest import REGION, ROOT, WANTED, Refusals, left, make


def test_nothing_is_made(provider: Ec2Provider, calls: list[str]) -> None:
    lines = provider.plan()
    assert left(provider) == []
    assert not [call for call in calls if not call.split(":")[1].startswith(("Describe", "List", "Get"))]
    assert lines[0] == f"cluster aftershock in {REGION}"
    assert sum(line.startswith("would make") for line in lines) == 16


def test_what_is_there_is_told_apart(provider: Ec2Provider) -> None:
    provider.up()
    (gone,) = [line for line in provider.plan() if line.startswith("would make")] or [""]
    assert gone == ""
    assert sum(line.startswith("is there") for line in provider.plan()) == 16


def test_without_credentials(
    cloud: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: FakeClock, progress: Progress
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    lines = make(tmp_path, clock, progress).plan()
    assert lines[-1] == "not looked at what is there: no AWS credentials"
    assert sum(line.startswith("would make") for line in lines) == 16


def test_without_permission(provider: Ec2Provider, refusals: Refusals) -> None:
    refusals.add("DescribeInstances", "UnauthorizedOperation")
    with pytest.raises(CloudError, match="may not call ec2:DescribeInstances"):
        provider.plan()


def test_the_price_is_the_sum_of_what_the_table_says() -> None:
    # Three t3.medium, three disks of 24 GiB, a NAT gateway and its address.
    expected = 3 * 0.0416 + 3 * 24 * 0.00011 + 0.045 + 0.005
    items = plan(WANTED, load_prices(ROOT, {}))
    assert sum(item.per_hour or 0 for item in items) == pytest.approx(expected)
    lines = told(items, set(), read_prices(ROOT))
    assert "about $0.183 per hour, $4.39 per day" in lines[-2]
    assert "us-east-1, as of 2026, second-hand, check at https://aws.amazon.com/ec2/pricing" in lines[-1]


def test_own_prices_come_first() -> None:
    items = plan(WANTED, load_prices(ROOT, {"t3.medium": 1.0}))
    assert sum(item.per_hour or 0 for item in items if item.kind == "instance") > 3


def test_an_unknown_price_is_said_to_be_unknown() -> None:
    wanted = msgspec.structs.replace(WANTED, worker="x9.huge")
    lines = told(plan(wanted, load_prices(ROOT, {})), set(), read_prices(ROOT))
    assert sum("price unknown" in line for line in lines) == 2
    assert "not counted: x9.huge" in lines[-2]


def test_an_existing_network_costs_no_gateway() -> None:
    wanted = msgspec.structs.replace(WANTED, vpc="vpc-1", subnet="subnet-1")
    kinds = {item.kind for item in plan(wanted, load_prices(ROOT, {}))}
    assert kinds == {"security group", "role", "instance profile", "key pair", "instance"}


def test_a_table_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no table of prices"):
        read_prices(tmp_path)


def test_user_data_only_puts_the_script_there_and_calls_it() -> None:
    text = user_data(ROOT, WANTED).decode()
    lines = text.splitlines()
    assert lines[-1] == "/usr/local/sbin/aftershock-node prepare --kubernetes 1.34.4 --agent"
    assert len(text) < 16384
    assert "token" not in text
    assert (ROOT / SCRIPT).stat().st_mode & 0o111
