"""Single changes of a sound log, each of which leaves HDF5 without a flaw."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from diagnostics.log.datasets import with_crc
from diagnostics.schema.tables import COLUMNS, EVENTS, INDEX, LAYERS, TENSORS, VALUES
from tests.helpers.log_writers import whole_log

Change = Callable[[h5py.File, Path], None]


@cache
def _sound() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        whole_log(Path(folder) / "run.h5")
        return (Path(folder) / "run.h5").read_bytes()


def craft(path: Path, change: Change) -> None:
    """A sound log of 200 rows, changed."""
    path.write_bytes(_sound())
    with h5py.File(path, "r+", libver=("v110", "latest")) as file:
        change(file, path.parent)


def attribute(name: str, value: Any) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        del file.attrs[name]
        file.attrs[name] = value

    return change


def missing(path: str) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        del file[path]

    return change


def replaced(path: str, **given: Any) -> Change:
    """Another dataset in the place of one."""

    def change(file: h5py.File, folder: Path) -> None:
        del file[path]
        file.create_dataset(path, **given)

    return change


def fields(path: str, **values: Any) -> Change:
    """Other values in the first row of a table, with the checksum that belongs to them."""

    def change(file: h5py.File, folder: Path) -> None:
        rows = file[path][()]
        for name, value in values.items():
            rows[name][0] = value
        companions = [file[VALUES.path][()]] if path == INDEX.path else []
        file[path][...] = with_crc(rows, companions)

    return change


def appended(path: str, **values: Any) -> Change:
    """One row more in a table."""

    def change(file: h5py.File, folder: Path) -> None:
        dataset = file[path]
        rows = np.zeros(1, dataset.dtype)
        for name, value in values.items():
            rows[name] = value
        dataset.resize(len(dataset) + 1, axis=0)
        dataset[-1:] = with_crc(rows)

    return change


def external_link(path: str) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        (folder / "other.h5").write_bytes(_sound())
        del file[path]
        file[path] = h5py.ExternalLink(str(folder / "other.h5"), path)

    return change


def external_link_to_a_pipe(path: str) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        os.mkfifo(folder / "pipe")
        del file[path]
        file[path] = h5py.ExternalLink(str(folder / "pipe"), path)

    return change


def soft_link(path: str) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        file.move(path, "elsewhere")
        file[path] = h5py.SoftLink("/elsewhere")

    return change


def circle(path: str) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        del file[path]
        file[path] = h5py.SoftLink(f"/{path}")

    return change


def virtual(path: str, pipe: bool = False) -> Change:
    """A dataset that takes its rows from another file."""

    def change(file: h5py.File, folder: Path) -> None:
        shape, dtype = file[path].shape, file[path].dtype
        source = folder / "source.h5"
        if pipe:
            os.mkfifo(source)
        else:
            with h5py.File(source, "w") as other:
                other["x"] = file[path][()]
        layout = h5py.VirtualLayout(shape, dtype)
        layout[...] = h5py.VirtualSource(str(source), "x", shape)
        del file[path]
        file.create_virtual_dataset(path, layout)

    return change


def raw_storage(path: str, pipe: bool = False) -> Change:
    """A dataset whose bytes lie in another file."""

    def change(file: h5py.File, folder: Path) -> None:
        rows = file[path][()]
        raw = folder / "raw"
        if pipe:
            os.mkfifo(raw)
        else:
            raw.write_bytes(rows.tobytes())
        del file[path]
        file.create_dataset(path, rows.shape, rows.dtype, external=[(str(raw), 0, rows.nbytes)])

    return change


def filtered(path: str) -> Change:
    """A compressed dataset: 6 million rows of nothing in a few kilobytes."""

    def change(file: h5py.File, folder: Path) -> None:
        old = file[path]
        tail, dtype = old.shape[1:], old.dtype
        del file[path]
        most, chunks = (None, *tail), (100_000, *tail)
        file.create_dataset(path, (6_000_000, *tail), dtype, chunks=chunks, compression="gzip", maxshape=most)

    return change


def claims(path: str, rows: int) -> Change:
    """A dataset that claims rows that nobody wrote."""

    def change(file: h5py.File, folder: Path) -> None:
        file[path].resize(rows, axis=0)

    return change


def one_chunk(path: str, rows: int) -> Change:
    """A dataset of chunks of millions of rows."""

    def change(file: h5py.File, folder: Path) -> None:
        old = file[path]
        tail, dtype = old.shape[1:], old.dtype
        del file[path]
        file.create_dataset(path, (rows, *tail), dtype, chunks=(rows, *tail), maxshape=(None, *tail))

    return change


def steps(values: Any) -> Change:
    """Other steps, with rows that agree with their checksums."""

    def change(file: h5py.File, folder: Path) -> None:
        index = file[INDEX.path][()]
        index["step"] = np.resize(np.asarray(values, dtype=np.int64), len(index))
        file[INDEX.path][...] = with_crc(index, [file[VALUES.path][()]])

    return change


def rows_of(value: float) -> Change:
    """The same value in every column of every row."""

    def change(file: h5py.File, folder: Path) -> None:
        values = np.full(file[VALUES.path].shape, value, np.float32)
        file[VALUES.path][...] = values
        file[INDEX.path][...] = with_crc(file[INDEX.path][()], [values])

    return change


def no_rows(path: str) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        file[path].resize(0, axis=0)

    return change


def wide_type(path: str) -> Change:
    """Rows with a field of 2 GB."""

    def change(file: h5py.File, folder: Path) -> None:
        declared = file[path].dtype
        dtype = np.dtype([*((n, declared[n]) for n in declared.names), ("bomb", f"S{(1 << 31) - 1_000_000}")])
        del file[path]
        file.create_dataset(path, (1,), dtype, chunks=None)

    return change


def texts_of_any_length(path: str) -> Change:
    def change(file: h5py.File, folder: Path) -> None:
        declared = file[path].dtype
        dtype = np.dtype([*((n, declared[n]) for n in declared.names), ("more", h5py.string_dtype())])
        del file[path]
        file.create_dataset(path, (3,), dtype, maxshape=(None,))

    return change


def rename_layers(path: Path, names: Mapping[str, str]) -> None:
    """Give layers of a log other names, wherever they are written, with the checksums that belong to them."""

    def renamed(value: bytes) -> bytes:
        parts = [names.get(part, part) for part in value.decode().split("/")]
        return "/".join(parts).encode()

    with h5py.File(path, "r+") as file:
        places = {TENSORS: ["layer"], LAYERS: ["name"], COLUMNS: ["name", "layer"], EVENTS: ["layer"]}
        for table, columns in places.items():
            rows = file[table.path][()]
            for field in columns:
                rows[field] = [renamed(value) for value in rows[field]]
            file[table.path][...] = with_crc(rows)
