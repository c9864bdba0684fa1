"""Whether a value may be that of a setting: its type and its range, with messages that name its option."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import PurePath
from types import NoneType
from typing import Any

import numpy as np

from lenet.declaration import Declaration
from lenet.errors import SettingsError

LARGEST = 2**53  # the largest whole number that logs and floats hold exactly
_IN_WORDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "True or False", str: "text"}


def option_name(name: str) -> str:
    """The option that a user types for a setting: ``--batch-size`` for ``batch_size``."""
    return "--" + name.replace("_", "-")


def plain_value(name: str, value: Any, allowed: Collection[type]) -> Any:
    """The value in Python's own types, NumPy's numbers too. Raises SettingsError for one of no type in ``allowed``."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, PurePath) and str in allowed:
        value = str(value)
    if type(value) is int and float in allowed:
        value = float(value)
    if type(value) not in allowed:
        words = " or ".join(_IN_WORDS[kind] for kind in allowed if kind is not NoneType)
        raise SettingsError(f"{option_name(name)}: received {value!r}, expected {words}")
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(f"{option_name(name)}: received {value}, expected a finite number")
    return value


def expect_in_range(name: str, value: Any, declared: Declaration) -> None:
    """Raises SettingsError for a number that is too small or too large, in the words that its option has."""
    if not isinstance(value, int | float):
        return
    if declared.at_least is not None and value < declared.at_least:
        raise SettingsError(f"{option_name(name)}: received {value}, expected at least {declared.at_least}")
    if declared.above is not None and value <= declared.above:
        raise SettingsError(f"{option_name(name)}: received {value}, expected more than {declared.above}")
    if declared.below is not None and value >= declared.below:
        raise SettingsError(f"{option_name(name)}: received {value}, expected {declared.range_words}")
    if isinstance(value, int) and value > LARGEST:
        raise SettingsError(f"{option_name(name)}: received {value}, expected at most {LARGEST}")
