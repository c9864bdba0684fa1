"""`lenet-diag repair`: make a damaged log readable; the original is kept."""

from __future__ import annotations

from pathlib import Path

import click

from reports.commands.exit_codes import one_line_errors
from reports.commands.values import LOG
from reports.terminal.output import say


@click.command(name="repair")
@click.argument("run", metavar="RUN.h5", type=LOG)
@click.option(
    "--force",
    is_flag=True,
    help="Repair it also on a file system without locks, which cannot say whether it is still being written.",
)
def command(run: Path, force: bool) -> None:
    """Make a damaged log readable, keep the original.

    What agrees with its checksums goes into a fresh file of the same name; the file
    as it was is kept as RUN.h5.damaged. Exit code 3 where nothing can be read.
    """
    with one_line_errors():
        from diagnostics.log.repair import repair_log

        say(repair_log(run, force=force).summary())
