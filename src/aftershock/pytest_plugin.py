"""The pytest plugin: collection of .feature files, options, fixtures, outcomes.

Here is only what pytest looks up by name; what it does is in aftershock.collect and
aftershock.report. A run that meets no .feature file gets none of it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import allure_commons
import pytest

from aftershock.clean import CleanTimeline
from aftershock.clock import SystemClock
from aftershock.collect import hooks
from aftershock.collect.gherkin import Scenario
from aftershock.collect.meaning import Meaning
from aftershock.collect.module import FeatureFile
from aftershock.collect.run import Run
from aftershock.collect.session import FEATURES, FOLDER, SCENARIO, TERMINAL, FeatureSession
from aftershock.collect.tags import known_tags
from aftershock.config import Profile, Settings
from aftershock.errors import AftershockError, UsageError
from aftershock.gameday.file import MOST_LANES, read_gameday
from aftershock.redaction import clean
from aftershock.report.allure import AllureShim, attach_verdict, open_results
from aftershock.report.closing import RESULTS, close_run
from aftershock.report.copying import Copying
from aftershock.report.environment import as_properties
from aftershock.report.html import allure_file
from aftershock.report.keeping import Keeper
from aftershock.report.live import Live
from aftershock.report.outcomes import VERDICTS, Outcomes
from aftershock.report.record import TIMELINE, RunRecord
from aftershock.report.record import VERDICTS as VERDICTS_FILE
from aftershock.report.secrets import CleanResults, clean_terminal
from aftershock.report.verdicts import Verdicts
from aftershock.timeline import Timeline

if TYPE_CHECKING:
    from aftershock.gameday.lane import LanePlugin
    from aftershock.gameday.plugin import GameDayPlugin
    from aftershock.scene.beginning import Preflight

__all__ = ["meanings", "run", "scenario", "scenario_folder", "settings", "timeline", "verdicts"]


_GAMEDAY = "aftershock_gameday"
_LANE = "aftershock_lane"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and settings of a run of features."""
    group = parser.getgroup("aftershock", "scenarios on a real cluster")
    group.addoption(
        "--cluster", metavar="kind|CONTEXT", help="the cluster to run on (default: the settings')"
    )
    group.addoption("--profile", choices=get_args(Profile), help="which profile of the stack is deployed")
    group.addoption(
        "--dry-run",
        action="store_true",
        help="show steps, targets and blast radius of every scenario; touch nothing",
    )
    group.addoption("--gameday", metavar="FILE", help="what to run, in which order, how often, until when")
    group.addoption(
        "--gameday-only",
        metavar="TEXT",
        action="append",
        default=[],
        help="of the game day only features and scenarios whose name has this part; may stand several times",
    )
    group.addoption(
        "--side-by-side",
        metavar="N",
        type=int,
        help="how many scenarios of a game day run at once",
    )
    # How a run calls its own processes.
    group.addoption("--gameday-lane", type=int, default=0, help=argparse.SUPPRESS)
    group.addoption("--gameday-fds", type=int, nargs=2, help=argparse.SUPPRESS)
    group.addoption("--gameday-seed", type=int, help=argparse.SUPPRESS)
    group.addoption("--run-id", metavar="ID", help="name the run, and its folder under reports/")
    group.addoption("--keep-to", metavar="WHERE", help="copy the run's folder there when it is over")
    parser.addini(
        "aftershock_steps",
        "packages whose modules define steps",
        type="args",
        default=["aftershock.steps"],
    )
    parser.addini("aftershock_tags", "tags of this project's features, as `name: meaning`", type="linelist")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare what others may fill in."""
    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Register every known tag as a marker, so that -m and strict markers know it."""
    try:
        tags = known_tags(config.getini("aftershock_tags"))
    except AftershockError as error:
        raise pytest.UsageError(str(error)) from error
    for name, meaning in tags.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    with suppress(OSError, ValueError):  # none, in a run inside another process
        config.stash[TERMINAL] = os.dup(sys.stdout.fileno())
        config.add_cleanup(partial(os.close, config.stash[TERMINAL]))
    _check_gameday_options(config)
    if config.option.gameday:
        _open_gameday(config)


def _check_gameday_options(config: pytest.Config) -> None:
    """Refuse what would be left unheeded: without a game day nothing is chosen, and nothing runs beside."""
    lanes, only = config.option.side_by_side, config.option.gameday_only
    if lanes is not None and not 1 <= lanes <= MOST_LANES:
        raise pytest.UsageError(f"--side-by-side {lanes}: expected a number from 1 to {MOST_LANES}")
    if not config.option.gameday and (only or lanes is not None):
        name = "--gameday-only" if only else "--side-by-side"
        raise pytest.UsageError(f"{name} is for a game day: name its file with --gameday FILE, too")


def _open_gameday(config: pytest.Config) -> None:
    """Have pytest run what the game day says: its features, unless others were named, and its profile."""
    from aftershock.gameday.lane import LanePlugin  # noqa: PLC0415 - unit tests need no Kubernetes client
    from aftershock.gameday.plugin import GameDayPlugin  # noqa: PLC0415 - as above

    try:
        file = read_gameday(Path(config.option.gameday), root=config.rootpath)
    except AftershockError as error:
        raise pytest.UsageError(str(error)) from error
    if config.args_source != pytest.Config.ArgsSource.ARGS:
        config.args = [str(config.rootpath / feature) for feature in file.features]
    config.option.profile = config.option.profile or file.day.profile
    option = config.option
    plugin = GameDayPlugin(
        file, only=option.gameday_only, seed=option.gameday_seed, side_by_side=option.side_by_side
    )
    config.pluginmanager.register(plugin, _GAMEDAY)
    if option.gameday_lane:
        config.pluginmanager.register(LanePlugin(config, *option.gameday_fds), _LANE)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a .feature file; the first one opens the run."""
    if file_path.suffix != ".feature":
        return None
    if FEATURES not in parent.config.stash:
        features = FeatureSession(parent.config)
        parent.config.stash[FEATURES] = features
        features.open()
        if not parent.config.pluginmanager.is_blocked("aftershock_preflight"):
            # Here, because a project whose steps need no cluster needs no Kubernetes client either.
            from aftershock.scene.beginning import Preflight  # noqa: PLC0415 - as above

            parent.config.pluginmanager.register(Preflight(features), "aftershock_preflight")
        parent.config.pluginmanager.register(features, "aftershock_features")
        parent.config.pluginmanager.register(Outcomes(parent.config), "aftershock_outcomes")
        parent.config.pluginmanager.register(Live(parent.config), "aftershock_live")
        parent.config.pluginmanager.register(Copying(features), "aftershock_copying")
        clean_terminal(parent.config)
    collector: pytest.Collector = FeatureFile.from_parent(parent, path=file_path)
    return collector


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Check all features once they are read, whatever else went wrong with the collection."""
    try:
        result = yield
    except pytest.UsageError:
        # A scenario asked for by name is "not found" in a file that is wrong: say what is wrong.
        _verify(session)
        raise
    _verify(session)
    return result


def _verify(session: pytest.Session) -> None:
    if features := session.config.stash.get(FEATURES, None):
        features.verify()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> object:
    """Run nothing in a dry run, whatever was collected; features say what they would do."""
    dry = session.config.option.dry_run and FEATURES not in session.config.stash
    return True if dry else None


def pytest_aftershock_begin(config: pytest.Config, settings: Settings, run: Run) -> None:
    """Open the record of the run, and its Allure results."""
    folders = [item.stash[FOLDER].name for item in config.stash[FEATURES].running]
    checked: Preflight | None = config.pluginmanager.get_plugin("aftershock_preflight")
    gameday: GameDayPlugin | None = config.pluginmanager.get_plugin(_GAMEDAY)
    about = gameday.environment if gameday else {}
    record = RunRecord(
        id=run.id,
        began=SystemClock().now(),
        state="running",
        profile=settings.profile,
        cluster=settings.cluster,
        planned=tuple(folders),
        gameday=gameday.day.name if gameday else "",
        environment={**(checked.facts if checked else {}), **about},
    )
    config.pluginmanager.register(Keeper(run.folder, record, lead=not run.lane), "aftershock_keeper")
    shim = open_results(
        config,
        run.folder / RESULTS,
        environment=as_properties(record),
        categories=allure_file(config.rootpath, "categories.json"),
    )
    config.pluginmanager.register(shim, "aftershock_allure")
    name = allure_commons.plugin_manager.register(CleanResults())
    config.add_cleanup(lambda: allure_commons.plugin_manager.unregister(name=name))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write the reports and say where everything is."""
    shim: AllureShim | None = config.pluginmanager.get_plugin("aftershock_allure")
    if shim is None or config.stash[FEATURES].run.lane:
        return
    run = config.stash[FEATURES].run
    terminalreporter.write_sep("-", f"run {run.id}")
    terminalreporter.write_line(f"evidence: {run.folder}")
    clean(run.folder, shim.folder)
    settings = config.stash[FEATURES].settings
    close_run(
        run.folder,
        results=shim.folder,
        root=config.rootpath,
        settings=settings,
        say=terminalreporter.write_line,
    )


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    """Return the settings that the run goes by."""
    return _features(pytestconfig).settings


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> Run:
    """Return the run: its id and its folder."""
    return _features(pytestconfig).run


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Return the scenario that is running: its name, tags and steps."""
    return request.node.stash[SCENARIO]  # type: ignore[no-any-return]  # the key knows the type


@pytest.fixture
def meanings(scenario: Scenario, pytestconfig: pytest.Config) -> list[Meaning]:
    """Return what the scenario's steps mean, as far as they say so: acts and objectives."""
    return _features(pytestconfig).meanings(scenario)


@pytest.fixture
def scenario_folder(request: pytest.FixtureRequest) -> Path:
    """Return the scenario's folder in the run's; every file in it is attached to the report."""
    folder: Path = request.node.stash[FOLDER]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def timeline(scenario_folder: Path, pytestconfig: pytest.Config) -> Iterator[Timeline]:
    """Yield the scenario's timeline, written to timeline.jsonl as it grows."""
    timeline = CleanTimeline(scenario_folder / TIMELINE)
    lane: LanePlugin | None = pytestconfig.pluginmanager.get_plugin(_LANE)
    if lane is not None:
        lane.record_in(timeline)
    yield timeline
    if lane is not None:
        lane.record_in(None)
    timeline.close()


@pytest.fixture
def verdicts(request: pytest.FixtureRequest, scenario_folder: Path, settings: Settings) -> Verdicts:
    """Return what keeps and enforces the scenario's verdicts."""
    kept = Verdicts(scenario_folder / VERDICTS_FILE, profile=settings.profile, show=attach_verdict)
    request.node.stash[VERDICTS] = kept.given
    return kept


def _features(config: pytest.Config) -> FeatureSession:
    features = config.stash.get(FEATURES, None)
    if features is None:
        raise UsageError("this fixture is for scenarios", hint="run a .feature file")
    return features
