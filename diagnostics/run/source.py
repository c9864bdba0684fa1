"""The interface to a run's rows and tables, in memory or in a file, and the one in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from diagnostics.schema.datasets import Array, Table
from diagnostics.schema.header import Header
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import EPOCHS, EVENTS, INDEX, VALIDATIONS

Records = NDArray[np.void]
Rows = NDArray[np.float32]


class Source(Protocol):
    """The rows and tables of one run. ``start`` and ``stop`` count rows, not steps."""

    @property
    def header(self) -> Header:
        """The header: what is known of the run as a whole."""

    @property
    def status(self) -> str:
        """running, completed, stopped, interrupted, failed, log-stopped or crashed."""

    def count(self) -> int:
        """The number of trusted rows."""

    def index(self) -> Records:
        """Step, wall time and epoch of every row."""

    def values(self, start: int, stop: int, columns: NDArray[np.intp] | None = None) -> Rows:
        """Rows ``start`` to ``stop`` (left out) of all or some columns."""

    def table(self, table: Table) -> Records:
        """The trusted rows of one table."""

    def array(self, array: Array) -> NDArray[Any]:
        """The trusted rows of one of the snapshot arrays."""

    def refresh(self) -> bool:
        """Look for new rows; returns whether anything changed."""

    def undone(self) -> Sequence[Source]:
        """The run as it was just before each time that it was turned back."""


@dataclass
class MemorySource:
    """A run held in arrays.

    ``header``: what is known of the run as a whole, with its status.
    ``index_rows``: step, wall time and epoch of each row.
    ``value_rows``: (rows, columns), the values.
    ``tables``: rows of tables by their paths; {} for none.
    ``arrays``: rows of snapshot arrays by their paths; {} for none.
    """

    header: Header
    index_rows: Records
    value_rows: Rows
    tables: Mapping[str, Records] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def from_rows(
        cls,
        info: RunInfo,
        steps: Sequence[int] | NDArray[np.integer[Any]],
        epochs: Sequence[int] | NDArray[np.integer[Any]],
        values: NDArray[np.float32],
        *,
        wall: Sequence[float] | None = None,
        status: str = "completed",
        epoch_rows: Sequence[Mapping[str, Any]] = (),
        validations: Sequence[Mapping[str, Any]] = (),
        events: Sequence[Mapping[str, Any]] = (),
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> MemorySource:
        """A run from its rows.

        ``info``: what is known of it before its first step.
        ``steps``: (rows,), the step of each row.
        ``epochs``: (rows,), the epoch of each row, counted from 1.
        ``values``: (rows, columns), in the order of ``info.columns``.
        ``wall``: (rows,), when each row was made, in seconds since 1970; None (default) for unknown.
        ``status``: how the run ended, see :class:`diagnostics.run.run.Run`; default "completed".
        ``epoch_rows``: rows of the table of epochs, each a mapping of fields to values; default none.
        ``validations``: rows of the table of validations, likewise; default none.
        ``events``: rows of the table of events, likewise; default none.
        ``arrays``: snapshot arrays by their paths; None (default) for none.

        Raises ValueError where the shape of ``values`` fits neither steps nor columns.
        """
        values = np.ascontiguousarray(values, dtype=np.float32)
        if values.shape != (len(steps), len(info.columns)):
            raise ValueError(f"values are {values.shape}, expected {(len(steps), len(info.columns))}")
        given = {EPOCHS: epoch_rows, VALIDATIONS: validations, EVENTS: events}
        tables = {table.path: records(table, rows) for table, rows in given.items()}
        return cls(Header(info, status=status), index_rows(steps, epochs, wall), values, tables, arrays or {})

    @property
    def status(self) -> str:
        """How the run ended."""
        return self.header.status

    def count(self) -> int:
        """The number of rows."""
        return len(self.index_rows)

    def index(self) -> Records:
        """Step, wall time and epoch of every row."""
        return self.index_rows

    def values(self, start: int, stop: int, columns: NDArray[np.intp] | None = None) -> Rows:
        """Rows ``start`` to ``stop`` (left out) of all or some columns."""
        rows = self.value_rows[start:stop]
        return rows if columns is None else rows[:, columns]

    def table(self, table: Table) -> Records:
        """The rows of one table; none where it was not given."""
        return self.tables.get(table.path, np.zeros(0, table.dtype))

    def array(self, array: Array) -> NDArray[Any]:
        """The rows of one snapshot array; none where it was not given."""
        return self.arrays.get(array.path, np.zeros((0,) * len(array.dims), array.dtype))

    def refresh(self) -> bool:
        """Nothing ever changes in memory."""
        return False

    def undone(self) -> Sequence[Source]:
        """A run in memory was never turned back."""
        return ()


def index_rows(steps: Any, epochs: Any, wall: Any = None) -> Records:
    """The index of rows in memory; wall times that were not given are NaN."""
    steps = np.asarray(steps, dtype=np.int64)
    rows = np.zeros(len(steps), INDEX.dtype)
    rows["step"] = steps
    rows["epoch"] = epochs
    rows["wall"] = np.nan if wall is None else wall
    return rows


def records(table: Table, entries: Any) -> Records:
    """A table in memory, from mappings of field names to values. Fields that are left out are 0, empty or NaN."""
    rows = np.zeros(len(entries), table.dtype)
    for name in rows.dtype.names or ():
        if rows.dtype[name].kind == "f":
            rows[name] = np.nan
    for i, entry in enumerate(entries):
        for name, value in entry.items():
            rows[name][i] = value.encode() if isinstance(value, str) else value
    return rows
