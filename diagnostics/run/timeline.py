"""Timeline: the rows of a run without those that a rollback undid.

Rows of a log are never removed. When a run is turned back to step b, the rows of the steps from b
on stay in the log, and new rows of the same steps follow. The table of rollbacks has the number of
rows that each table had then. From it the rows of the run are found, and those of the run as it was
before each rollback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.run.source import Records, Rows, Source
from diagnostics.schema.datasets import Array, Table
from diagnostics.schema.header import Header
from diagnostics.schema.tables import (
    CHECKPOINTS,
    COUNTED,
    DIGESTS,
    EVENTS,
    INDEX,
    ROLLBACKS,
    SNAPSHOT_ARRAYS,
    SNAPSHOTS,
    rows_of,
)

LASTING = (b"resume", b"rollback")
"""Events that hold for a run whatever steps are undone."""


def is_before(table: Table, rows: Records, step: int) -> NDArray[np.bool_]:
    """Which rows of a table hold for the run just before ``step``."""
    if "last_step" in (table.dtype.names or ()):
        return np.asarray(rows["last_step"] < step)
    if table in (CHECKPOINTS, DIGESTS):  # the step of a checkpoint is the one that comes next
        return np.asarray(rows["step"] <= step)
    before = rows["step"] < step
    if table is EVENTS:  # and so is the step of its event
        at_it = (rows["event"] == b"checkpoint") & (rows["step"] == step)
        before |= at_it | np.isin(rows["event"], LASTING)
    return np.asarray(before)


class Timeline:
    """The rows of ``recorded`` that are part of the run.

    ``recorded``: the rows and tables as they were written.
    ``ends_at``: the number of a rollback, counted from 0; the timeline is then the run as it was just before it. None
    (default) for the whole run.
    """

    def __init__(self, recorded: Source, ends_at: int | None = None) -> None:
        self.recorded = recorded
        self._ends_at = ends_at
        self._known: tuple[int, int] | None = None
        self._places: NDArray[np.intp] = np.zeros(0, np.intp)
        self._index: Records = recorded.index()[:0]

    def undone(self) -> Sequence[Timeline]:
        """The run as it was just before each time that it was turned back."""
        return [Timeline(self.recorded, number) for number in range(len(self.table(ROLLBACKS)))]

    @property
    def header(self) -> Header:
        """The header. A timeline that ends at a rollback has no values for the end of the run."""
        header = self.recorded.header
        return header if self._ends_at is None else replace(header, status="stopped", digest_end="")

    @property
    def status(self) -> str:
        """How the run ended. A timeline that ends at a rollback was stopped."""
        return self.recorded.status if self._ends_at is None else "stopped"

    def count(self) -> int:
        """The number of its rows."""
        return len(self.index())

    def index(self) -> Records:
        """Step, wall time and epoch of every row."""
        known = (self.recorded.count(), len(self._rollbacks))
        if self._known != known:
            self._known = known
            rows = self.recorded.index()
            self._places = np.flatnonzero(self._kept(INDEX, rows)) if known[1] else np.arange(len(rows))
            self._index = rows[self._places] if known[1] else rows
        return self._index

    def values(self, start: int, stop: int, columns: NDArray[np.intp] | None = None) -> Rows:
        """Rows ``start`` to ``stop`` (left out) of all or some columns."""
        stop = min(stop, self.count())
        places = self._places[max(0, start) : max(0, stop)]
        if not len(places):
            return self.recorded.values(0, 0, columns)
        breaks = np.flatnonzero(np.diff(places) != 1) + 1
        parts = [self.recorded.values(int(p[0]), int(p[-1]) + 1, columns) for p in np.split(places, breaks)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def table(self, table: Table) -> Records:
        """The rows of one table."""
        rows = self.recorded.table(table)
        if table is ROLLBACKS:
            return rows[: self._ends_at]
        return rows[self._kept(table, rows)] if len(self._rollbacks) else rows

    def array(self, array: Array) -> NDArray[Any]:
        """The rows of one of the snapshot arrays."""
        rows = self.recorded.array(array)
        if not len(self._rollbacks) or array not in SNAPSHOT_ARRAYS:
            return rows
        snapshots = self.recorded.table(SNAPSHOTS)
        return rows[: len(snapshots)][self._kept(SNAPSHOTS, snapshots)]

    def refresh(self) -> bool:
        """Look for new rows; returns whether anything changed."""
        return self.recorded.refresh()

    # ---- inside

    @property
    def _rollbacks(self) -> Records:
        """The rollbacks up to the end of the timeline, which decide the rows that are part of it."""
        rows = self.recorded.table(ROLLBACKS)
        return rows if self._ends_at is None else rows[: self._ends_at + 1]

    def _kept(self, table: Table, rows: Records) -> NDArray[np.bool_]:
        """Which rows of a table are part of the timeline."""
        kept = np.ones(len(rows), dtype=bool)
        if table not in COUNTED:
            return kept
        rollbacks = self._rollbacks
        if self._ends_at is not None:
            kept[max(0, int(rollbacks[rows_of(table)][-1])) :] = False
            rollbacks = rollbacks[:-1]
        for rollback in rollbacks:
            until = max(0, int(rollback[rows_of(table)]))
            kept[:until] &= is_before(table, rows[:until], int(rollback["step"]))
        return kept
