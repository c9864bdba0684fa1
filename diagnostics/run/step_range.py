"""The rows of a run from one step to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnostics.run.source import Records, Rows, Source

BLOCK = 4096
"""Rows that are read at once."""


@dataclass(frozen=True)
class StepRange:
    """The rows of ``source`` from step ``first`` to step ``last``, both included; None (default) for no bound."""

    source: Source
    first: int | None = None
    last: int | None = None

    def narrowed(self, first: int | None, last: int | None) -> StepRange:
        """Those of its rows that lie between two steps as well."""
        firsts = [one for one in (self.first, first) if one is not None]
        lasts = [one for one in (self.last, last) if one is not None]
        return StepRange(self.source, max(firsts, default=None), min(lasts, default=None))

    @property
    def index(self) -> Records:
        """Step, wall time and epoch of each row."""
        start, stop = self._places()
        return self.source.index()[start:stop]

    def values(self, columns: NDArray[np.intp] | None) -> Rows:
        """The values, (rows, columns); None for all columns."""
        return self.source.values(*self._places(), columns)

    def rows(self) -> Iterator[tuple[int, int, Rows]]:
        """Every row in order as (step, epoch, values), read block by block."""
        start, stop = self._places()
        index = self.source.index()
        for begin in range(start, stop, BLOCK):
            end = min(begin + BLOCK, stop)
            block = self.source.values(begin, end)
            steps, epochs = index["step"][begin:end].tolist(), index["epoch"][begin:end].tolist()
            yield from zip(steps, epochs, block, strict=True)

    def _places(self) -> tuple[int, int]:
        """The position of the first row, and that after the last."""
        if self.first is None and self.last is None:
            return 0, self.source.count()
        steps = self.source.index()["step"]
        start = 0 if self.first is None else int(np.searchsorted(steps, self.first, side="left"))
        stop = len(steps) if self.last is None else int(np.searchsorted(steps, self.last, side="right"))
        return start, max(start, stop)
