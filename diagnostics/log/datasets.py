"""Datasets that grow, written through h5py's low-level calls, which cost a third of its slicing."""

from __future__ import annotations

import zlib
from typing import Any

import h5py
import numpy as np
from h5py import h5s
from numpy.typing import NDArray

from diagnostics.schema.tables import Array, Table


class Growing:
    """A dataset that is only appended to."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._id = dataset.id
        self._tail: tuple[int, ...] = dataset.shape[1:]
        self._type = h5py.h5t.py_create(dataset.dtype)
        self.rows = int(dataset.shape[0])

    def append(self, rows: NDArray[Any]) -> None:
        """Write ``rows`` behind the last one."""
        count = len(rows)
        self._id.set_extent((self.rows + count, *self._tail))
        if rows.size:
            space = self._id.get_space()
            shape = (count, *self._tail)
            space.select_hyperslab((self.rows, *(0 for _ in self._tail)), shape)
            self._id.write(h5s.create_simple(shape), space, np.ascontiguousarray(rows), self._type)
        self.rows += count


def create_table(file: h5py.File, table: Table) -> Growing:
    """An empty table of the schema."""
    return Growing(
        file.create_dataset(table.path, (0,), table.dtype, maxshape=(None,), chunks=(table.chunk,), track_times=False)
    )


def create_array(file: h5py.File, array: Array, tail: tuple[int, ...]) -> Growing:
    """An empty array of the schema whose rows have the shape ``tail``."""
    # A chunk cannot have an axis of length 0, but a dataset can, if it may grow.
    chunk = (array.chunk, *(max(1, n) for n in tail))
    most = (None, *(n or None for n in tail))
    dataset = file.create_dataset(array.path, (0, *tail), array.dtype, maxshape=most, chunks=chunk, track_times=False)
    return Growing(dataset)


def with_crc(rows: NDArray[np.void], companions: list[NDArray[Any]] | None = None) -> NDArray[np.void]:
    """Fill the last field, ``crc``: over the companions' rows, in order, and the row's other fields."""
    rows["crc"] = checksums(rows, companions or [])
    return rows


def checksums(rows: NDArray[np.void], companions: list[NDArray[Any]]) -> NDArray[np.uint32]:
    """What ``crc`` must be for each row."""
    count = len(rows)
    if not count:
        return np.zeros(0, np.uint32)
    pieces = []
    for part in (*companions, rows):
        plain = np.ascontiguousarray(part[:count])
        width = plain.nbytes // count
        used = width - 4 if part is rows else width
        pieces.append((plain.view(np.uint8).reshape(-1).data, width, used))
    found = np.empty(count, dtype=np.uint32)
    crc32 = zlib.crc32
    for i in range(count):
        value = 0
        for view, width, used in pieces:
            value = crc32(view[i * width : i * width + used], value)
        found[i] = value
    return found


def trusted(rows: NDArray[np.void], companions: list[NDArray[Any]] | None = None) -> int:
    """How many rows, from the first on, agree with their CRC."""
    wrong = np.flatnonzero(checksums(rows, companions or []) != rows["crc"])
    return int(wrong[0]) if len(wrong) else len(rows)
