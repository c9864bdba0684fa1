"""Lists in JSON as programs write them: pandas writes a column as an object with the numbers of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_list(value: object) -> list[Any] | None:
    """A list, or the values of an object whose keys are the numbers of its rows; None for all else."""
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping) and value and list(value) == [str(row) for row in range(len(value))]:
        return list(value.values())
    return None
