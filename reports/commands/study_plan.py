"""The plan that the options of `lenet-diag study` ask for: a grid of settings, a preset, or arms of `--arm`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lenet.setting_values import option_name
from lenet.settings import DECLARED
from reports.commands.options import given_in, option

if TYPE_CHECKING:
    from diagnostics.study.plan import Arm, StudyPlan

DEFAULT_RUNS = 10


def make_plan(
    given: dict[str, list[Any]],
    runs: int | None,
    preset_name: str | None,
    how: dict[str, Any],
    written: tuple[str, ...] = (),
    control: str | None = None,
) -> StudyPlan:
    """The plan these options ask for. Raises StudyError or SettingsError."""
    from diagnostics.errors import StudyError
    from diagnostics.study.plan import StudyPlan
    from diagnostics.study.planned_arms import GIVEN_ONCE, grid
    from diagnostics.study.presets import preset

    for name, why in GIVEN_ONCE.items():
        if len(given.get(name, ())) > 1:
            raise StudyError(f"--{name}: given more than once; {why}")
    seeds = given.pop("seed", [0])
    if written:
        return StudyPlan(written_arms(written, given, runs or DEFAULT_RUNS, control), seeds[0], **how)
    if preset_name is None:
        return StudyPlan(grid(given, runs or DEFAULT_RUNS, control), seeds[0], **how)
    several = [name for name, values in given.items() if len(values) > 1]
    if several:
        raise StudyError(f"{option_name(several[0])}: given more than once, which --preset does not allow")
    arms = preset(preset_name).build({name: values[0] for name, values in given.items()}, runs)
    return StudyPlan(arms, seeds[0], preset=preset_name, **how)


def check_folder(folder: Path, flag: str | None) -> None:
    """Ask for a study where ``flag`` takes one, and for --resume where there is one already. Raises StudyError."""
    from diagnostics.errors import StudyError
    from diagnostics.study.plan import FILE

    exists = (folder / FILE).exists()
    if exists and not flag:
        raise StudyError(f"{folder}: holds a study already; add --resume to go on with it, or choose another --out")
    if flag and not exists:
        raise StudyError(f"{folder}: holds no study (no {FILE}); leave out {flag} to start one, or give another --out")


def check_agreement(plan: StudyPlan, folder: Path, flag: str, given: dict[str, Any]) -> None:
    """Refuse options that say something else than the plan that ``flag`` goes by. Raises StudyError."""
    from diagnostics.errors import StudyError

    for name, value in given.items():
        if value is None:
            continue
        if name in ("runs", "seed"):
            own = [arm.runs for arm in plan.arms] if name == "runs" else [plan.first_seed]
        elif hasattr(plan, name):
            own = [getattr(plan, name)]
        else:
            own = [arm.settings[name] for arm in plan.arms]
        for one in value if isinstance(value, list) else [value]:
            if one not in own:
                was = " and ".join(dict.fromkeys(map(str, own)))
                raise StudyError(
                    f"{option_name(name)} {one}: the study in {folder} was started with {was}; {flag} keeps that"
                )


def check_data(plan: StudyPlan) -> None:
    """Read the data once before all workers do, so that an error is printed once. Raises DataError."""
    from lenet.data import load_dataset

    for folder in {arm.settings["data"] for arm in plan.arms} - {None}:
        load_dataset(folder, None)


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
    return name, given_in(context)


def _parameters() -> list[click.Parameter]:
    from diagnostics.statistics.arms import NOT_AN_ARM

    def nothing() -> None: ...

    for name in DECLARED:
        if name not in NOT_AN_ARM:
            nothing = option(name)(nothing)
    return list(reversed(getattr(nothing, "__click_params__", [])))
