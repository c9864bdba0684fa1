"""What is read of an HDF5 file that anybody may have made: plain data that lie in the file itself.

HDF5 can do much more than a log needs. Its links lead into other files, some of which never answer; its virtual and
external datasets take their numbers from there; a filter makes gigabytes of a few bytes; a dataset of no
numbers claims a billion rows. :class:`NativeFile` reads datasets that hang in the file by hard links, hold what the
schema declares, and use none of that. Nothing is allocated that the file could not hold.

It makes the low-level calls of h5py, which take a third of the time of the others.
"""

from __future__ import annotations

import math
import os
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5i, h5l, h5o, h5s, h5t
from numpy.typing import NDArray

from diagnostics.schema.datasets import Array, Table

LARGEST_CHUNK, LARGEST_ROW, LARGEST_ATTRIBUTE = 256_000_000, 64_000_000, 16_000_000
"""Bytes: far more than any log has."""
BLOCK_ROWS, BLOCK_BYTES = 1024, 4_000_000
"""What is read at a time, so that memory stays flat."""


class ForeignContentError(ValueError):
    """Something in the file that no writer of logs makes."""

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in message))  # names may hold anything


class NativeFile:
    """An open HDF5 file, of which only plain data are read.

    All methods raise ForeignContentError for content that is something else, and what h5py
    raises (KeyError, OSError, RuntimeError, ...) for damaged content.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    def has_attribute(self, name: str) -> bool:
        """Whether the root has an attribute of this name."""
        return bool(h5a.exists(self._file.id, name.encode()))

    def attribute(self, name: str) -> NDArray[Any]:
        """An attribute of the root: numbers, or one text of fixed length as an array of bytes. Raises KeyError."""
        attribute = h5a.open(self._file.id, name.encode())
        kind = attribute.get_type()
        if not isinstance(kind, h5t.TypeIntegerID | h5t.TypeFloatID | h5t.TypeStringID) or _is_variable(kind):
            raise ForeignContentError(f"the attribute {name} is neither a number nor a text of fixed length")
        if len(attribute.shape) > 1 or math.prod(attribute.shape) * kind.get_size() > LARGEST_ATTRIBUTE:
            raise ForeignContentError(f"the attribute {name} is larger than any of a log")
        found = np.zeros(attribute.shape, kind.dtype)
        attribute.read(found)
        return found

    def table(self, table: Table) -> NativeDataset:
        """A table of the schema; fields that a newer version added are left out."""
        found = self._dataset(table.path)
        stored = found.dtype
        for field in table.dtype.names or ():
            if field not in (stored.names or ()) or stored[field] != table.dtype[field]:
                raise ForeignContentError(f"{table.path} has no {field} as a log has it")
        return NativeDataset(found, table.path, table.dtype, (), table.most)

    def array(self, array: Array, tail: tuple[int, ...]) -> NativeDataset:
        """An array of the schema whose rows have the shape ``tail``."""
        found = self._dataset(array.path)
        if found.dtype != np.dtype(array.dtype):
            raise ForeignContentError(f"{array.path} holds {found.dtype}, a log has {np.dtype(array.dtype)} there")
        return NativeDataset(found, array.path, found.dtype, tail, array.most)

    def _dataset(self, path: str) -> h5d.DatasetID:
        place: Any = self._file.id
        for name in path.split("/"):
            if not isinstance(place, h5g.GroupID):
                raise ForeignContentError(f"{path}: a part of it is no group")
            if place.links.get_info(name.encode()).type != h5l.TYPE_HARD:
                raise ForeignContentError(f"{path} is a link to another place")
            place = h5o.open(place, name.encode())
        if not isinstance(place, h5d.DatasetID):
            raise ForeignContentError(f"{path} is no dataset")
        _check_storage(path, place)  # before its size is asked for, which opens what a virtual dataset is made of
        return place


class NativeDataset:
    """A dataset of declared rows. ``problem`` says where it claims more rows than can be there; "" where it does not.

    dataset: its identifier. path: its name in the file. dtype: of a row, or of its numbers. tail: the shape of a row.
    most: how many rows are read at most.
    """

    def __init__(
        self, dataset: h5d.DatasetID, path: str, dtype: np.dtype[Any], tail: tuple[int, ...], most: int
    ) -> None:
        self._dataset, self._path, self._dtype, self._tail, self._most = dataset, path, dtype, tail, most
        shape: tuple[int, ...] | None = dataset.shape
        if not shape or shape[1:] != tail:
            found = "nothing" if shape is None else " x ".join(map(str, shape)) or "one number"
            raise ForeignContentError(f"{path} is {found}, a log has rows of {' x '.join(map(str, tail)) or 'fields'}")
        self._row_size: int = dataset.dtype.itemsize * math.prod(tail)
        if self._row_size > LARGEST_ROW:
            raise ForeignContentError(f"{path} has rows of {self._row_size:,} bytes, more than any log")

    @property
    def problem(self) -> str:
        """What is wrong with the number of its rows."""
        claimed: int = self._dataset.shape[0]
        return "" if len(self) == claimed else f"{self._path} claims {claimed:,} rows, more than can be there"

    def __len__(self) -> int:
        """Its rows, as far as the file has room for them: without filters it cannot hold more."""
        size = os.fstat(h5i.get_file_id(self._dataset).get_vfd_handle()).st_size
        room = size // self._row_size if self._row_size else self._most
        return int(min(self._dataset.shape[0], room, self._most))

    @property
    def block(self) -> int:
        """How many rows to read at a time."""
        return max(1, min(BLOCK_ROWS, BLOCK_BYTES // max(1, self._row_size)))

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop`` (left out)."""
        shape = (stop - start, *self._tail)
        rows = np.empty(shape, self._dataset.dtype)
        if rows.size:
            space = self._dataset.get_space()
            space.select_hyperslab((start, *(0 for _ in self._tail)), shape)
            self._dataset.read(h5s.create_simple(shape), space, rows, self._dataset.get_type())
        if self._dtype.names and rows.dtype != self._dtype:
            rows = rows[list(self._dtype.names)]
        return np.ascontiguousarray(rows, dtype=self._dtype)

    def refresh(self) -> None:
        """Take notice of rows that were written since."""
        self._dataset.refresh()


def _check_storage(path: str, dataset: h5d.DatasetID) -> None:
    """Refuse a dataset whose bytes do not lie in this file as they are."""
    creation = dataset.get_create_plist()
    layout = creation.get_layout()
    if layout == h5d.VIRTUAL or creation.get_external_count():
        raise ForeignContentError(f"{path} takes its numbers from other files")
    if creation.get_nfilters():
        raise ForeignContentError(f"{path} uses a filter, which no log does")
    kind = dataset.get_type()
    if layout == h5d.CHUNKED and math.prod(creation.get_chunk()) * kind.get_size() > LARGEST_CHUNK:
        raise ForeignContentError(f"{path} has chunks larger than any of a log")
    if dataset.dtype.hasobject:
        raise ForeignContentError(f"{path} holds texts of any length or references, which no log has")


def _is_variable(kind: Any) -> bool:
    return isinstance(kind, h5t.TypeStringID) and bool(kind.is_variable_str())
