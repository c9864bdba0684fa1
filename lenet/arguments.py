"""Checks of single arguments. The message names the argument that is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from numbers import Integral, Real

import numpy as np

from lenet.errors import DataError, SettingsError

ROUNDING = 1e-5
"""The rounding error that a share may have outside of 0 to 1."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The name in ``known`` that ``word`` is most like, as "; did you mean dead-units?"; "" where none is like it."""
    closest = get_close_matches(word.lower(), list(known), n=1)
    return f"; did you mean {closest[0]}?" if closest else ""


def expect_unmasked(name: str, value: object) -> None:
    """Raises DataError for an array with masked entries, whose numbers under the mask would count."""
    if np.ma.is_masked(value):
        raise DataError(f"{name}: received an array with masked entries, expected a plain one, as .filled(0) makes")


def expect_share(name: str, value: float) -> None:
    """Raises SettingsError unless ``value`` is a share from 0 to 1, up to rounding."""
    if not -ROUNDING <= value <= 1 + ROUNDING:
        raise SettingsError(f"{name}: received {value}, expected a share from 0 to 1")


def expect_whole(name: str, value: object, least: int, more: str = "") -> None:
    """Raises SettingsError unless ``value`` is a whole number of at least ``least``; ``more`` ends the message."""
    if not isinstance(value, Integral):
        raise SettingsError(f"{name}: received {value!r}, expected a whole number")
    if int(value) < least:
        raise SettingsError(f"{name}: received {value}, expected at least {least}{more}")


def expect_scalar(name: str, value: object) -> None:
    """Raises SettingsError unless ``value`` is one number; NaN and infinity are numbers."""
    if not isinstance(value, str | bytes):
        try:
            float(value)  # type: ignore[arg-type]
            return
        except (TypeError, ValueError):
            pass
    shape = getattr(value, "shape", ())
    shown = f"an array of shape {shape}" if shape else repr(value)
    raise SettingsError(f"{name}: received {shown}, expected one number")


def expect_pair(name: str, value: object) -> tuple[int, int]:
    """(height, width), of one whole number or two, each at least 1. Raises SettingsError for anything else."""
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2:
        raise SettingsError(f"{name}: received {value!r}, expected one whole number or two, (height, width)")
    for size in pair:
        expect_whole(name, size, 1)
    return (int(pair[0]), int(pair[1]))


def expect_number(name: str, value: object, allowed: str, is_allowed: Callable[[float], bool]) -> None:
    """Raises SettingsError unless ``value`` is a finite number that ``is_allowed``; ``allowed`` says it in words."""
    if not isinstance(value, Real):
        raise SettingsError(f"{name}: received {value!r}, expected a number, {allowed}")
    if not (math.isfinite(value) and is_allowed(float(value))):
        raise SettingsError(f"{name}: received {value}, expected {allowed}")


def not_negative(value: float) -> bool:
    """0 or more."""
    return value >= 0


def positive(value: float) -> bool:
    """Above 0."""
    return value > 0


def share_below_one(value: float) -> bool:
    """At least 0 and below 1."""
    return 0 <= value < 1
