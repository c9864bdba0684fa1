"""The two kinds of datasets in a log, as they are declared: tables of named fields, and arrays of numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table.

    ``name``: its name.
    ``dtype``: its type in the file, as NumPy spells it.
    ``unit``: its unit; "" for none.
    ``meaning``: its meaning, in words.
    """

    name: str
    dtype: str
    unit: str
    meaning: str


CRC = Field("crc", "<u4", "", "CRC-32 of the row's other bytes; a row that disagrees is never returned")


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset of named fields that grows by rows.

    ``path``: where it lies in the file.
    ``meaning``: the meaning of one row, in words.
    ``chunk``: rows of one chunk in the file.
    ``fields``: its fields; the last one is the CRC of the row.
    ``since``: the minor version of the format that added it; older logs do not have it.
    ``most``: how many rows are read; a file with more was made to fill the memory.

    ``dtype`` is the packed, little-endian type of one row.
    """

    path: str
    meaning: str
    chunk: int
    fields: tuple[Field, ...]
    since: int = 0
    most: int = 200_000
    dtype: np.dtype[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", np.dtype([(f.name, f.dtype) for f in self.fields]))


@dataclass(frozen=True, slots=True)
class Array:
    """A dataset of plain numbers whose first axis grows.

    ``path``: where it lies in the file.
    ``meaning``: what it holds, in words.
    ``chunk``: entries of the first axis in one chunk in the file.
    ``dims``: the names of its axes.
    ``dtype``: its type in the file, as NumPy spells it.
    ``unit``: the unit of its numbers.
    ``most``: how many entries of the first axis are read.
    """

    path: str
    meaning: str
    chunk: int
    dims: tuple[str, ...]
    dtype: str
    unit: str
    most: int = 10_000_000
