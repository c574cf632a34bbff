"""The command line: thin; every command is a call into the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from aftershock.cluster.connect import CLUSTER_NAME, connect
from aftershock.cluster.doctor import examine, install
from aftershock.cluster.kind.provider import KindProvider
from aftershock.cluster.node_power import power_of
from aftershock.cluster.progress import Progress
from aftershock.clusters import COMMANDS as CLUSTER_COMMANDS
from aftershock.config import Settings, load_settings, project_root, state_dir
from aftershock.counting import counted
from aftershock.errors import AftershockError, UsageError
from aftershock.faults import halting
from aftershock.faults.lease import await_no_run
from aftershock.faults.recover import recover as undo_leftovers
from aftershock.faults.tools import Tools, tools
from aftershock.gameday.file import MOST_LANES, read_gameday
from aftershock.history.store import History
from aftershock.history.trend import LAST, trends_of
from aftershock.history.view import as_json, as_lines, chosen
from aftershock.keep.keeping import keep as keep_run
from aftershock.keep.place import read_place
from aftershock.projects.commands import COMMANDS
from aftershock.redaction import know_environment, redact
from aftershock.report.again import judge_again
from aftershock.report.openmetrics import as_openmetrics
from aftershock.report.rebuild import rebuild
from aftershock.report.record import RUN, read_run
from aftershock.report.remembering import facts_of, import_runs
from aftershock.slo.files import read_objectives
from aftershock.slo.rules import write_rules

__all__ = ["main"]

_JOURNAL = "journal.jsonl"


def _told(command: Callable[..., None]) -> Callable[..., None]:
    """Turn our errors, and a file's, into a message and an exit code; others keep their traceback."""

    @wraps(command)
    def wrapper(*args: Any, **options: Any) -> None:
        know_environment(os.environ)
        try:
            command(*args, **options)
        except AftershockError as error:
            click.secho(f"aftershock: {redact(str(error))}", err=True, fg="red")
            sys.exit(error.exit_code)
        except OSError as error:
            if error.filename is None:  # a closed pipe, which click knows; or a bug
                raise
            click.secho(f"aftershock: {error.filename}: {error.strerror}", err=True, fg="red")
            sys.exit(AftershockError.exit_code)
        except KeyboardInterrupt:
            click.secho("aftershock: interrupted; what is finished stays, the next call goes on", err=True)
            sys.exit(130)

    return wrapper


def _undoing(settings: Settings) -> Tools:
    """Return what it takes to undo faults, of whatever kind, on the cluster of the settings."""
    api = connect(settings).api
    return tools(
        api,
        carrier_image=settings.carrier_image,
        power=power_of(settings, cluster=CLUSTER_NAME, api=api),
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="aftershock")
def main() -> None:
    """Prove that a Kubernetes cluster recovers."""


@main.command()
@click.option(
    "--install", "do_install", is_flag=True, help="As root on Debian: install and set what is missing."
)
@_told
def doctor(*, do_install: bool) -> None:
    """Say what this machine and this cluster can do, and what to do about the rest."""
    settings = load_settings(root=project_root())
    if do_install:
        install(Progress())
    if not examine(settings, Progress().console):
        sys.exit(10)


@main.command()
@click.argument("name", type=click.Choice(["kind", "kustomize", "actionlint", "versitygw"]))
@_told
def tool(name: str) -> None:
    """Build a tool that the cluster is made with, or that tests need, and print its path."""
    provider = KindProvider(root=project_root(), state=state_dir(), progress=Progress())
    click.echo(provider.tool(name))


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--name", default="slo", show_default=True, help="The name of the PrometheusRule object.")
@_told
def slo(files: tuple[Path, ...], name: str) -> None:
    """Print the recording and burn-rate rules of objectives in OpenSLO's or Sloth's format."""
    click.echo(write_rules(read_objectives(files), name=name), nl=False)


@main.command()
@click.argument("features", nargs=-1, required=True, metavar="FEATURE...", type=click.Path(exists=True))
@click.option("--cluster", default=None, metavar="kind|CONTEXT", help="The cluster to plan on.")
@click.option(
    "--profile", type=click.Choice(["ci", "nightly"]), default=None, help="Which profile is deployed."
)
@_told
def plan(features: tuple[str, ...], cluster: str | None, profile: str | None) -> None:
    """Show steps, targets, blast radius and forecast of scenarios; touches nothing."""
    options = {"--cluster": cluster, "--profile": profile}
    given = [word for name, value in options.items() if value for word in (name, value)]
    # In a process of its own: pytest wants to import our plugin itself.
    dry_run = [sys.executable, "-m", "pytest", "--dry-run", "--no-header", "-qq", "-p", "no:cacheprovider"]
    sys.exit(subprocess.run([*dry_run, *features, *given], check=False).returncode)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("pytest_words", nargs=-1, metavar="[-- PYTEST OPTIONS]", type=click.UNPROCESSED)
@click.option(
    "--dry-run", is_flag=True, help="Show what would run, with targets and forecast; touch nothing."
)
@click.option("--only", multiple=True, metavar="TEXT",
              help="Only features and scenarios whose name has this part; several times.")  # fmt: skip
@click.option("--cluster", default=None, metavar="kind|CONTEXT", help="The cluster to run on.")
@click.option(
    "--profile", type=click.Choice(["ci", "nightly"]), default=None, help="Which profile is deployed."
)
@click.option("--side-by-side", default=None, metavar="N", type=click.IntRange(1, MOST_LANES),
              help="How many scenarios that do not disturb one another run at once.")  # fmt: skip
@click.option("--run-id", default=None, metavar="ID", help="Name the run, and its folder under reports/.")
@_told
def gameday(
    file: Path,
    pytest_words: tuple[str, ...],
    *,
    dry_run: bool,
    only: tuple[str, ...],
    cluster: str | None,
    profile: str | None,
    side_by_side: int | None,
    run_id: str | None,
) -> None:
    """Run the scenarios of a game day: its file says which, why, how often, and when to stop."""
    if str(file).startswith("-"):
        raise UsageError(
            f"there is no option {file}",
            expected="an option that `aftershock gameday --help` lists; pytest's own come after FILE",
        )
    read_gameday(file, root=project_root())
    options = [("--cluster", cluster), ("--profile", profile), ("--run-id", run_id)]
    options += [("--gameday-only", part) for part in only]
    options += [("--side-by-side", str(side_by_side))] if side_by_side else []
    given = [word for name, value in options if value is not None for word in (name, value)]
    given += ["--dry-run", "--no-header", "-qq", "-p", "no:cacheprovider"] if dry_run else []
    # One word: pytest takes what stands by itself for a path of tests, and looks for its root there.
    # And a project's own tests are none of a game day's, whether they are there or not.
    words = [f"--gameday={file}", "--override-ini=testpaths=", *given, *pytest_words]
    command = [sys.executable, "-m", "pytest", *words]
    # In our place, not below us: what asks us to end (Ctrl-C, a supervisor) reaches the run itself, once,
    # and nobody waits impatiently for an undo.
    os.execv(sys.executable, command)  # noqa: S606 - no shell is the point


@main.command()
@click.option("--run-id", default="", metavar="ID", help="Only what this run left.")
@click.option("--cluster", default=None, metavar="kind|CONTEXT", help="The cluster to recover.")
@_told
def recover(run_id: str, cluster: str | None) -> None:
    """Undo whatever a run left, from its journal or from the marks in the cluster alone."""
    root = project_root()
    current = load_settings(root=root, options={"cluster": cluster})
    kit = _undoing(current)
    await_no_run(kit.api)
    done = undo_leftovers(kit, reports=root / "reports", run_id=run_id)
    for recovered in done:
        click.echo(f"undone: {recovered}")
    click.echo(f"{len(done)} undone; nothing is left" if done else "nothing to undo")


@main.command()
@click.option("--reason", default="", help="Why, for those who are refused.")
@click.option("--cluster", default=None, metavar="kind|CONTEXT", help="The cluster to halt on.")
@_told
def halt(reason: str, cluster: str | None) -> None:
    """Undo every fault now, whoever's it is, and refuse new ones until `aftershock resume`."""
    root = project_root()
    current = load_settings(root=root, options={"cluster": cluster})
    kit = _undoing(current)
    halting.halt(kit, reason=reason)
    click.echo("new faults are refused until `aftershock resume`")
    for recovered in undo_leftovers(kit, reports=root / "reports"):
        click.echo(f"undone: {recovered}")


@main.command()
@click.option("--cluster", default=None, metavar="kind|CONTEXT", help="The cluster to resume on.")
@_told
def resume(cluster: str | None) -> None:
    """Allow faults again after `aftershock halt`."""
    connected = connect(load_settings(root=project_root(), options={"cluster": cluster}))
    halted = halting.resume(tools(connected.api))
    click.echo("faults are allowed again" if halted else "faults had not been halted")


@main.command()
@click.argument("run", metavar="RUN")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=None, metavar="FOLDER",
              help="Also write the verdicts there, one verdicts.json per scenario.")  # fmt: skip
@_told
def judge(run: str, into: Path | None) -> None:
    """Judge a recorded run again, offline: its id, or its folder. Exit code 1 if a verdict differs."""
    under_reports = project_root() / "reports" / run
    found = judge_again(under_reports if under_reports.is_dir() else Path(run))
    for scenario in found:
        click.echo("\n".join(scenario.lines()))
        if into is not None:
            scenario.write(into)
    total, same = sum(len(s.recorded) for s in found), sum(s.as_recorded for s in found)
    click.echo(f"{counted(total, 'verdict')} judged again: {'all' if same == total else same} as recorded")
    if same != total:
        sys.exit(1)


@main.command()
@click.argument("run", metavar="RUN")
@_told
def report(run: str) -> None:
    """Build the reports of a recorded run again: its id, or its folder."""
    root = project_root()
    folder = next((path for path in (root / "reports" / run, Path(run)) if (path / RUN).is_file()), None)
    if folder is None:
        there = sorted(path.parent.name for path in (root / "reports").glob(f"*/{RUN}"))
        raise UsageError(
            f"there is no recorded run {run!r}", expected=", ".join(there) or "a run in reports/"
        )
    rebuild(folder, root=root, history=root / load_settings(root=root).history, say=click.echo)


@main.command()
@click.argument("folders", nargs=-1, metavar="[FOLDER...]", type=click.Path(path_type=Path))
@click.option("--import", "do_import", is_flag=True, help="Enter the runs in these folders: reports/*.")
@click.option("--scenario", default="", metavar="WORDS", help="Only scenarios with these in name or file.")
@click.option("--last", default=LAST, show_default=True, type=click.IntRange(min=2), metavar="N",
              help="How many runs are compared with those before.")  # fmt: skip
@click.option("--json", "in_json", is_flag=True, help="Print it for programs.")
@_told
def history(folders: tuple[Path, ...], *, do_import: bool, scenario: str, last: int, in_json: bool) -> None:
    """Show how recovery times, alert latencies and error budgets went through the runs."""
    root = project_root()
    settings = load_settings(root=root)
    file = root / settings.history
    if bool(folders) != do_import:
        raise UsageError("runs to enter are named with --import", expected="--import FOLDER...")
    if do_import:
        # Of reports/* a shell makes the history itself, too; what is not there at all is a mistake.
        named = [folder for folder in folders if not folder.is_file()]
        if not named:
            raise UsageError(
                "there is no run to enter",
                expected="the folders of runs, as reports/*",
                found=", ".join(map(str, folders)),
            )
        done = import_runs(named, file, keep=settings.history_runs)
        click.echo("\n".join(map(str, done)))
        click.echo(f"{sum(one.entered for one in done)} of {counted(len(done), 'run')} entered into {file}")
        sys.exit(any(one.problem for one in done))
    if not file.is_file():
        raise UsageError(
            f"there is no history in {file} yet",
            hint="every run enters itself; --import reports/* earlier ones",
        )
    with History(file) as store:
        kept, series = store.scenarios(), store.series()
    # All figures are judged, whatever is shown: what is found does not depend on what one looks at.
    shown, trends = chosen(kept, scenario), trends_of(series, last=last)
    if in_json:
        click.echo(json.dumps(as_json(shown, trends, last=last), indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(as_lines(shown, trends, last=last)))


@main.command()
@click.argument("run", metavar="RUN")
@click.option("--into", type=click.Path(dir_okay=False, path_type=Path), default=None, metavar="FILE",
              help="Write it there instead of printing it.")  # fmt: skip
@_told
def export(run: str, into: Path | None) -> None:
    """Print verdicts and figures of a run (its id, or its folder) as OpenMetrics, for Prometheus."""
    under_reports = project_root() / "reports" / run
    text = as_openmetrics(facts_of(read_run(under_reports if under_reports.is_dir() else Path(run))))
    if into is None:
        click.echo(text, nl=False)
    else:
        into.write_text(text, encoding="utf-8")


for added in (*CLUSTER_COMMANDS, *COMMANDS):
    added.callback = _told(added.callback) if added.callback else None
    main.add_command(added)


@main.command()
@click.argument("run", metavar="RUN")
@click.option("--to", "where", default=None, metavar="WHERE",
              help="A directory, or s3://BUCKET/PREFIX?endpoint=URL. Without it: keep_to.")  # fmt: skip
@_told
def keep(run: str, where: str | None) -> None:
    """Copy a run's folder, by its id or itself, to where runs are kept; as often as you like."""
    root = project_root()
    place = load_settings(root=root, options={"keep_to": where}).keep_to
    if not place:
        raise UsageError(
            "it is not said where to keep the run",
            expected="--to WHERE, or keep_to in [tool.aftershock]",
        )
    # What is said on the command line is of the folder that it is said in.
    kept_at = read_place(place, root=Path.cwd() if where else root)
    click.echo(keep_run(_run_folder(run, root=root), kept_at))


def _run_folder(run: str, *, root: Path) -> Path:
    """Return the folder of a run that goes by this id, or is in this folder."""
    found = next((path for path in (root / "reports" / run, Path(run)) if path.is_dir()), None)
    # A run that was killed early has but one of them. What has none is some other folder of a person's.
    if found is None or not any((found / name).is_file() for name in (RUN, _JOURNAL)):
        raise UsageError(
            f"there is no run {run!r}",
            expected=f"the id of a run under reports/, or its folder, with a {RUN} or {_JOURNAL}",
        )
    return found.resolve()


if __name__ == "__main__":
    main()
