"""RecordedRows: what a run has recorded, row by row, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.run.source import Source
from diagnostics.run.step_range import StepRange
from diagnostics.schema.columns import Columns
from diagnostics.schema.header import Header
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import EVENTS

ENDS = (b"end", b"interruption")


class RecordedRows:
    """The rows of a source, or of a range of its steps, and what is known of them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._range = StepRange(source)

    @property
    def header(self) -> Header:
        """The header of its log, or of a run in memory the one it was made with."""
        return self.source.header

    @property
    def info(self) -> RunInfo:
        """What was known of it before its first step."""
        return self.header.info

    @property
    def columns(self) -> Columns:
        """The columns of its rows."""
        return self.info.columns

    @property
    def status(self) -> str:
        """How the run ended, in the words that :class:`~diagnostics.run.run.Run` lists."""
        return self.source.status

    @property
    def steps_made(self) -> int:
        """The number of steps the run made, recorded or not, by the event at its end, else by its last row."""
        index, events = self.source.index(), self.source.table(EVENTS)
        recorded = int(index["step"][-1]) + 1 if len(index) else 0
        ended = events["step"][np.isin(events["event"], ENDS)]
        return max(recorded, *(int(step) for step in ended), 0)

    def __len__(self) -> int:
        """The number of recorded steps."""
        return len(self.index)

    @property
    def index(self) -> NDArray[np.void]:
        """Step, epoch and wall time of its rows, as a structured array."""
        return self._range.index

    def block(
        self,
        columns: Sequence[str | int] | NDArray[np.intp] | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> NDArray[np.float32]:
        """Part of the values, (rows, columns).

        ``columns``: names or positions of columns; None for all.
        ``first``, ``last``: the first and the last step; None for no bound.

        Raises UnknownNameError for a column that the run does not have.
        """
        return self._range.narrowed(first, last).values(None if columns is None else self.columns.places(columns))

    def scalars(self, *names: str) -> NDArray[np.float64]:
        """Numbers of the steps, (rows, names); NaN for one that is not recorded, as in the log of another tool."""
        places = [self.columns.find(name) for name in names]
        values = self.block([place or 0 for place in places]).astype(np.float64)
        values[:, [place is None for place in places]] = np.nan
        return values

    def rows(self) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
        """Every row in order as (step, epoch, values), read block by block."""
        return self._range.rows()
