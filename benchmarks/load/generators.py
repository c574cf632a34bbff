"""The generators: each is a command, and a way to read what its requests took."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aftershock.config import project_root
from aftershock.load.request_log import RequestLog, read_log
from benchmarks.load.target import GENERATOR_CORE, pinned

__all__ = ["Generator", "Running", "k6", "ours", "percentile", "plain", "running", "wrk"]

HERE = Path(__file__).parent
LOADTESTS = project_root(HERE) / "loadtests"
LATEST_S = 30
VISITORS_A_SECOND = 4
"""k6 keeps as many virtual users ready as four seconds of requests: a stall of two finds enough."""


@dataclass(frozen=True, kw_only=True)
class Generator:
    """A command that sends requests for `seconds`; `file` is what it writes about each."""

    name: str
    command: Sequence[object]
    seconds: float
    file: Path
    environ: dict[str, str] = field(default_factory=dict)

    def log(self) -> RequestLog:
        """Return our own request log."""
        return read_log(self.file)

    def k6_ms(self, metric: str) -> list[float]:
        """Return k6's samples of a metric in milliseconds, in order of size."""
        with self.file.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            return sorted(float(row["metric_value"]) for row in rows if row["metric_name"] == metric)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A generator at work."""

    process: subprocess.Popen[bytes]

    def cpu_s(self) -> float:
        """Return the CPU seconds that it has used so far, with all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(generator: Generator) -> Iterator[Running]:
    """Run `generator` while the block runs; wait for its end if the block does not fail."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AFTERSHOCK_LOAD_")}
    with generator.file.with_suffix(".out").open("wb") as out:
        process = subprocess.Popen(
            pinned(GENERATOR_CORE, *generator.command),
            env={**environ, **generator.environ},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(process=process)
        process.wait(generator.seconds + LATEST_S)
    finally:
        process.kill()
        process.wait()


def ours(
    url: str, folder: Path, *, seconds: float, rate: float = 0, users: int = 0, each: float = 0
) -> Generator:
    """Our own load: at a rate in all, or by users who ask `each` times a second."""
    log = folder / "ours.tsv"
    more = {"AFTERSHOCK_LOAD_ARRIVALS": str(rate), "AFTERSHOCK_LOAD_SECONDS": str(seconds)}
    pace = {"AFTERSHOCK_LOAD_RATE": str(each)} if users else more
    count, limit = (users, seconds) if users else (1, seconds + LATEST_S)
    return Generator(
        name="ours",
        command=_locust(LOADTESTS / "nginx_web.py", url, users=count, seconds=limit),
        seconds=seconds,
        file=log,
        # As the harness starts it, for a target that is an address.
        environ={**pace, "AFTERSHOCK_LOAD_LOG": str(log), "GEVENT_RESOLVER": "block"},
    )


def plain(url: str, folder: Path, *, seconds: float, users: int, each: float | None) -> Generator:
    """Bare Locust: users who ask `each` times a second at most, or as fast as they can."""
    file = folder / "plain.csv"
    return Generator(
        name="plain Locust",
        command=[*_locust(HERE / "plain.py", url, users=users, seconds=seconds), "--csv", folder / "plain"],
        seconds=seconds,
        file=file,
        environ={} if each is None else {"PLAIN_RATE": str(each)},
    )


def k6(program: Path, url: str, folder: Path, *, seconds: float, rate: float) -> Generator:
    """k6's constant-arrival-rate executor, with its samples as CSV."""
    script, samples = folder / "k6.js", folder / "k6.csv"
    visitors = round(rate * VISITORS_A_SECOND)
    script.write_text(
        "import http from 'k6/http';\n"
        "export const options = { discardResponseBodies: true, scenarios: { load: {\n"
        "  executor: 'constant-arrival-rate', timeUnit: '1s', "
        f"rate: {round(rate)}, duration: '{seconds:g}s', preAllocatedVUs: {visitors} }} }} }};\n"
        f"export default function () {{ http.get('{url}/'); }}\n",
        encoding="utf-8",
    )
    words = [program, "run", "--quiet", "--no-usage-report", "--out", f"csv={samples}", script]
    return Generator(name="k6", command=words, seconds=seconds, file=samples, environ={"GOMAXPROCS": "1"})


def wrk(program: str, url: str, folder: Path, *, seconds: float, connections: int) -> Generator:
    """Drive it with wrk: one thread, as fast as it can."""
    words = [program, "-t1", f"-c{connections}", f"-d{round(seconds)}s", f"{url}/"]
    return Generator(name="wrk", command=words, seconds=seconds, file=folder / "wrk.txt")


def _locust(file: Path, url: str, *, users: int, seconds: float) -> list[object]:
    options: list[object] = ["--headless", "--only-summary", "--exit-code-on-error", 0]
    pace = ["-u", users, "-r", users, "-t", f"{round(seconds)}s"]
    return [sys.executable, "-m", "locust", "-f", file, "--host", url, *pace, *options]


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of all do not exceed; NaN for none."""
    return ordered[min(len(ordered) - 1, int(percent / 100 * len(ordered)))] if ordered else float("nan")
