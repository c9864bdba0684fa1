"""`lenet-diag study --arm "NAME: OPTIONS"`: arms that are written out, with the options of a training."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from lenet.setting_values import option_name
from lenet.settings import DECLARED
from reports.commands.options import option

if TYPE_CHECKING:
    from diagnostics.study.plan import Arm

NOT_OF_AN_ARM = ("seed", "threads")
"""Options that all arms share, because runs that differ in nothing else are one arm."""


def written_arms(
    texts: Sequence[str], common: Mapping[str, Sequence[Any]], runs: int, control: str | None
) -> tuple[Arm, ...]:
    """The arms, in the order in which they were written.

    texts: what --arm was given: a name, a colon, and options of a training, which may be none.
    common: the options of all arms, each with one value; an arm that has the option itself goes by its own value.
    runs: how many seeds each arm gets.
    control: the name of the arm that the others are compared with; None for the first.

    Raises click.UsageError, StudyError or SettingsError with one line.
    """
    from diagnostics.study.planned_arms import arms_of

    several = [name for name, values in common.items() if len(values) > 1]
    if several:
        raise click.UsageError(f"{option_name(several[0])}: given more than once, which --arm does not allow")
    shared = {name: values[0] for name, values in common.items()}
    settings: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, own = _arm(text)
        if name in settings:
            raise click.UsageError(f"--arm {name!r}: is there twice; give each arm a name of its own")
        settings[name] = {**shared, **own}
    return arms_of(settings, runs, control)


def _arm(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the settings of one arm."""
    name, colon, options = text.partition(":")
    name = name.strip()
    if not colon or not name:
        raise click.UsageError(f'--arm: received {text!r}, expected "NAME: OPTIONS", such as "clip: --clip-norm 1"')
    try:
        words = shlex.split(options)
    except ValueError as error:
        raise click.UsageError(f"--arm {name!r}: {error}") from None
    parser = click.Command(name, params=_parameters(), add_help_option=False)
    try:
        context = parser.make_context(name, words)
    except click.UsageError as error:
        raise click.UsageError(f"--arm {name!r}: {error.format_message()}") from None
    typed = click.core.ParameterSource.COMMANDLINE
    return name, {n: value for n, value in context.params.items() if context.get_parameter_source(n) is typed}


def _parameters() -> list[click.Parameter]:
    def nothing() -> None: ...

    for name in DECLARED:
        if name not in NOT_OF_AN_ARM:
            nothing = option(name)(nothing)
    return list(reversed(getattr(nothing, "__click_params__", [])))
