from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aftershock.cluster.kind.engine import Engine
from aftershock.cluster.shell import Shell
from aftershock.errors import CommandError
from benchmarks.honest_times.driven_pods import Interval
from benchmarks.honest_times.truth import ReadyPatch, read_audit, ready_patches, unready

BASE = datetime(2026, 11, 2, 10, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


def entry(seconds: float, *conditions: dict[str, Any], pod: str = "driven-0-x", **other: Any) -> str:
    when = at(seconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return json.dumps(
        {
            "objectRef": {"resource": "pods", "subresource": "status", "namespace": "demo", "name": pod},
            "responseStatus": {"code": 200},
            "requestObject": {"status": {"conditions": list(conditions)}},
            "requestReceivedTimestamp": "2026-11-02T00:00:00.000000Z",
            "stageTimestamp": when,
            **other,
        }
    )


def ready(status: str) -> dict[str, Any]:
    return {"type": "Ready", "status": status, "lastTransitionTime": "2026-11-02T10:00:00Z"}


def test_changes_of_ready_come_with_the_microsecond_of_the_finished_request() -> None:
    lines = [
        entry(3.000001, ready("True")),
        entry(1.234567, {"type": "ContainersReady", "status": "False"}, ready("False")),
    ]

    assert ready_patches(lines, pod="driven-0-x") == [
        ReadyPatch(pod="driven-0-x", at=at(1.234567), ready=False),
        ReadyPatch(pod="driven-0-x", at=at(3.000001), ready=True),
    ]


@pytest.mark.parametrize(
    "line",
    [
        entry(2, ready("True"), pod="driven-0-y"),
        entry(2, ready("True"), responseStatus={"code": 409}),
        entry(2, ready("True"), objectRef={"resource": "pods", "name": "driven-0-x"}),
        entry(2, {"type": "ContainersReady", "status": "True"}),
        entry(2, {"type": "Ready", "observedGeneration": 2}),
        entry(2, ready("False")),
        entry(2, requestObject={"metadata": {"uid": "1"}}),
    ],
    ids=[
        "another pod",
        "refused",
        "not its status",
        "not Ready",
        "no new status",
        "a repetition",
        "no status",
    ],
)
def test_what_does_not_change_ready_does_not_count(line: str) -> None:
    found = ready_patches([entry(1, ready("False")), line, entry(5, ready("True"))], pod="driven-0-x")

    assert [(patch.at, patch.ready) for patch in found] == [(at(1), False), (at(5), True)]


def patches(*changes: tuple[float, bool]) -> list[ReadyPatch]:
    return [ReadyPatch(pod="driven-0-x", at=at(seconds), ready=up) for seconds, up in changes]


def test_it_was_not_ready_from_the_first_patch_to_the_last() -> None:
    seen = patches((-3, True), (1, False), (2, True), (2.5, False), (4, True), (12, False), (13, True))

    assert unready(seen, since=at(0), until=at(11)) == Interval(begin=at(1), end=at(4))


@pytest.mark.parametrize("changes", [[], [(1, True)], [(1, False)], [(1, True), (2, False)]])
def test_without_an_end_there_is_nothing_to_compare_with(changes: list[tuple[float, bool]]) -> None:
    assert unready(patches(*changes), since=at(0), until=at(11)) is None


def engine(tmp_path: Path, node: str) -> Engine:
    """An engine whose `exec NODE sh -c COMMAND` runs the command in a folder of its own."""
    program = tmp_path / "podman"
    there = f"sed s,/var/log/kubernetes,{tmp_path},"
    program.write_text(f'#!/bin/sh\n[ "$2" = {node} ] && exec sh -c "$(echo "$5" | {there})"\n')
    program.chmod(0o755)
    return Engine(name=str(program), shell=Shell(log=tmp_path / "log"), why="")  # type: ignore[arg-type]  # a program of our own


def test_the_log_and_the_rotated_one_are_read(tmp_path: Path) -> None:
    (tmp_path / "audit.log").write_text('{"objectRef":{"name":"driven-1-x"}}\n{"objectRef":{"name":"web"}}\n')
    (tmp_path / "audit-2026-11-02T10-00-00.000.log").write_text('{"objectRef":{"name":"driven-0-x"}}\n')

    lines = read_audit(engine(tmp_path, "aftershock-control-plane"))

    assert sorted(json.loads(line)["objectRef"]["name"] for line in lines) == ["driven-0-x", "driven-1-x"]


def test_a_cluster_without_an_audit_log_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        read_audit(engine(tmp_path, "aftershock-control-plane"))
