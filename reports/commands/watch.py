"""`lenet-diag watch`: follow a run that another process is writing."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reports.commands.exit_codes import one_line_errors
from reports.commands.values import LOG


@click.command(name="watch")
@click.argument("path", metavar="RUN.h5", type=LOG)
def command(path: Path) -> None:
    """Follow a run that another process is writing, until it ends.

    Ctrl-C leaves the view; the run goes on. For a run that is over, the last
    state is shown. A run whose process died is shown up to the step its log reaches.
    """
    with one_line_errors():
        from reports.terminal.console import TerminalConsole
        from reports.terminal.follow import follow

        sys.exit(follow(path, TerminalConsole()))
