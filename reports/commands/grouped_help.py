"""The help of a command with many options, in groups; the order of the groups is that in which they first occur."""

from __future__ import annotations

from typing import Any

import click

OTHER = "Options"


class GroupedOption(click.Option):
    """An option that stands in a group of its command's help.

    group: the heading of the group, such as "Training".
    All else is as in click.Option.
    """

    def __init__(self, *args: Any, group: str = OTHER, **more: Any) -> None:
        super().__init__(*args, **more)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help shows its options in their groups; those without one come last."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One section a group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for one in self.get_params(ctx):
            line = one.get_help_record(ctx)
            if line is not None:
                groups.setdefault(getattr(one, "group", OTHER), []).append(line)
        groups[OTHER] = groups.pop(OTHER, [])
        for heading, lines in groups.items():
            with formatter.section(heading):
                formatter.write_dl(lines)
