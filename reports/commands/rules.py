"""`lenet-diag rules`: the manual of the detector's rules."""

from __future__ import annotations

import sys
from types import ModuleType

import click

from lenet.arguments import did_you_mean
from reports.commands.exit_codes import USAGE, fail
from reports.commands.values import KnownName
from reports.terminal.output import is_terminal, say
from reports.text.markdown_lines import flowing


@click.command(name="rules")
@click.argument("name", required=False, type=KnownName(lambda: rules_manual().names()))
def command(name: str | None) -> None:
    """List the rules, or print the manual page of one."""
    manual = rules_manual()
    if name is None:
        say(manual.overview())
        return
    try:
        say(flowing(manual.page(name)) if is_terminal(sys.stdout) else manual.page(name))
    except KeyError:
        hint = did_you_mean(name, manual.names()) or f"; rules: {', '.join(manual.names())}"
        fail(f"rule {name!r} is unknown{hint}", USAGE)


def rules_manual() -> ModuleType:
    """The words about the rules, imported when they are asked for."""
    from reports.text import rules_manual

    return rules_manual
