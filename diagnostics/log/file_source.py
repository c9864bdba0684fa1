"""FileSource: the rows and tables of an open log, as far as they agree with their checksums."""

from __future__ import annotations

import contextlib
import os
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
from diagnostics.log.layout import records_of
from diagnostics.run.source import Records, Rows
from diagnostics.schema.header import Header
from diagnostics.schema.tables import GROWING_TABLES, INDEX, SNAPSHOT_ARRAYS, SNAPSHOTS, VALUES, Array, Table

TABLES = (*GROWING_TABLES, SNAPSHOTS)
BLOCK = 1024
SMALL_BLOCK = 64
# What h5py raises for structures that make no sense.
UNREADABLE = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, OverflowError, MemoryError)


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
        for way in self._ways():
            try:
                opened = way()
            except UNREADABLE:
                continue
            try:
                header = read_header(opened.file)
            except UNREADABLE:
                opened.file.close()
                continue
            self._opened = opened
            self.header, self.problems = _with_usable_thresholds(header)
            self._index: Records = np.zeros(0, INDEX.dtype)
            self._tables: dict[str, Records] = {}
            self._count = 0
            self._grow()
            return
        try:
            damage = superblock.damage(self.path)
        except OSError as error:  # gone since it was tried
            damage = f"cannot be read: {os.strerror(error.errno or 0).lower()}"
        raise LogError(f"{self.path}: {damage}")

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
        width = len(self.header.info.columns)
        if stop <= start:
            return np.zeros((0, width if columns is None else len(columns)), np.float32)
        dataset = self._opened.file[VALUES.path]
        if columns is None:
            return np.asarray(dataset[start:stop], dtype=np.float32)
        # h5py picks scattered columns one by one; whole rows in blocks are quicker and flat in memory.
        picked = np.empty((stop - start, len(columns)), np.float32)
        for begin in range(start, stop, BLOCK):
            end = min(begin + BLOCK, stop)
            picked[begin - start : end - start] = dataset[begin:end][:, columns]
        return picked

    def table(self, table: Table) -> Records:
        """The trusted rows of one table."""
        if table.path not in self._tables:
            self._tables[table.path] = self._read_table(table)
        return self._tables[table.path]

    def array(self, array: Array) -> NDArray[Any]:
        """The trusted rows of one snapshot array."""
        return np.asarray(self._opened.file[array.path][: len(self.table(SNAPSHOTS))])

    def refresh(self) -> bool:
        """Look for new rows and a new status; says whether anything changed. Raises LogError."""
        if self._frozen or not self._opened.followed:
            return False
        before = (self._count, self.status)
        known = {path: len(rows) for path, rows in self._tables.items()}
        if self._opened.alive():
            with contextlib.suppress(*UNREADABLE):
                for path in (VALUES.path, INDEX.path):
                    self._opened.file[path].refresh()
                self._grow()
            self._tables.clear()
        else:
            self._opened.file.close()
            self._attach()
        grown = [len(self.table(table)) != known[table.path] for table in TABLES if table.path in known]
        return any(grown) or before != (self._count, self.status)

    def freeze(self) -> None:
        """Keep to what is there now."""
        for table in TABLES:
            self.table(table)
        self._frozen = True

    def close(self) -> None:
        """Close the file."""
        self._opened.file.close()

    def _grow(self) -> None:
        """Take in rows behind those already trusted, until one does not agree with its CRC."""
        index, values = self._opened.file[INDEX.path], self._opened.file[VALUES.path]
        end = min(len(index), len(values))
        parts = [self._index]
        size, reason = BLOCK, ""
        while self._count < end:
            stop = min(self._count + size, end)
            try:
                rows = np.ascontiguousarray(index[self._count : stop].astype(INDEX.dtype))
                good = trusted(rows, [np.ascontiguousarray(values[self._count : stop], dtype="<f4")])
            except UNREADABLE:
                if size > SMALL_BLOCK:
                    size = SMALL_BLOCK
                    continue
                rows, good, reason = self._index[:0], 0, "cannot be read"
            parts.append(rows[:good])
            self._count += good
            if self._count < stop:
                reason = reason or "do not agree with their checksum"
                break
        self._index = np.concatenate(parts)
        if reason and not self._opened.followed:
            self.problems.append(f"{end - self._count} rows from row {self._count} on {reason} and are left out")

    def _read_table(self, table: Table) -> Records:
        companions: list[NDArray[Any]] = []
        try:
            if table.since > int(self._opened.file.attrs["schema_version"][1]):
                return np.zeros(0, table.dtype)
            dataset = self._opened.file[table.path]
            if self._opened.followed:
                dataset.refresh()
            rows = records_of(self._opened.file, table)
            if table is SNAPSHOTS:
                for array in SNAPSHOT_ARRAYS:
                    if self._opened.followed:
                        self._opened.file[array.path].refresh()
                    companions.append(np.asarray(self._opened.file[array.path][: len(rows)]))
                rows = rows[: min(len(part) for part in companions)]
            good = trusted(rows, companions)
        except UNREADABLE:
            self.problems.append(f"the {table.path.split('/')[0]} cannot be read and are left out")
            return np.zeros(0, table.dtype)
        if good < len(rows) and not self._opened.followed:
            self.problems.append(f"{len(rows) - good} rows of {table.path} are damaged and left out")
        return rows[:good]


def _with_usable_thresholds(header: Header) -> tuple[Header, list[str]]:
    """The header without thresholds that no detector can have, and what is wrong with them."""
    try:
        DEFAULT_THRESHOLDS.as_recorded(header.info.thresholds)
    except ThresholdsError as error:
        problem = f"its thresholds cannot be used ({error}); it is judged by the defaults"
        return replace(header, info=replace(header.info, thresholds={})), [problem]
    return header, []
