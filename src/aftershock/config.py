"""Settings: [tool.aftershock] in pyproject.toml, then AFTERSHOCK_* variables, then options.

A wrong setting is refused with what was expected and where it came from, before anything
else happens. Unknown names are errors: a misspelt guard must not be a silent default.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from aftershock.ec2_settings import Ec2, check_ranges
from aftershock.errors import ConfigError

__all__ = ["NodePower", "Profile", "Settings", "load_settings", "project_root", "state_dir"]

Profile = Literal["ci", "nightly"]
_AboveZero = Annotated[float, msgspec.Meta(gt=0)]
_Share = Annotated[float, msgspec.Meta(gt=0, le=1)]  # 0.5 is half of the pods; 50 is a mistake

_READ_ELSEWHERE = frozenset(
    {
        "AFTERSHOCK_STATE_DIR",
        # What we tell the processes that we start.
        "AFTERSHOCK_EXPERIMENT_TIMELINE",
        "AFTERSHOCK_LOAD_ARRIVALS",
        "AFTERSHOCK_LOAD_LOG",
        "AFTERSHOCK_LOAD_PORT",
        "AFTERSHOCK_LOAD_RATE",
        "AFTERSHOCK_LOAD_SECONDS",
        "AFTERSHOCK_LOAD_SHAPE",
        "AFTERSHOCK_LOAD_WORKERS",
        "AFTERSHOCK_RUN_DIR",
        # Where the tests find tools.
        "AFTERSHOCK_KUSTOMIZE",
        "AFTERSHOCK_PROMTOOL",
    }
)
# What the kubelet sets in pods for a service whose name begins like ours.
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT)|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?$")


class NodePower(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commands that stop and start a node, as argument vectors; never run by a shell.

    In each, {node} is the node's name. {expires_s} in `stop` is after how many whole seconds the node
    is started again by what stopped it, whatever has become of us. Or else `ec2`: the instances that the
    nodes' providerIDs name, in the region of [tool.aftershock.ec2].
    """

    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    ec2: bool = False


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run goes by.

    cluster           "kind", or a context of the kubeconfig
    allowed_contexts  contexts that may be touched at all
    profile           which overlay of the stack is deployed: "ci" shortens `for` and waits
    allow_protected   scenarios tagged @protected may touch protected targets
    objective_s       seconds within which recovery must complete unless a step says otherwise
    probe_rate        requests per second of the client's probe
    prometheus        namespace/service of Prometheus; "" finds it
    load_hosts        hosts that load may go to, beside 127.0.0.1
    load_image        on a cluster that is not kind: the image of Locust's workers in the cluster
    services          on a cluster that is not kind: "namespace/service" → URL where this machine reaches it
    carrier_image     the image that carriers run; "" takes that of our own pods in the cluster
    max_share         the largest share of a workload's pods that one fault may touch
    experiment_providers  what experiments may call beside our functions: "process", "http", a Python module
    history           the file of the history, from the project's root
    history_runs      how many runs of a profile, cluster and game day the history keeps
    keep_to           where a run's folder is copied when it is over: a directory, or s3://BUCKET/PREFIX
    node_power        on a cluster that is not kind: commands that stop and start a node, or EC2
    components_image  where nodes of such a cluster pull the image of our own parts
    harness_image     where they pull the harness' own, for `aftershock up --with nightly`
    ec2               the cluster that `aftershock up --provider ec2` makes
    """

    cluster: str = "kind"
    allowed_contexts: tuple[str, ...] = ("kind-aftershock",)
    profile: Profile = "ci"
    allow_protected: bool = False
    objective_s: _AboveZero = 30.0
    probe_rate: _AboveZero = 20.0
    prometheus: str = ""
    load_hosts: tuple[str, ...] = ()
    load_image: str = ""
    services: dict[str, str] = {}
    carrier_image: str = ""
    max_share: _Share = 0.5
    experiment_providers: tuple[str, ...] = ()
    node_power: NodePower = NodePower()
    history: Annotated[str, msgspec.Meta(min_length=1)] = "reports/history.db"
    history_runs: Annotated[int, msgspec.Meta(ge=1)] = 200
    keep_to: str = ""
    components_image: str = ""
    harness_image: str = ""
    ec2: Ec2 = Ec2()


def load_settings(
    *, root: Path, options: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Return the settings in force.

    `options` that are None were not given. A list in an AFTERSHOCK_* variable is written
    with commas.

    Raises:
        ConfigError: a name or a value is wrong; it says where.

    """
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    sources = (
        ("pyproject.toml [tool.aftershock]", _from_pyproject(root)),
        ("the environment", _from_environment(os.environ if environ is None else environ)),
        ("an option", {name: value for name, value in (options or {}).items() if value is not None}),
    )
    for where, found in sources:
        for name, value in found.items():
            values[name] = value
            origin[name] = where
    known = set(Settings.__struct_fields__)
    for name in values.keys() - known:
        raise ConfigError(f"unknown setting {name!r} in {origin[name]}", expected=", ".join(sorted(known)))
    for name, value in values.items():
        try:
            msgspec.convert({name: value}, Settings, strict=origin[name] != "the environment")
        except msgspec.ValidationError as error:
            raise ConfigError(
                f"setting {name!r} in {origin[name]} is wrong", found=f"{value!r}: {error}"
            ) from error
    settings = msgspec.convert(values, Settings, strict=False)
    _check_power(settings.node_power)
    check_ranges(settings.ec2)
    return settings


def _check_power(commands: NodePower) -> None:
    """Do nothing if a node that is stopped is sure to be started.

    Raises:
        ConfigError: it is not.

    """
    if commands.ec2 and (commands.stop or commands.start):
        raise ConfigError(
            "node_power in [tool.aftershock] says two things",
            expected="ec2 = true, or the commands stop and start",
            found="both",
        )
    if not commands.stop and not commands.start:
        return
    wanted = {"stop": ("{node}", "{expires_s}"), "start": ("{node}",)}
    for name, places in wanted.items():
        words = getattr(commands, name)
        lacking = [place for place in places if not any(place in word for word in words)]
        if lacking:
            raise ConfigError(
                f"node_power.{name} in [tool.aftershock] has no {' and no '.join(lacking)}",
                expected=f"an argument vector with {' and '.join(places)}",
                found=repr(list(words)),
                hint="what stops a node must start it again by itself after {expires_s} seconds"
                if "{expires_s}" in lacking
                else "",
            )


def _from_pyproject(root: Path) -> dict[str, Any]:
    path = root / "pyproject.toml"
    if not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no TOML", found=str(error)) from error
    section = table.get("tool", {}).get("aftershock", {})
    if not isinstance(section, dict):
        raise ConfigError(f"aftershock in [tool] of {path} is no table", found=repr(section))
    return section


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read the variables that name a setting.

    Raises:
        ConfigError: a variable of ours has a name that nobody reads.

    """
    settings = {f"AFTERSHOCK_{name.upper()}": name for name in Settings.__struct_fields__}
    for table in ("AFTERSHOCK_SERVICES", "AFTERSHOCK_NODE_POWER", "AFTERSHOCK_EC2"):
        del settings[table]  # it has no form in a variable
    values: dict[str, Any] = {}
    for variable in sorted(name for name in environ if name.startswith("AFTERSHOCK_")):
        name, text = settings.get(variable, ""), environ[variable]
        if name in {"allowed_contexts", "experiment_providers", "load_hosts"}:
            values[name] = [part.strip() for part in text.split(",") if part.strip()]
        elif name:
            values[name] = text
        elif variable not in _READ_ELSEWHERE and not _SERVICE_LINK.search(variable):
            near = difflib.get_close_matches(variable, settings, n=1)
            raise ConfigError(
                f"nobody reads the variable {variable}",
                expected=", ".join(sorted(settings)),
                hint=f"did you mean {near[0]}?" if near else "",
            )
    return values


def project_root(start: Path | None = None) -> Path:
    """Return the nearest folder at or above `start` that has a pyproject.toml, else `start`."""
    start = (start or Path.cwd()).resolve()
    return next((folder for folder in (start, *start.parents) if (folder / "pyproject.toml").exists()), start)


def state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Return where the kubeconfig, logs and build files of this user's cluster live; made if missing.

    AFTERSHOCK_STATE_DIR, else $XDG_STATE_HOME/aftershock, else ~/.local/state/aftershock.
    """
    environ = os.environ if environ is None else environ
    base = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    path = Path(environ.get("AFTERSHOCK_STATE_DIR") or Path(base) / "aftershock")
    path.mkdir(parents=True, exist_ok=True)
    return path
