"""The options that decide what is trained, built from the declarations of :class:`lenet.settings.Settings`.

A setting is declared once, in ``lenet/settings.py``: its name, type, default, range and help line all come from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import click

from lenet.declaration import stored
from lenet.setting_values import LARGEST, option_name
from lenet.settings import DECLARED, Settings, kinds
from reports.commands.grouped_help import GroupedOption
from reports.commands.values import WholeNumber

F = TypeVar("F", bound=Callable[..., Any])

DEFAULTS = {one.name: one.default for one in fields(Settings)}
MODEL = ("network", "activation", "convolution", "init", "init_shape")
"""The settings that choose a model."""
STEPS, STEPS_OR_NEVER = WholeNumber(1, LARGEST), WholeNumber(0, LARGEST)
ON_DEFECT = click.Choice(["continue", "stop", "restart", "rollback"])
"""What may be done with a defect run."""
FIRST_SEED = "The first seed of each arm; --runs 10 --seed 5 trains seeds 5 to 14."


def grouped(group: str, *names: str, **how: Any) -> Callable[[F], F]:
    """``click.option(*names, **how)`` in a group of the help, such as "log"."""
    return click.option(*names, cls=GroupedOption, group=group.capitalize(), **how)


class ShownChoice(click.Choice):  # type: ignore[type-arg]  # no generic class before click 8.2
    """A choice whose names are shown, and which also takes the names that logs keep: "report" for "paper"."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as logs keep it."""
        known = {stored(name) for name in self.choices}
        kept: str = stored(value) if stored(value) in known else stored(super().convert(value, param, ctx))
        return kept


class NumberOrText(click.ParamType):  # type: ignore[type-arg]  # no generic class before click 8.4
    """A number for all layers, or text that names some of them, which the settings check."""

    name = "number|layer=number,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """A float where it is one."""
        try:
            return float(value)
        except ValueError:
            return str(value)


def option(name: str, several: bool = False) -> Callable[[F], F]:
    """The click option of one setting; with ``several`` it may be given more than once and has no default."""
    declared, default = DECLARED[name], DEFAULTS[name]
    meaning = FIRST_SEED if several and name == "seed" else declared.meaning
    shown = ("no", "yes")[default] if isinstance(default, bool) else declared.shown(default)
    shown = f"{shown:g}" if isinstance(shown, float) else shown
    extra = [*([] if shown is None else [f"default: {shown}"]), *([declared.range_words] * bool(declared.range_words))]
    help_line = f"{meaning}  [{'; '.join(extra)}]" if extra else meaning
    how: dict[str, Any] = {"multiple": True} if several else {"default": default}
    if bool in kinds()[name]:
        names = f"{option_name(name)}/{option_name(f'no_{name}')}"
        return grouped(declared.group, names, name, help=help_line, **how)
    return grouped(declared.group, option_name(name), name, type=_type_of(name), help=help_line, **how)


def _type_of(name: str) -> Any:
    """How click reads the value of a setting. The range of a float is checked by the settings themselves."""
    declared, allowed = DECLARED[name], kinds()[name]
    if declared.choices:
        return ShownChoice(declared.names)
    if declared.is_folder:
        return click.Path(readable=False)
    if int in allowed:
        return WholeNumber(int(declared.at_least or 0), LARGEST)
    return NumberOrText() if str in allowed else click.FLOAT


def train_options(function: F) -> F:
    """Give a command the options of a training, each with its default, as keywords named like the settings."""
    return _with(DECLARED, function)


def model_options(function: F) -> F:
    """Give a command the options that choose a model."""
    return _with(MODEL, function)


def grid_options(function: F) -> F:
    """Give a command the options of a training, each of which may be given more than once, as tuples."""
    return _with(DECLARED, function, several=True)


def log_options(*, have_defaults: bool) -> Callable[[F], F]:
    """The options --log-every and --histograms-every; without defaults, what was not given is None."""

    def add(function: F) -> F:
        for name, kind, default, meaning in (
            ("--histograms-every", STEPS_OR_NEVER, 25, "Steps between histograms; 0 is never."),
            ("--log-every", STEPS, 1, "Steps between log rows."),
        ):
            shown = f"{meaning}  [default: {default}]"
            function = grouped("log", name, type=kind, default=default if have_defaults else None, help=shown)(function)
        return function

    return add


def scheduler_option(what: str) -> Callable[[F], F]:
    """The option that says where a command does its tasks; ``what`` names the tasks."""
    return grouped(
        "study",
        "--scheduler",
        metavar="ADDRESS",
        help=f"{what} are trained on a Dask cluster: tcp://HOST:PORT, or local for one that is started here.  "
        "[default: processes of this machine]",
    )


def given_in(context: click.Context) -> dict[str, Any]:
    """The options that were typed, and their values."""
    typed = click.core.ParameterSource.COMMANDLINE
    return {name: value for name, value in context.params.items() if context.get_parameter_source(name) is typed}


def _with(names: Sequence[str] | dict[str, Any], function: F, several: bool = False) -> F:
    for name in reversed(list(names)):
        function = option(name, several)(function)
    return function
