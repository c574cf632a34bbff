"""The addon that runs by night: a CronJob that waits to be wanted, with the harness' own image and rights."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from aftershock.cluster.connect import INSIDE
from aftershock.cluster.guard import HARNESS
from aftershock.cluster.kind.catalogue import load_catalogue
from aftershock.cluster.stack import Stack
from aftershock.config import load_settings
from aftershock.gameday.file import read_gameday
from tests.unit.stack.conftest import ROOT
from tests.unit.stack.test_addons import Key, Manifest, rendered, stack

__all__ = ["stack"]

IMAGE = ROOT / "cluster" / "kind" / "images" / "harness"


@pytest.fixture(params=["ci", "nightly"])
def items(stack: Stack, request: pytest.FixtureRequest) -> dict[Key, Manifest]:
    return rendered(stack, request.param, "nightly")


@pytest.fixture
def job(items: dict[Key, Manifest]) -> dict[str, Any]:
    return dict(items["CronJob", "aftershock-nightly"]["spec"]["jobTemplate"]["spec"])


def container(job: dict[str, Any]) -> dict[str, Any]:
    (found,) = job["template"]["spec"]["containers"]
    return dict(found)


def test_it_adds_and_changes_nothing(stack: Stack) -> None:
    plain, with_it = rendered(stack, "ci"), rendered(stack, "ci", "nightly")
    assert plain.items() <= with_it.items()
    assert with_it.keys() - plain.keys() == {
        ("CronJob", "aftershock-nightly"),
        ("ServiceAccount", "aftershock-harness"),
        ("ClusterRoleBinding", "aftershock-harness"),
        ("RoleBinding", "aftershock-harness"),
        ("PersistentVolume", "aftershock-runs"),
        ("PersistentVolumeClaim", "aftershock-runs"),
    }


def test_nothing_happens_until_somebody_wants_it(items: dict[Key, Manifest]) -> None:
    spec = items["CronJob", "aftershock-nightly"]["spec"]
    assert spec["suspend"] is True
    assert spec["concurrencyPolicy"] == "Forbid"
    assert 0 < spec["startingDeadlineSeconds"] <= 3600
    assert spec["failedJobsHistoryLimit"] >= spec["successfulJobsHistoryLimit"] > 0


def test_nothing_is_run_again_to_make_it_pass(job: dict[str, Any]) -> None:
    assert job["backoffLimit"] == 0
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert job["activeDeadlineSeconds"] > 3600


def test_its_account_has_the_roles_of_the_harness_and_no_other(items: dict[Key, Manifest]) -> None:
    me = {"kind": "ServiceAccount", "name": "aftershock-harness", "namespace": "aftershock"}
    bound = [
        (item["roleRef"]["kind"], item["roleRef"]["name"])
        for item in items.values()
        if item["kind"].endswith("Binding") and me in item["subjects"]
    ]
    assert sorted(bound) == [("ClusterRole", "aftershock-harness"), ("Role", "aftershock-harness")]
    assert {key for key in items if key in set(bound)} == set(bound)  # and they are there


def test_the_harness_runs_without_any_privilege(job: dict[str, Any]) -> None:
    spec, harness = job["template"]["spec"], container(job)
    assert spec["serviceAccountName"] == "aftershock-harness"
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert harness["securityContext"]["readOnlyRootFilesystem"] is True
    assert harness["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    (first,) = spec["initContainers"]
    assert first["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN"]}
    assert first["command"][0] == "chown"


def test_no_fault_takes_the_node_that_it_runs_on(job: dict[str, Any]) -> None:
    name, _, value = HARNESS.partition("=")
    assert job["template"]["metadata"]["labels"][name] == value


def test_its_settings_are_settings(items: dict[Key, Manifest], job: dict[str, Any]) -> None:
    harness = container(job)
    profile = items["ConfigMap", "aftershock-profile"]["data"]["profile"]
    environ = {entry["name"]: entry.get("value", profile) for entry in harness["env"]}
    (source,) = [entry["valueFrom"] for entry in harness["env"] if "valueFrom" in entry]
    assert source == {"configMapKeyRef": {"name": "aftershock-profile", "key": "profile"}}
    settings = load_settings(root=ROOT, environ=environ)
    assert (settings.cluster, settings.allowed_contexts) == (INSIDE, (INSIDE,))
    assert settings.profile == profile
    assert settings.allow_protected is False
    # Kept elsewhere where somebody has said so, in a Secret that need not be there.
    assert harness["envFrom"] == [{"secretRef": {"name": "aftershock-keep", "optional": True}}]


def test_runs_stay_on_the_volume(items: dict[Key, Manifest], job: dict[str, Any]) -> None:
    mounts = {mount["mountPath"]: mount["name"] for mount in container(job)["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in job["template"]["spec"]["volumes"]}
    claim = volumes[mounts["/srv/aftershock/reports"]]["persistentVolumeClaim"]["claimName"]
    volume = items["PersistentVolume", "aftershock-runs"]["spec"]
    assert volume["claimRef"] == {"namespace": "aftershock", "name": claim}
    assert volume["persistentVolumeReclaimPolicy"] == "Retain"
    assert items["PersistentVolumeClaim", claim]["spec"]["storageClassName"] == volume["storageClassName"]


def test_what_it_runs_is_there(job: dict[str, Any]) -> None:
    harness = container(job)
    assert (harness["command"], harness["args"][0]) == (["aftershock"], "gameday")
    day = read_gameday(ROOT / harness["args"][1], root=ROOT)
    # What only the machine outside can do: stop kind's nodes, build the image of load workers.
    needs = {"features/recovery/node_lost.feature", "features/alerting/node_down.feature",
             "features/load/two_workers.feature"}  # fmt: skip
    assert not needs & {entry.feature for entry in day.day.scenarios}
    assert {"addon", "protected"} <= set(day.day.without)


class TestImage:
    def test_it_holds_what_a_run_reads(self) -> None:
        payload = set(load_catalogue(ROOT).images["harness"].payload)
        wanted = {"pyproject.toml", "conftest.py", "src/aftershock", "steps", "features", "experiments",
                  "loadtests", "gamedays", "stack/monitoring/slo"}  # fmt: skip
        assert wanted <= payload

    def test_all_of_its_payload_gets_into_it(self) -> None:
        """What a build folder holds and no line copies would be missing without a word."""
        copied = {
            word.rstrip("/")
            for line in (IMAGE / "Containerfile").read_text().splitlines()
            if line.startswith("COPY ")
            for word in line.split()[1:-1]
        }
        for part in load_catalogue(ROOT).images["harness"].payload:
            parents = {str(parent) for parent in Path(part).parents} | {part}
            assert parents & copied or part == "steps", part  # with the package, which leads to them

    def test_a_plain_up_does_not_build_it(self) -> None:
        catalogue = load_catalogue(ROOT)
        image = catalogue.images["harness"]
        assert (image.role, image.addon) == ("addon", "nightly")
        assert image not in catalogue.of_role("node", "stack", "core")
        assert catalogue.of_addons(["nightly"]) == [image]

    def test_a_change_of_a_step_is_another_image(self, tmp_path: Path) -> None:
        """The package's folder leads to the steps by a link, which a digest does not follow."""
        assert (ROOT / "src/aftershock/steps").is_symlink()
        assert "steps" in load_catalogue(ROOT).images["harness"].payload

    def test_it_is_known_by_its_metadata(self, tmp_path: Path) -> None:
        script = IMAGE / "register.py"
        subprocess.run([sys.executable, script, ROOT / "pyproject.toml", tmp_path], check=True)
        (info,) = tmp_path.glob("*.dist-info")
        found = Distribution.at(info)
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert (found.metadata["Name"], found.version) == (project["name"], project["version"])
        points = {(point.group, point.name): point.value for point in found.entry_points}
        assert points["pytest11", "aftershock"] == "aftershock.pytest_plugin"
        assert points["console_scripts", "aftershock"] == "aftershock.cli:main"

    @pytest.mark.parametrize("name", ["aftershock", "pytest"])
    def test_its_commands_run(self, name: str) -> None:
        command = IMAGE / "commands" / name
        assert os.access(command, os.X_OK)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True, cwd=ROOT,
                              env={**os.environ, "PATH": path})  # fmt: skip
        assert name in (done.stdout + done.stderr).lower()

    def test_nothing_that_it_runs_needs_what_is_not_in_it(self) -> None:
        """What a run of features imports is in the requirements, or the project's own."""
        pinned = {
            line.partition("==")[0].lower().replace("_", "-")
            for line in (ROOT / "requirements/harness.txt").read_text().splitlines()
            if "==" in line
        }
        distributions = {"yaml": "pyyaml", "prometheus_api_client": "prometheus-api-client", "gherkin":
                         "gherkin-official", "pytest_bdd": "pytest-bdd", "allure_commons":
                         "allure-python-commons", "allure_pytest": "allure-pytest", "chaoslib":
                         "chaostoolkit-lib", "_pytest": "pytest"}  # fmt: skip
        missing = set()
        for path in [*(ROOT / "src/aftershock").rglob("*.py"), *(ROOT / "steps").rglob("*.py"),
                     *(ROOT / "loadtests").rglob("*.py")]:  # fmt: skip
            for node in ast.walk(ast.parse(path.read_text())):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                for top in {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names):
                    own = (
                        top in {"aftershock", "loadtests", ""} or (ROOT / "loadtests" / f"{top}.py").exists()
                    )
                    if not own and distributions.get(top, top).replace("_", "-") not in pinned:
                        missing.add((path.name, top))
        assert not missing
