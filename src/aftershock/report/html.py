"""The report as one HTML file, made by Allure 3 from the results of a run."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from aftershock.errors import CommandError, EnvironmentUnusableError

__all__ = ["allure_command", "allure_file", "write_report"]

HISTORY = "history.jsonl"
_TIMEOUT_S = 120.0
# What allure-pytest adds for test code: nothing a reader of scenarios asks for.
_HIDDEN_LABELS = ("framework", "host", "language", "package", "parentSuite", "suite", "thread")


def allure_file(root: Path, name: str) -> Path:
    """Return a file of Allure's configuration: the project's own in reports/, else the one that we ship."""
    own = root / "reports" / name
    return own if own.is_file() else Path(__file__).parent / "allure-files" / name


def allure_command(root: Path) -> Path:
    """Return the `allure` program: the project's own, else the one on the PATH.

    Raises:
        EnvironmentUnusableError: there is none.

    """
    local = root / "node_modules" / ".bin" / "allure"
    found = str(local) if local.exists() else shutil.which("allure")
    if found is None:
        install = "npm ci" if (root / "package.json").is_file() else "npm install allure@3"
        raise EnvironmentUnusableError(
            "no HTML report: Allure is not installed",
            expected="allure 3, which needs Node.js 20 or newer",
            hint=f"run `{install}` here, then `aftershock report RUN`; the results are kept",
        )
    return Path(found)


def write_report(results: Path, target: Path, *, root: Path, name: str, again: bool = False) -> Path:
    """Make `target`, one HTML file, from the Allure `results`, and return it.

    What the runs before had to say of each scenario is in reports/history.jsonl, to which this run is
    added, unless it is made `again`: a run has one place in the history.

    Raises:
        EnvironmentUnusableError: there is no Allure.
        CommandError: Allure failed; its last lines are in the error.

    """
    work = target.with_suffix(".new")
    command = [str(allure_command(root)), "awesome", str(results), "--single-file"]
    command += ["--output", str(work), "--report-name", name, "--group-by", "epic,feature"]
    for label in _HIDDEN_LABELS:
        command += ["--hide-labels", label]
    command += ["--config", str(allure_file(root, "allurerc.mjs"))]
    history = root / "reports" / HISTORY
    before = _mended(history)
    if again:
        history = work.with_name("history.new")
        history.write_text(
            "".join(f"{line}\n" for line in before if not _is_of(line, name)), encoding="utf-8"
        )
    command += ["--history-path", str(history)]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            start_new_session=True,  # an impatient second Ctrl-C is no reason to have no report
        )
        index = work / "index.html"
        if done.returncode != 0 or not index.is_file():
            raise CommandError(
                "no HTML report: Allure failed",
                command=command,
                code=done.returncode,
                tail=(done.stdout + done.stderr).splitlines()[-10:],
                hint="the results are kept; `aftershock report RUN` tries again",
            )
        index.replace(target)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentUnusableError(
            f"no HTML report: Allure took more than {_TIMEOUT_S:g} s",
            hint="the results are kept; `aftershock report RUN` tries again",
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if again:
            history.unlink(missing_ok=True)
    return target


def _mended(history: Path) -> list[str]:
    """Return the lines of the file, without those that are none, of which it is rid as well.

    Allure writes it in place, and if half a line was left there it makes no report any more.
    """
    if not history.is_file():
        return []
    lines = history.read_text(encoding="utf-8", errors="replace").splitlines()
    whole = [line for line in lines if _is_entry(line)]
    if len(whole) < len(lines):
        history.write_text("".join(f"{line}\n" for line in whole), encoding="utf-8")
    return whole


def _is_entry(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _is_of(line: str, name: str) -> bool:
    return bool(json.loads(line).get("name") == name)
