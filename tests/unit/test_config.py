"""Settings: where each comes from, who wins, and what a wrong one gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aftershock.config import Settings, load_settings, project_root, state_dir
from aftershock.errors import ConfigError


def write(root: Path, text: str) -> Path:
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    return root


def load(root: Path, toml: str = "", options: dict[str, Any] | None = None, **environ: str) -> Settings:
    write(root, f"[tool.aftershock]\n{toml}\n")
    return load_settings(root=root, options=options, environ=environ)


class TestSources:
    def test_nothing_given(self, tmp_path: Path) -> None:
        assert load_settings(root=tmp_path, environ={}) == Settings()

    def test_a_project_without_our_table(self, tmp_path: Path) -> None:
        assert load_settings(root=write(tmp_path, "[project]\nname='x'\n"), environ={}) == Settings()

    def test_pyproject(self, tmp_path: Path) -> None:
        found = load(tmp_path, 'profile = "nightly"\nobjective_s = 45\nallowed_contexts = ["a", "b"]')
        assert (found.profile, found.objective_s, found.allowed_contexts) == ("nightly", 45.0, ("a", "b"))

    def test_the_environment_beats_pyproject(self, tmp_path: Path) -> None:
        assert load(tmp_path, 'cluster = "one"', AFTERSHOCK_CLUSTER="two").cluster == "two"

    def test_an_option_beats_the_environment(self, tmp_path: Path) -> None:
        found = load(tmp_path, 'cluster = "one"', {"cluster": "three"}, AFTERSHOCK_CLUSTER="two")
        assert found.cluster == "three"

    def test_an_option_that_was_not_given(self, tmp_path: Path) -> None:
        assert load(tmp_path, 'cluster = "one"', {"cluster": None}).cluster == "one"

    def test_numbers_and_truth_in_the_environment(self, tmp_path: Path) -> None:
        found = load(tmp_path, AFTERSHOCK_OBJECTIVE_S="12.5", AFTERSHOCK_ALLOW_PROTECTED="true")
        assert (found.objective_s, found.allow_protected) == (12.5, True)

    @pytest.mark.parametrize(
        ("text", "hosts"), [("a,b", ("a", "b")), (" a , b ,", ("a", "b")), ("a", ("a",)), ("", ())]
    )
    def test_lists_in_the_environment(self, tmp_path: Path, text: str, hosts: tuple[str, ...]) -> None:
        found = load(
            tmp_path, 'load_hosts = ["z"]', AFTERSHOCK_LOAD_HOSTS=text, AFTERSHOCK_ALLOWED_CONTEXTS=text
        )
        assert found.load_hosts == hosts
        assert found.allowed_contexts == hosts

    def test_variables_of_other_readers(self, tmp_path: Path) -> None:
        assert load(tmp_path, AFTERSHOCK_STATE_DIR="/x", AFTERSHOCK_LOAD_RATE="3") == Settings()


class TestRefusals:
    def test_an_unknown_name_in_pyproject(self, tmp_path: Path) -> None:
        with pytest.raises(
            ConfigError, match=r"unknown setting 'allowed_context' in pyproject\.toml"
        ) as caught:
            load(tmp_path, 'allowed_context = ["a"]')
        assert "allowed_contexts" in caught.value.expected

    def test_an_unknown_option(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="unknown setting 'clutser' in an option"):
            load(tmp_path, options={"clutser": "x"})

    @pytest.mark.parametrize(
        ("toml", "name"),
        [
            ('objective_s = "30"', "objective_s"),
            ('allow_protected = "true"', "allow_protected"),
            ("allow_protected = 1", "allow_protected"),
            ('allowed_contexts = "kind-aftershock"', "allowed_contexts"),
            ("allowed_contexts = [1]", "allowed_contexts"),
            ('profile = "fast"', "profile"),
            ("cluster = 5", "cluster"),
            ("objective_s = 0", "objective_s"),
            ("probe_rate = -1", "probe_rate"),
            ("max_share = 50", "max_share"),
            ("max_share = 0", "max_share"),
        ],
    )
    def test_a_wrong_type_in_pyproject(self, tmp_path: Path, toml: str, name: str) -> None:
        with pytest.raises(ConfigError, match=rf"setting '{name}' in pyproject\.toml .* is wrong") as caught:
            load(tmp_path, toml)
        assert caught.value.found

    @pytest.mark.parametrize(
        ("name", "value"), [("OBJECTIVE_S", "soon"), ("ALLOW_PROTECTED", "perhaps"), ("PROFILE", "fast")]
    )
    def test_a_wrong_value_in_the_environment(self, tmp_path: Path, name: str, value: str) -> None:
        with pytest.raises(ConfigError, match=f"setting '{name.lower()}' in the environment is wrong"):
            load(tmp_path, **{f"AFTERSHOCK_{name}": value})

    def test_a_misspelt_variable(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="nobody reads the variable AFTERSHOCK_CLUTSER") as caught:
            load(tmp_path, AFTERSHOCK_CLUTSER="x")
        assert caught.value.hint == "did you mean AFTERSHOCK_CLUSTER?"

    def test_a_table_has_no_form_in_a_variable(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="nobody reads the variable AFTERSHOCK_SERVICES"):
            load(tmp_path, AFTERSHOCK_SERVICES="demo/web=http://127.0.0.1")

    @pytest.mark.parametrize(
        "name",
        ["AFTERSHOCK_REAPER_SERVICE_HOST", "AFTERSHOCK_REAPER_PORT_80_TCP_ADDR", "AFTERSHOCK_REAPER_PORT"],
    )
    def test_what_the_kubelet_sets_for_a_service_is_not_ours(self, tmp_path: Path, name: str) -> None:
        assert load(tmp_path, **{name: "10.0.0.1"}) == Settings()

    def test_a_wrong_value_that_something_better_overrides(self, tmp_path: Path) -> None:
        assert load(tmp_path, 'profile = "fast"', {"profile": "ci"}).profile == "ci"

    def test_no_toml(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="is no TOML"):
            load_settings(root=write(tmp_path, "[tool.aftershock"), environ={})

    def test_no_table(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="is no table"):
            load_settings(root=write(tmp_path, "[tool]\naftershock = 3\n"), environ={})


class TestProjectRoot:
    def test_the_nearest_folder_with_a_pyproject(self, tmp_path: Path) -> None:
        inner = tmp_path / "a" / "b"
        inner.mkdir(parents=True)
        write(tmp_path, "")
        assert project_root(inner) == tmp_path.resolve()
        write(inner, "")
        assert project_root(inner) == inner.resolve()

    def test_none_anywhere(self, tmp_path: Path) -> None:
        assert project_root(tmp_path) == tmp_path.resolve()


class TestStateDir:
    def test_its_own_variable_first(self, tmp_path: Path) -> None:
        environ = {"AFTERSHOCK_STATE_DIR": str(tmp_path / "own"), "XDG_STATE_HOME": str(tmp_path / "xdg")}
        assert state_dir(environ) == tmp_path / "own"
        assert (tmp_path / "own").is_dir()

    def test_then_the_users_state_folder(self, tmp_path: Path) -> None:
        assert state_dir({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "aftershock"

    def test_else_below_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        assert state_dir({}) == tmp_path / ".local" / "state" / "aftershock"


class TestNodePower:
    STOP = 'stop = ["fence", "off", "{node}", "--for={expires_s}"]'
    START = 'start = ["fence", "on", "{node}"]'

    def test_commands_that_stop_for_a_time_and_start(self, tmp_path: Path) -> None:
        found = load(tmp_path, f"[tool.aftershock.node_power]\n{self.STOP}\n{self.START}").node_power
        assert found.stop == ("fence", "off", "{node}", "--for={expires_s}")
        assert found.start == ("fence", "on", "{node}")

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            (f'stop = ["fence", "off", "{{node}}"]\n{START}', r"node_power\.stop .* has no {expires_s}"),
            (f'stop = ["fence", "--for={{expires_s}}"]\n{START}', r"node_power\.stop .* has no {node}"),
            (STOP, r"node_power\.start .* has no {node}"),
            (START, r"node_power\.stop .* has no {node} and no {expires_s}"),
        ],
    )
    def test_a_node_that_might_stay_off_is_refused(self, tmp_path: Path, table: str, said: str) -> None:
        with pytest.raises(ConfigError, match=said) as caught:
            load(tmp_path, f"[tool.aftershock.node_power]\n{table}")
        assert "argument vector" in caught.value.expected

    def test_a_misspelt_command_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="node_power"):
            load(tmp_path, '[tool.aftershock.node_power]\nhalt = ["x"]')


class TestEc2:
    def test_settings_of_the_cluster(self, tmp_path: Path) -> None:
        found = load(tmp_path, '[tool.aftershock.ec2]\nregion = "eu-north-1"\nprices = {"t3.medium" = 1}').ec2
        assert (found.region, found.workers, found.prices) == ("eu-north-1", 2, {"t3.medium": 1.0})

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            ('vpc_cidr = "10.20.0.0"', "ec2"),
            ('vpc_cidr = "10.20.0.1/16"', r"ec2\.vpc_cidr .* is no range"),
            ('node_cidr = "10.99.0.0/24"', r"ec2\.node_cidr .* lies outside ec2\.vpc_cidr"),
            ('node_cidr = "10.20.0.0/23"', r"ec2\.node_cidr and ec2\.public_cidr .* overlap"),
            ('pod_cidr = "10.20.0.0/14"', "overlap"),
            ('service_cidr = "10.244.0.0/20"', r"ec2\.pod_cidr and ec2\.service_cidr .* overlap"),
            ('vpc = "vpc-1"', "only one of vpc and subnet"),
            ("workers = 0", "ec2"),
            ('name = "Not A Name"', "ec2"),
            ('kubernetes = "v1.34"', "ec2"),
            ("disk_gib = 8", "ec2"),
            ('regoin = "eu-north-1"', "regoin"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, tmp_path: Path, table: str, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            load(tmp_path, f"[tool.aftershock.ec2]\n{table}")

    def test_power_by_ec2_or_by_commands(self, tmp_path: Path) -> None:
        assert load(tmp_path, "node_power = {ec2 = true}").node_power.ec2
        with pytest.raises(ConfigError, match="says two things"):
            load(tmp_path, 'node_power = {ec2 = true, start = ["x", "{node}"]}')
