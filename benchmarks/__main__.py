"""`python -m benchmarks` runs every bench but those of addons, `python -m benchmarks NAME` one."""

from __future__ import annotations

import click

from benchmarks.autorecovery.bench import command as autorecovery
from benchmarks.cluster import command as cluster
from benchmarks.faults.bench import command as faults
from benchmarks.forecast.bench import command as forecast
from benchmarks.honest_times.bench import command as honest_times
from benchmarks.load.bench import command as load
from benchmarks.recorder.bench import command as recorder

BENCHES = (cluster, honest_times, forecast, load, recorder, faults)
"""In the order in which `make bench` runs them; a new one is entered here."""
OF_ADDONS = (autorecovery,)
"""Those that need an addon of the stack: run by name alone."""


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure, and print what was measured beside its objective; without a name, all but addons."""
    if context.invoked_subcommand is None:
        for bench in BENCHES:
            context.invoke(bench)


for _bench in (*BENCHES, *OF_ADDONS):
    main.add_command(_bench)

if __name__ == "__main__":
    main()
