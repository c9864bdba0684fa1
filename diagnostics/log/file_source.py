"""FileSource: the rows and tables of an open log, as far as they agree with their checksums."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.thresholds import ThresholdsError
from diagnostics.errors import LogError
from diagnostics.log import superblock
from diagnostics.log.attributes import read_header
from diagnostics.log.datasets import trusted
from diagnostics.log.hdf5 import reason_in_a_line
from diagnostics.log.layout import snapshot_shapes
from diagnostics.log.native import ForeignContentError, NativeDataset, NativeFile
from diagnostics.run.source import Records, Rows
from diagnostics.schema.datasets import Array, Table
from diagnostics.schema.header import Header
from diagnostics.schema.tables import GROWING_TABLES, INDEX, ROLLBACKS, SNAPSHOT_ARRAYS, SNAPSHOTS, VALUES, rows_of
from lenet.errors import reason_of

TABLES = (*GROWING_TABLES, SNAPSHOTS)
SMALL_BLOCK = 64
# What h5py raises for structures that make no sense.
UNREADABLE = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, ArithmeticError, MemoryError)
LAST_STEP = 2**53
"""No training gets this far, and no number of steps beyond is exact in every frame."""


@dataclass(frozen=True)
class Opened:
    """An open file.

    file: as h5py has it. followed: whether it is open in SWMR mode, while ``alive()`` says that its writer lives.
    status: what a run is whose log says "running", since its writer did not close it.
    """

    file: h5py.File
    followed: bool = False
    alive: Callable[[], bool] = lambda: False
    status: str = "crashed"


Ways = Callable[[], Sequence[Callable[[], Opened]]]


class FileSource:
    """A :class:`diagnostics.run.source.Source` over an HDF5 file that stays open.

    ``ways`` gives the ways to open the file as it is now, the best first; they are
    asked again when the writer of a followed file is gone. ``problems`` says what
    was left out. Raises LogError where no way leads to a header that makes sense.
    """

    def __init__(self, path: Path, ways: Ways) -> None:
        self.path = path
        self._ways = ways
        self._frozen = False
        self._attach()

    def _attach(self) -> None:
        """Open the file as it is now, and take in its rows."""
        reason = ""
        for way in self._ways():
            try:
                opened = way()
            except UNREADABLE as error:
                reason = reason or _foreign(error)
                continue
            try:
                self._take(opened)
            except UNREADABLE as error:
                reason = reason or _foreign(error)
                with contextlib.suppress(*UNREADABLE):
                    opened.file.close()
                continue
            return
        try:
            reason = f"is no log as lenet-diag writes them: {reason}" if reason else superblock.damage(self.path)
        except OSError as error:  # gone since it was tried
            reason = f"cannot be read: {reason_of(error)}"
        raise LogError(f"{self.path}: {reason}")

    def _take(self, opened: Opened) -> None:
        """Go by this file from now on. Raises what h5py raises where header or steps are damaged."""
        self._native = native = NativeFile(opened.file)
        header = read_header(native)
        self._width = len(header.info.columns)
        self._opened = opened
        self.header, self.problems = _with_usable_thresholds(header)
        self._index: Records = np.zeros(0, INDEX.dtype)
        self._tables: dict[str, Records] = {}
        self._count = 0
        self._grow()

    @property
    def status(self) -> str:
        """What became of the run."""
        return self._opened.status if self.header.status == "running" else self.header.status

    def count(self) -> int:
        """The number of trusted rows."""
        return self._count

    def index(self) -> Records:
        """Step, wall time and epoch of the trusted rows."""
        return self._index

    def values(self, start: int, stop: int, columns: NDArray[np.intp] | None = None) -> Rows:
        """Rows ``start`` to ``stop`` (left out) of all or some columns."""
        start, stop = max(0, start), min(stop, self._count)
        width = self._width if columns is None else len(columns)
        if stop <= start:
            return np.zeros((0, width), np.float32)
        # h5py picks scattered columns one by one; whole rows in blocks are quicker and flat in memory.
        picked = np.empty((stop - start, width), np.float32)
        values = self._native.array(VALUES, (self._width,))
        for begin in range(start, stop, values.block):
            end = min(begin + values.block, stop)
            rows = self._read(values, begin, end)
            picked[begin - start : end - start] = rows if columns is None else rows[:, columns]
        return picked

    def table(self, table: Table) -> Records:
        """The trusted rows of one table."""
        if table.path not in self._tables:
            self._tables[table.path] = self._read_table(table)
        return self._tables[table.path]

    def array(self, array: Array) -> NDArray[Any]:
        """The trusted rows of one snapshot array."""
        tail = snapshot_shapes(self.header.info)[array.path]
        count = len(self.table(SNAPSHOTS))
        return self._read(self._native.array(array, tail), 0, count) if count else np.zeros((0, *tail), array.dtype)

    def refresh(self) -> bool:
        """Look for new rows and a new status; says whether anything changed. Raises LogError."""
        if self._frozen or not self._opened.followed:
            return False
        before = (self._count, self.status)
        known = {path: len(rows) for path, rows in self._tables.items()}
        if self._opened.alive():
            self._tables.clear()
            with contextlib.suppress(*UNREADABLE):
                self._grow()
        else:
            self._opened.file.close()
            self._attach()
        grown = [len(self.table(table)) != known[table.path] for table in TABLES if table.path in known]
        return any(grown) or before != (self._count, self.status)

    def undone(self) -> Sequence[FileSource]:
        """Rows are read here as they lie in the file, undone or not; a Timeline tells them apart."""
        return ()

    def freeze(self) -> None:
        """Keep to what is there now."""
        for table in TABLES:
            self.table(table)
        self._frozen = True

    def close(self) -> None:
        """Close the file."""
        self._opened.file.close()

    def _grow(self) -> None:
        """Take in rows behind those already trusted, until one does not agree with its CRC, or goes back in time."""
        # Opened anew each time: HDF5 keeps what it has read of a dataset as long as it is open.
        steps, values = self._native.table(INDEX), self._native.array(VALUES, (self._width,))
        if self._opened.followed:
            for dataset in (values, steps):
                dataset.refresh()
        end = min(len(steps), len(values))
        # Looked up after the number of rows, so that every rollback before one of them is known.
        turns = {int(row[rows_of(INDEX)]): int(row["step"]) for row in self.table(ROLLBACKS)}
        parts = [self._index]
        size, reason = values.block, ""
        while self._count < end:
            stop = min(self._count + size, end)
            try:
                rows = steps.read(self._count, stop)
                good = trusted(rows, [values.read(self._count, stop)])
            except UNREADABLE:
                if size > SMALL_BLOCK:
                    size = SMALL_BLOCK
                    continue
                rows, good, reason = self._index[:0], 0, "cannot be read"
            last = next((int(part["step"][-1]) for part in reversed(parts) if len(part)), -1)
            turned = [(place - self._count, step) for place, step in turns.items()]
            ordered = _in_order(rows[:good], last, turned)
            if ordered < good:
                good, reason = ordered, "are not in the order of their steps"
            parts.append(rows[:good])
            self._count += good
            if self._count < stop:
                reason = reason or "do not agree with their checksum"
                break
        self._index = np.concatenate(parts)
        if not self._opened.followed:
            if reason:
                self.problems.append(f"{end - self._count} rows from row {self._count} on {reason} and are left out")
            self.problems += filter(None, (steps.problem, values.problem))

    def _read_table(self, table: Table) -> Records:
        name = table.path.split("/")[0]
        if table.since > self.header.schema_version[1]:
            return np.zeros(0, table.dtype)
        try:
            found = self._native.table(table)
            shapes = snapshot_shapes(self.header.info) if table is SNAPSHOTS else {}
            arrays = [self._native.array(array, shapes[array.path]) for array in SNAPSHOT_ARRAYS] if shapes else []
            if self._opened.followed:
                for dataset in (found, *arrays):
                    dataset.refresh()
            count = min(len(one) for one in (found, *arrays))
            rows = _trusted_rows(found, arrays, count)
        except UNREADABLE as error:
            reason = _foreign(error) or f"the {name} cannot be read"
            self.problems.append(f"{reason}; they are left out" if _foreign(error) else f"{reason} and are left out")
            return np.zeros(0, table.dtype)
        if not self._opened.followed:
            if len(rows) < count:
                self.problems.append(f"{count - len(rows)} rows of {table.path} are damaged and left out")
            self.problems += filter(None, (one.problem for one in (found, *arrays)))
        return rows

    def _read(self, dataset: NativeDataset, start: int, stop: int) -> NDArray[Any]:
        """Rows that agreed with their checksum when they were taken in. Raises LogError where they are gone."""
        try:
            return dataset.read(start, stop)
        except UNREADABLE as error:
            reason = reason_in_a_line(error)
            raise LogError(f"{self.path}: rows {start} to {stop} cannot be read any more ({reason})") from None


def _trusted_rows(table: NativeDataset, arrays: Sequence[NativeDataset], count: int) -> Records:
    """The longest beginning of a table whose rows, together with those of the arrays, agree with their CRC."""
    parts: list[Records] = [table.read(0, 0)]
    block = min(one.block for one in (table, *arrays))
    for start in range(0, count, block):
        stop = min(start + block, count)
        rows = table.read(start, stop)
        good = trusted(rows, [array.read(start, stop) for array in arrays])
        parts.append(rows[:good])
        if good < len(rows):
            break
    return np.concatenate(parts)


def _in_order(rows: Records, last: int, turned: Sequence[tuple[int, int]]) -> int:
    """How many rows, from the first on, come after the step ``last`` and after one another.

    ``turned``: places among the rows at which the run was turned back, and the steps that it went on from.
    """
    steps = rows["step"]
    before = np.concatenate([[last], steps[:-1]])[: len(rows)]
    for place, step in turned:
        if 0 <= place < len(rows):
            before[place] = min(before[place], step - 1)
    wrong = np.flatnonzero((steps <= before) | (steps < 0) | (steps > LAST_STEP) | (rows["epoch"] < 1))
    return int(wrong[0]) if len(wrong) else len(rows)


def _foreign(error: BaseException) -> str:
    """Why the content is none of a log's; "" where it is damaged."""
    return str(error) if isinstance(error, ForeignContentError) else ""


def _with_usable_thresholds(header: Header) -> tuple[Header, list[str]]:
    """The header without thresholds that no detector can have, and what is wrong with them."""
    try:
        DEFAULT_THRESHOLDS.as_recorded(header.info.thresholds)
    except ThresholdsError as error:
        problem = f"its thresholds cannot be used ({error}); it is judged by the defaults"
        return replace(header, info=replace(header.info, thresholds={})), [problem]
    return header, []
