"""What kind is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aftershock.cluster.connect import NODE_PORTS
from aftershock.cluster.kind.config import AUDIT_LOG, kind_config
from aftershock.cluster.kind.provider import NODE_NAMES

OURS = {"aftershock.dev/etcd": "3.6.4-0", "aftershock.dev/coredns": "v1.12.3"}


def config(labels: dict[str, str] | None = None) -> dict[str, Any]:
    return kind_config(labels=labels or {}, reserved={"cpu": "14"}, audit_policy=Path("/state/policy.yaml"))


def patches(kind: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """Return all patches of that kind as one, as kubeadm sees them."""
    found = [json.loads(patch) for patch in config(labels)["kubeadmConfigPatches"]]
    return {name: value for patch in found if patch["kind"] == kind for name, value in patch.items()}


def test_nothing_is_reachable_from_elsewhere() -> None:
    found = config()
    assert found["networking"]["apiServerAddress"] == "127.0.0.1"
    ports = [port for node in found["nodes"] for port in node.get("extraPortMappings", ())]
    assert {port["listenAddress"] for port in ports} == {"127.0.0.1"}
    assert {port["containerPort"]: port["hostPort"] for port in ports} == {
        port: port for port in NODE_PORTS.values()
    }


def test_as_many_nodes_as_are_waited_for() -> None:
    roles = [node["role"] for node in config()["nodes"]]
    assert roles == ["control-plane", "worker", "worker"]
    assert len(roles) == len(NODE_NAMES)


def test_kubelets_reserve_what_is_beyond_a_node() -> None:
    assert patches("KubeletConfiguration")["systemReserved"] == {"cpu": "14"}


def test_kubelets_evict_before_the_kernel_kills() -> None:
    assert patches("KubeletConfiguration")["evictionHard"] == {"memory.available": "256Mi"}


def test_kubelets_soon_say_that_pressure_is_over() -> None:
    assert patches("KubeletConfiguration")["evictionPressureTransitionPeriod"] == "5s"


def test_our_own_node_says_which_tags_it_holds() -> None:
    found = patches("ClusterConfiguration", OURS)
    assert found["etcd"]["local"] == {"imageTag": "3.6.4-0"}
    assert found["dns"] == {"imageTag": "v1.12.3"}


@pytest.mark.parametrize("labels", [{}, {"maintainer": "somebody"}])
def test_an_official_node_holds_what_kubeadm_asks_for(labels: dict[str, str]) -> None:
    assert not {"etcd", "dns"} & patches("ClusterConfiguration", labels).keys()


def test_the_api_server_reads_the_policy_that_the_node_mounts() -> None:
    found = config()
    (mount,) = found["nodes"][0]["extraMounts"]
    server = patches("ClusterConfiguration")["apiServer"]
    volumes = {volume["mountPath"]: volume for volume in server["extraVolumes"]}
    policy = server["extraArgs"]["audit-policy-file"]
    assert (mount["hostPath"], mount["readOnly"]) == ("/state/policy.yaml", True)
    assert volumes[policy]["hostPath"] == mount["containerPath"]
    assert server["extraArgs"]["audit-log-path"] == AUDIT_LOG
    assert volumes[str(Path(AUDIT_LOG).parent)]["pathType"] == "DirectoryOrCreate"


def test_the_audit_log_is_bounded() -> None:
    options = patches("ClusterConfiguration")["apiServer"]["extraArgs"]
    assert 0 < int(options["audit-log-maxsize"]) * (int(options["audit-log-maxbackup"]) + 1) <= 200
