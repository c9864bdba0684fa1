"""`lenet-diag schema`: the format of the log."""

from __future__ import annotations

import click

from reports.terminal.output import say


@click.command(name="schema")
def command() -> None:
    """Print the format of the log files, as Markdown."""
    from diagnostics.schema.markdown import log_format_markdown

    say(log_format_markdown(), end="", is_data=True)
