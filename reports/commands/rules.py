"""`lenet-diag rules`: the manual of the detector's rules."""

from __future__ import annotations

import click

from reports.commands.exit_codes import USAGE, fail
from reports.terminal.output import say


@click.command(name="rules")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the rules, or print the manual page of one."""
    from reports.text import rules_manual

    if name is None:
        say(rules_manual.overview())
        return
    try:
        say(rules_manual.page(name))
    except KeyError:
        fail(f"rule {name!r} is unknown; rules: {', '.join(rules_manual.names())}", USAGE)
