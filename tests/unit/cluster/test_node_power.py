"""Power over nodes: by the engine that holds a kind cluster, or by commands of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.cluster.node_power import KindPower, power_from, power_of
from aftershock.cluster.power import PowerOrigin
from aftershock.config import NodePower, Settings
from aftershock.errors import CommandError, EnvironmentUnusableError, RefusedError
from tests.unit.cluster.conftest import Commands

# An engine whose node is in the state that a file has; it obeys, and tells where the node's pods are.
ENGINE = """
state=$(cat {folder}/state)
case "$1" in
  ps) echo "a-worker Up 2 minutes"; echo "a-worker2 Up 2 minutes";;
  inspect) echo $state;;
  pause) echo paused >{folder}/state;;
  unpause|start) echo running >{folder}/state;;
  stop) echo exited >{folder}/state;;
  exec) [ "$2" = a-worker ] && printf '10.89.0.68\\n10.244.1.0/24\\n'; exit 0;;
esac
"""
COMMANDS = NodePower(
    stop=("fence", "off", "{node}", "--for={expires_s}", "{other}"), start=("fence", "on", "{node}")
)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AFTERSHOCK_STATE_DIR", str(tmp_path))
    (tmp_path / "state").write_text("running\n")
    return tmp_path


@pytest.fixture
def power(commands: Commands, state: Path) -> KindPower:
    commands.add("docker", "exit 1")
    commands.add("podman", ENGINE.format(folder=state))
    return KindPower("a", state=state)


class TestKind:
    def test_pausing_and_going_on(self, power: KindPower, commands: Commands) -> None:
        power.check("pause", "a-worker")
        power.take("pause", "a-worker", expires_s=60)
        power.give("pause", "a-worker")
        power.give("pause", "a-worker")
        acts = [call for call in commands.calls if call.split()[1] not in {"ps", "inspect"}]
        assert acts == ["podman pause a-worker", "podman unpause a-worker"]

    def test_stopping_at_once_and_starting(self, power: KindPower, commands: Commands) -> None:
        power.take("stop", "a-worker", expires_s=60)
        power.give("stop", "a-worker")
        assert commands.called("podman", "stop") == ["podman stop --time 0 a-worker"]
        assert commands.called("podman", "start") == ["podman start a-worker"]

    def test_one_that_was_started_is_made_whole_again(self, power: KindPower, commands: Commands) -> None:
        """It has lost its limits, and the other nodes the way to its pods; twice does no harm."""
        power.give("stop", "a-worker")
        assert not commands.called("podman", "start")
        assert len(commands.called("podman", "update")) == 2
        (told,) = commands.called("podman", "exec", "a-worker2")
        assert "ip route replace 10.244.1.0/24 via 10.89.0.68" in told

    @pytest.mark.parametrize("left", ["paused", "exited"])
    def test_another_may_do_the_same_at_this_very_moment(
        self, power: KindPower, commands: Commands, state: Path, left: str
    ) -> None:
        """It says "not paused", or "in use": what counts is that the node runs."""
        (state / "state").write_text(f"{left}\n")
        fails = "echo running >{folder}/state; exit 125;;\n  nothing)"
        commands.add(
            "podman", ENGINE.replace("unpause|start)", f"unpause|start) {fails}").format(folder=state)
        )
        power.give("pause", "a-worker")
        (state / "state").write_text(f"{left}\n")
        commands.add(
            "podman",
            ENGINE.replace("unpause|start)", "unpause|start) exit 125;;\n nothing)").format(folder=state),
        )
        with pytest.raises(CommandError):
            power.give("pause", "a-worker")

    def test_a_node_whose_place_cannot_be_told(
        self, power: KindPower, commands: Commands, state: Path
    ) -> None:
        commands.add("podman", ENGINE.format(folder=state).replace("printf", ": "))
        with pytest.raises(EnvironmentUnusableError, match="cannot tell where a-worker"):
            power.give("stop", "a-worker")

    @pytest.mark.parametrize("node", ["a-worker", "postgres"])
    def test_only_running_nodes_of_the_cluster(self, power: KindPower, state: Path, node: str) -> None:
        (state / "state").write_text("exited\n")
        with pytest.raises(RefusedError, match=f"{node} is no running node of the kind cluster a"):
            power.check("stop", node)

    def test_no_engine_holds_the_cluster(self, commands: Commands, state: Path) -> None:
        commands.add("docker", "exit 1")
        commands.add("podman")
        with pytest.raises(EnvironmentUnusableError, match="no container engine") as caught:
            KindPower("a", state=state).check("stop", "a-worker")
        assert caught.value.found == "docker: `docker ps --all --filter …` failed; podman: none"

    def test_docker_where_it_holds_the_nodes(self, commands: Commands, state: Path) -> None:
        commands.add("docker", '[ "$1" = ps ] && echo "a-worker Up 2 minutes" || echo running')
        commands.add("podman")
        KindPower("a", state=state).check("stop", "a-worker")
        assert not commands.called("podman")


class TestCommands:
    def test_are_run_with_their_places_filled(self, commands: Commands) -> None:
        commands.add("fence")
        power = power_from(PowerOrigin(commands=COMMANDS))
        power.check("stop", "ip-7")
        power.take("stop", "ip-7", expires_s=89.6)
        power.give("stop", "ip-7")
        assert commands.calls == ["fence off ip-7 --for=90 {other}", "fence on ip-7"]

    def test_no_shell_reads_the_name(self, commands: Commands, state: Path) -> None:
        commands.add("fence")
        power_from(PowerOrigin(commands=COMMANDS)).give("stop", f"x; touch {state}/owned")
        assert not (state / "owned").exists()

    def test_one_that_fails_is_an_error(self, commands: Commands) -> None:
        commands.add("fence", "exit 3")
        with pytest.raises(CommandError, match="fence off"):
            power_from(PowerOrigin(commands=COMMANDS)).take("stop", "ip-7", expires_s=60)

    @pytest.mark.parametrize(("how", "known"), [("pause", COMMANDS), ("stop", NodePower())])
    def test_what_there_is_no_command_for(self, how: str, known: NodePower) -> None:
        power = power_from(PowerOrigin(commands=known))
        with pytest.raises(RefusedError, match=f"no command to {how} ip-7"):
            power.check(how, "ip-7")  # type: ignore[arg-type]  # one of the two


def test_who_has_power_by_the_settings() -> None:
    kind = power_of(Settings(), cluster="a")
    assert kind is not None
    assert kind.origin() == PowerOrigin(cluster="a")
    other = power_of(Settings(cluster="staging", node_power=COMMANDS), cluster="a")
    assert other is not None
    assert other.origin() == PowerOrigin(commands=COMMANDS)
    assert power_of(Settings(cluster="staging"), cluster="a") is None


@pytest.mark.parametrize("how", ["reboot", "terminate"])
def test_what_only_a_machine_of_its_own_can_do(power: KindPower, how: str) -> None:
    for other in (power, power_from(PowerOrigin(commands=COMMANDS))):
        with pytest.raises(RefusedError, match=how):
            other.check(how, "a-worker")  # type: ignore[arg-type]  # one of the two
