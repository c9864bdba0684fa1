"""NumberColumn: the numbers in a column of a table, and the cells in which none could be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diagnostics.imports.cells import is_missing, number_of
from diagnostics.imports.metrics import Numbers

LONGEST = 30
"""Characters of a cell that a sentence repeats."""


@dataclass(frozen=True)
class NumberColumn:
    """The numbers in a column.

    ``name``: what the table calls it.
    ``present``: (n,), where it has numbers.
    ``values``: (n,), these; NaN elsewhere.
    ``unread``: the cells that hold something else than a number, in their order; an empty cell is none of them.
    """

    name: str
    present: NDArray[np.bool_]
    values: Numbers
    unread: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, column: pd.Series[Any], read: Callable[[Any], float | None] = number_of) -> Self:
        """The column; ``read``: the number in a cell, None where it has none."""
        if column.dtype.kind in "iuf":
            values = column.to_numpy(np.float64)
            return cls(name, ~np.isnan(values), values)
        if column.dtype.kind == "b":
            return cls(name, np.zeros(len(column), np.bool_), np.full(len(column), np.nan))
        # In a column of mixed values a float NaN stands for an empty cell; one that was logged is text or "nan".
        cells = column.tolist()
        numbers = [None if isinstance(one, float) and one != one else read(one) for one in cells]
        present = np.array([one is not None for one in numbers], np.bool_)
        unread = tuple(
            str(cell)
            for cell, number in zip(cells, numbers, strict=True)
            if number is None and isinstance(cell, str) and not is_missing(cell) and cell.strip() != name.strip()
        )
        return cls(name, present, np.array([np.nan if one is None else one for one in numbers], np.float64), unread)

    def unread_words(self) -> list[str]:
        """One sentence where cells are left out, since they hold no numbers; else none."""
        if not self.unread:
            return []
        cell = " ".join(self.unread[0].split())
        cell = cell if len(cell) <= LONGEST else f"{cell[: LONGEST - 3]}..."
        which = "1 cell" if len(self.unread) == 1 else f"{len(self.unread):,} cells"
        be = "is" if len(self.unread) == 1 else "are"
        return [f"{which} of {self.name.strip()} {be} left out, where no number can be read, such as in {cell!r}"]
