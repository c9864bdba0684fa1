"""lenet-diag schema: the file format."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Print the format of the log files, as Markdown."""
    from diagnostics.schema.markdown import log_format_markdown

    click.echo(log_format_markdown(), nl=False)
