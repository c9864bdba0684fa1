"""The arms of a study: every combination of a grid of options, or arms that are written out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from diagnostics.errors import StudyError
from diagnostics.statistics.arms import NOT_AN_ARM, arm_key
from diagnostics.study.plan import MOST_RUNS, Arm
from lenet.arguments import did_you_mean
from lenet.settings import Settings, settings_without_effect, shown_setting

GIVEN_ONCE = {
    "seed": "a study takes --runs seeds from --seed on",
    "threads": "the number of threads changes times and nothing else, so it makes no arms",
}


def grid(options: Mapping[str, Sequence[Any]], runs: int, control: str | None = None) -> tuple[Arm, ...]:
    """The arms of every combination of ``options``, labelled by the settings in which they differ.

    Every setting is filled in and checked. A setting that has no effect in one combination and has one in another (a
    decay rate with and without a decay) is left out where it has none.

    Args:
        options: for each setting the values that are tried.
        runs: how many seeds are trained in every arm.
        control: the label of the arm that all others are compared with; None (default) for the first.

    Raises:
        SettingsError: a value that no training takes.
        StudyError: ``runs`` below 1, several values of a setting that makes no arms, or no arm called ``control``.
    """
    _check_runs(runs)
    options = {name: list(dict.fromkeys(values)) for name, values in options.items() if values}
    differing = [name for name, values in options.items() if len(values) > 1]
    for name in NOT_AN_ARM:
        if name in differing:
            raise StudyError(f"--{name}: given more than once; {GIVEN_ONCE[name]}")
    used = _used(options)
    arms: list[Arm] = []
    seen: list[dict[str, Any]] = []
    for values in itertools.product(*options.values()):
        chosen = dict(zip(options, values, strict=True))
        for name in settings_without_effect(chosen):
            if name in used:  # by other arms: here it says nothing
                del chosen[name]
        if chosen in seen:
            continue
        seen.append(chosen)
        settings = Settings.from_dict(chosen)
        names = [name for name in differing if name != "network" and name in chosen]
        parts = [settings.network, *(f"{name}={shown_setting(name, chosen[name])}" for name in names)]
        arms.append(Arm(" ".join(parts), arm_settings(settings), runs))
    return compared_with(told_apart(arms), control)


def arms_of(settings: Mapping[str, Mapping[str, Any]], runs: int, control: str | None = None) -> tuple[Arm, ...]:
    """Arms that are written out.

    Args:
        settings: for each label the settings in which the arm differs from the defaults.
        runs: how many seeds are trained in every arm.
        control: the label of the arm that all others are compared with; None (default) for the first.

    Raises:
        SettingsError: a value that no training takes.
        StudyError: ``runs`` below 1, two arms with the same settings, or no arm called ``control``.
    """
    _check_runs(runs)
    made = (Arm(label, arm_settings(Settings.from_dict(own)), runs) for label, own in settings.items())
    return compared_with(told_apart(made), control)


def compared_with(arms: Sequence[Arm], control: str | None) -> tuple[Arm, ...]:
    """The arms, all others compared with the one called ``control``, by default the first. Raises StudyError."""
    labels = [arm.label for arm in arms]
    chosen = labels[0] if control is None and labels else control
    if chosen not in labels:
        expected = f"expected one of {', '.join(labels)}{did_you_mean(str(control), labels)}"
        raise StudyError(f"--control: received {control!r}, {expected}")
    return tuple(replace(arm, control=None if arm.label == chosen else chosen) for arm in arms)


def _check_runs(runs: int) -> None:
    if not 1 <= runs <= MOST_RUNS:
        raise StudyError(f"--runs: received {runs}, expected 1 to {MOST_RUNS:,}")


def told_apart(arms: Iterable[Arm]) -> tuple[Arm, ...]:
    """The arms, if all of them have different settings. Raises StudyError, which names two that have not."""
    by_key: dict[str, Arm] = {}
    for arm in arms:
        other = by_key.setdefault(arm_key(arm.settings), arm)
        if other is not arm:
            raise StudyError(f"arms {other.label!r} and {arm.label!r} have the same settings; leave one of them out")
    return tuple(by_key.values())


def _used(options: Mapping[str, Sequence[Any]]) -> set[str]:
    """The settings that decide something in at least one combination."""
    combinations = (dict(zip(options, v, strict=True)) for v in itertools.product(*options.values()))
    return {name for one in combinations for name in set(one) - set(settings_without_effect(one))}


def arm_settings(settings: Settings) -> dict[str, Any]:
    """The settings without the seed; one thread where no number was asked for, since processes share the cores.

    Raises SettingsError, also for what would otherwise fail when the first run begins.
    """
    settings.build_optimizer(settings.batch_size)
    values = {name: value for name, value in settings.to_dict().items() if name != "seed"}
    return {**values, "threads": settings.threads or 1}
