"""The log file itself: made with every dataset that it will ever have, as SWMR asks for, and appended to."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from diagnostics.log import guards
from diagnostics.log.attributes import write_header
from diagnostics.log.datasets import append, create_array, create_table, with_crc
from diagnostics.log.hdf5 import open_hdf5
from diagnostics.log.layout import snapshot_shapes
from diagnostics.run.source import Records, Rows, Source
from diagnostics.run.timeline import is_before
from diagnostics.schema.columns import Columns
from diagnostics.schema.datasets import Table
from diagnostics.schema.header import Header
from diagnostics.schema.tables import GROWING_TABLES, INDEX, ROLLBACKS, SNAPSHOT_ARRAYS, SNAPSHOTS, VALUES, rows_of

# Superblock 3, which SWMR needs; files stay readable with HDF5 1.10 and later.
LIBVER = ("v110", "v110")
COPY_ROWS = 1024


@dataclass
class LogFile:
    """An open log file that grows by rows.

    ``file``: the file.
    ``descriptor``: its descriptor, for putting it on disk and for abandoning it.
    ``columns``: those of its rows.
    ``datasets``: the datasets that grow, by path.
    """

    file: h5py.File
    descriptor: int
    columns: Columns
    datasets: dict[str, h5py.Dataset]

    @classmethod
    def create(cls, path: Path, header: Header) -> LogFile:
        """Make an empty file a log without rows. Raises OSError where there is no room for it.

        It is laid out in memory and written in one piece: HDF5, when a disk fills up while
        it makes a file, crashes the process at its end.
        """
        image = _empty_log(header)
        path.write_bytes(image)
        file = open_hdf5(path, "r+", libver=LIBVER)
        growing = (VALUES, INDEX, *GROWING_TABLES, SNAPSHOTS, *SNAPSHOT_ARRAYS)
        datasets = {part.path: file[part.path] for part in growing}
        return cls(file, file.id.get_vfd_handle(), header.info.columns, datasets)

    def abandon(self) -> None:
        """After a failed write, not after a close: end it without touching the file again."""
        guards.poison(self.descriptor)
        with contextlib.suppress(Exception):
            self.file.close()

    def append_rows(self, index: Records, values: NDArray[np.float32]) -> None:
        """Rows of a step: values first, so that a reader who sees the index finds them."""
        with_crc(index, [values])
        append(self.datasets[VALUES.path], values)
        append(self.datasets[INDEX.path], index)

    def append(self, table: Table, rows: Records) -> None:
        """Rows of an ordinary table."""
        append(self.datasets[table.path], with_crc(rows))

    def append_snapshots(self, index: Records, arrays: dict[str, NDArray[Any]]) -> None:
        """Snapshots: their arrays, by path, first."""
        companions = [arrays[array.path] for array in SNAPSHOT_ARRAYS]
        with_crc(index, companions)
        for array, rows in zip(SNAPSHOT_ARRAYS, companions, strict=True):
            append(self.datasets[array.path], rows)
        append(self.datasets[SNAPSHOTS.path], index)

    def copy(self, source: Source, before: int | None = None) -> int:
        """Copy what can be trusted of another log, up to the step ``before`` (left out); returns the rows copied.

        Rows from before the run was turned back are all copied, those that are undone too. Columns that the other
        log does not have, since an older program wrote it, are NaN.
        """
        index = source.index()
        count = int(_copied(INDEX, index, before, source).sum())  # its rows are in order since the run was turned back
        for start in range(0, count, COPY_ROWS):
            stop = min(start + COPY_ROWS, count)
            self.append_rows(index[start:stop].copy(), self._in_own_order(source, source.values(start, stop)))
        for table in GROWING_TABLES:
            rows = source.table(table)
            self.append(table, rows[_copied(table, rows, before, source)].copy())
        snapshots = source.table(SNAPSHOTS)
        taken = _copied(SNAPSHOTS, snapshots, before, source)
        if taken.any():
            arrays = {a.path: np.ascontiguousarray(source.array(a)[: len(snapshots)][taken]) for a in SNAPSHOT_ARRAYS}
            self.append_snapshots(snapshots[taken].copy(), arrays)
        return count

    def _in_own_order(self, source: Source, rows: Rows) -> Rows:
        """Rows of another log with the columns of this one."""
        theirs = source.header.info.columns
        if theirs.names == self.columns.names:
            return np.ascontiguousarray(rows)
        arranged = np.full((len(rows), len(self.columns)), np.nan, np.float32)
        for own, name in enumerate(self.columns.names):
            place = theirs.find(name)
            if place is not None:
                arranged[:, own] = rows[:, place]
        return arranged


def _empty_log(header: Header) -> bytes:
    """All that a log has before its first row, as the bytes of a file."""
    # In memory too, HDF5 takes two files of one name for one file: logs may be made in several threads at once.
    with h5py.File(f"log-{uuid.uuid4().hex}", "x", libver=LIBVER, driver="core", backing_store=False) as file:
        write_header(file, header)
        create_array(file, VALUES, (len(header.info.columns),))
        for table in (INDEX, *GROWING_TABLES, SNAPSHOTS):
            create_table(file, table)
        shapes = snapshot_shapes(header.info)
        for array in SNAPSHOT_ARRAYS:
            create_array(file, array, shapes[array.path])
        file.flush()
        image: bytes = file.id.get_file_image()
        return image


def _copied(table: Table, rows: Records, before: int | None, source: Source) -> NDArray[np.bool_]:
    """Which rows of a table of ``source`` are copied: of those since the run was turned back the ones before a step."""
    copied = np.ones(len(rows), dtype=bool)
    if before is not None and table is not ROLLBACKS:
        rollbacks = source.table(ROLLBACKS)
        since = int(rollbacks[rows_of(table)][-1]) if len(rollbacks) else 0
        copied[since:] = is_before(table, rows[since:], before)
    return copied
