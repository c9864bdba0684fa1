"""`lenet-diag export`: write a log's tables as CSV or Parquet."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reports.commands.exit_codes import one_line_errors, tell_damage
from reports.commands.values import FOLDER, LOG
from reports.terminal.output import say, talk
from reports.text.numbers import counted


@click.command(name="export")
@click.argument("run", metavar="RUN.h5", type=LOG)
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option(
    "-o",
    "--out",
    "--output",
    "output",
    metavar="FOLDER",
    type=FOLDER,
    help="Folder for the files.  [default: RUN without .h5, or RUN-export]",
)
def command(run: Path, form: str, output: Path | None) -> None:
    """Write the frames of a run as CSV or Parquet, one file a frame.

    steps, tensors, activations, epochs, validations, events; see docs/analysis.md. They have each step of the run once.
    A run that was turned back also has rollbacks, and the steps that were undone in undone-steps, undone-tensors and
    undone-activations.
    From a damaged log, the part that can be trusted is written (exit code 3).
    """
    with one_line_errors():
        from diagnostics.log.reader import open_run
        from diagnostics.run.export import Format, export_run

        chosen: Format = "parquet" if form == "parquet" else "csv"
        opened = open_run(run)
        code = tell_damage(run, opened)
        written = export_run(opened, output or _folder_beside(run), chosen)
    for path in written:
        say(path)
    if undone := sum(rollback.undone_steps for rollback in opened.rollbacks):
        talk(f"{counted(undone, 'step')} of the log are undone; they stand in the files undone-* and in no other")
    sys.exit(code)


def _folder_beside(run: Path) -> Path:
    """The log's name without its ending; where it has none, that is the log itself."""
    return run.with_suffix("") if run.suffix else run.with_name(f"{run.name}-export")
