"""Logs as somebody with ill intent, or another program, could make them: every one is HDF5 without a flaw."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from diagnostics.log.datasets import with_crc
from diagnostics.schema.tables import COLUMNS, EPOCHS, EVENTS, INDEX, LAYERS, SNAPSHOTS, TENSORS, VALUES
from tests.helpers.log_writers import row, whole_log

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


def random_change(rng: random.Random) -> Change:
    """An attribute of another value or type, or other bytes in the first row of a table of the header."""

    def change(file: h5py.File, folder: Path) -> None:
        if rng.random() < 0.6:
            name = rng.choice(sorted(file.attrs))
            value = rng.choice([*ODD_VALUES, np.bytes_(rng.randbytes(9) + b"x"), np.int64(rng.randint(-9, 9))])
            attribute(name, value)(file, folder)
            return
        path = rng.choice([TENSORS.path, LAYERS.path, COLUMNS.path])
        rows = file[path][()]
        field = rng.choice([name for name in rows.dtype.names if name != "crc"])
        rows[field][0] = np.frombuffer(rng.randbytes(rows.dtype[field].itemsize), rows.dtype[field])[0]
        file[path][...] = with_crc(rows)

    return change


LARGE = 2**63 - 1
ODD_VALUES: list[Any] = [
    np.int64(0), np.int64(-1), np.int64(LARGE), np.uint64(2**64 - 1), np.float64(np.nan), np.float64(np.inf), True,
    np.float64(1e300), np.complex128(1j), np.bytes_("{"), np.bytes_("[]"), np.bytes_("null"), np.bytes_("[" * 9_000),
    np.bytes_('{"a": {"b": []}}'), np.zeros(0), np.zeros((2, 2)), np.arange(5), "text of any length", h5py.Empty("<f4"),
]  # fmt: skip
PATHS = (VALUES.path, INDEX.path, "steps", EVENTS.path, EPOCHS.path, SNAPSHOTS.path, TENSORS.path, COLUMNS.path)
NOT_READ: dict[str, Change] = {
    **{f"external link {p}": external_link(p) for p in PATHS},
    **{f"external link to a pipe {p}": external_link_to_a_pipe(p) for p in PATHS},
    **{f"soft link {p}": soft_link(p) for p in PATHS},
    **{f"circle {p}": circle(p) for p in (VALUES.path, "layout")},
    **{f"virtual {p}": virtual(p) for p in PATHS if p != "steps"},
    **{f"virtual from a pipe {p}": virtual(p, pipe=True) for p in (VALUES.path, EVENTS.path)},
    **{f"raw storage {p}": raw_storage(p) for p in PATHS if p != "steps"},
    **{f"raw storage in a pipe {p}": raw_storage(p, pipe=True) for p in (VALUES.path, EVENTS.path)},
    **{f"filter {p}": filtered(p) for p in (VALUES.path, INDEX.path, EVENTS.path, "snapshots/counts")},
}
"""Content that lies elsewhere, or that a filter makes."""

BOMBS: dict[str, Change] = {
    **{f"claims 2 GB {p}": claims(p, 5_000_000) for p in (INDEX.path, EVENTS.path, EPOCHS.path, SNAPSHOTS.path)},
    "claims 2 GB of values": claims(VALUES.path, 10_000_000),
    "claims 2 GB of tensors": claims(TENSORS.path, 20_000_000),
    "claims 2 GB of columns": claims(COLUMNS.path, 10_000_000),
    "claims 2^40 counts": claims("snapshots/counts", 2**40),
    **{f"chunks of 4 million rows {p}": one_chunk(p, 4_000_000) for p in (EVENTS.path, VALUES.path, INDEX.path)},
    "rows of 2 GB": wide_type(EVENTS.path),
    "texts of any length": texts_of_any_length(EVENTS.path),
    "a description of 8 MB": attribute("description", np.bytes_(b'{"a": "' + b"x" * 60_000 + b'"}')),
}

HEADERS: dict[str, Change] = {
    **{
        f"{name} 0": attribute(name, np.int64(0)) for name in ("batch_size", "samples", "epochs", "log_every", "window")
    },
    **{
        f"{name} negative": attribute(name, np.int64(-1))
        for name in ("batch_size", "steps_per_epoch", "total_steps", "histograms_every")
    },
    "seed below -1": attribute("seed", np.int64(-2)),
    **{f"{name} 2^63": attribute(name, np.int64(LARGE)) for name in ("total_steps", "steps_per_epoch", "window")},
    "batch_size a float": attribute("batch_size", np.float64(8)),
    "batch_size a list": attribute("batch_size", np.array([8, 8])),
    "batch_size a text": attribute("batch_size", np.bytes_("8")),
    "prior infinite": attribute("prior", np.array([np.inf, 0.0])),
    "prior NaN": attribute("prior", np.array([np.nan, np.nan])),
    "prior negative": attribute("prior", np.array([1.5, -0.5])),
    "prior 7": attribute("prior", np.array([7.0])),
    "prior of no class": attribute("prior", np.zeros(0)),
    "prior a table": attribute("prior", np.full((2, 2), 0.25)),
    **{
        f"{name} a list": attribute(name, np.bytes_("[1, 2]"))
        for name in ("description", "settings", "environment", "thresholds")
    },
    "settings no JSON": attribute("settings", np.bytes_("{")),
    "settings nested": attribute("settings", np.bytes_("[" * 60_000)),
    **{
        f"settings of another type {n}": attribute("settings", np.bytes_(text))
        for n, text in enumerate(('{"lr": [1]}', '{"network": {}}', '{"threads": "x"}', '{"shuffle": 1}', '{"a": []}'))
    },
    "settings any length": attribute("settings", "{}"),
    "status 99": attribute("status", np.int64(99)),
    "status -1": attribute("status", np.int64(-1)),
    "schema_version one number": attribute("schema_version", np.array([1], np.int32)),
    "no tensors": no_rows(TENSORS.path),
    "no layers": no_rows(LAYERS.path),
    "no columns": no_rows(COLUMNS.path),
    **{f"missing {p}": missing(p) for p in (*PATHS[:3], TENSORS.path, COLUMNS.path, "layout")},
    "another width": replaced(VALUES.path, shape=(200, 7), dtype="<f4", maxshape=(None, 7)),
    "another rank": replaced(VALUES.path, shape=(200,), dtype="<f4", maxshape=(None,)),
    "values of eight bytes": replaced(VALUES.path, shape=(200, len(row(0))), dtype="<f8"),
    "values nothing": replaced(VALUES.path, dtype="<f4", shape=None, data=h5py.Empty("<f4")),
    "steps a list": replaced(INDEX.path, data=np.arange(200)),
    "tensors a list": replaced(TENSORS.path, data=np.arange(4)),
    "layout a dataset": replaced("layout", data=np.arange(4)),
    "tensor of -1 axes": fields(TENSORS.path, ndim=-1),
    "tensor of 99 axes": fields(TENSORS.path, ndim=99),
    "tensor of negative sides": fields(TENSORS.path, shape=[-3, -3, 1, 2, 0, 0, 0, 0]),
    "tensor of 2^62 entries": fields(TENSORS.path, size=2**62),
    "tensor elsewhere": fields(TENSORS.path, offset=5),
    "tensor without a name": fields(TENSORS.path, layer=b""),
    "tensor named strangely": fields(TENSORS.path, tensor=b"kernels"),
    "layer of 2^62 units": fields(LAYERS.path, units=2**62),
    "layer named twice": fields(LAYERS.path, name=b"dense1"),
    "column named twice": fields(COLUMNS.path, group=b"scalar", statistic=b"accuracy"),
    "column unknown": fields(COLUMNS.path, statistic=b"something"),
}
"""Headers that say what no run can be."""

ODD_ROWS: dict[str, Change] = {
    "steps 2^63": steps(LARGE),
    "steps negative": steps(-5),
    "steps all 0": steps(0),
    "steps backwards": steps(np.arange(200)[::-1]),
    "steps far apart": steps(np.arange(200) * 2**44),
    "rows NaN": rows_of(np.nan),
    "rows infinite": rows_of(np.inf),
    "rows -infinite": rows_of(-np.inf),
    "rows 0": rows_of(0.0),
    "rows -1": rows_of(-1.0),
    "rows 3e38": rows_of(3e38),
    "events a list": replaced(EVENTS.path, data=np.arange(3)),
    "events missing": missing(EVENTS.path),
    "snapshots missing": missing("snapshots"),
    "event of bytes": appended(EVENTS.path, step=LARGE, event=b"\xff\xfe", message=b"\xff" * 320, value=np.inf),
    "event at the end": appended(EVENTS.path, step=LARGE, event=b"end"),
    "event of a step below 0": appended(EVENTS.path, step=-LARGE, event=b"end"),
    "epoch of 2^63 steps": appended(EPOCHS.path, epoch=7, first_step=-LARGE, last_step=LARGE, loss=np.nan),
    "epoch -5": appended(EPOCHS.path, epoch=-5, first_step=3, last_step=2, accuracy=np.inf, seconds=-np.inf),
    "epochs of one number": appended(EPOCHS.path, epoch=1, first_step=0, last_step=9),
    "validation at 2^63": appended("validations", epoch=3, step=LARGE, loss=np.inf, accuracy=np.nan, seconds=np.nan),
    "snapshot at 2^63": fields(EVENTS.path, step=LARGE),
    "checkpoint elsewhere": appended("checkpoints", step=LARGE, file=b"../../../etc/passwd", bytes=-1),
    "created never": attribute("created", np.float64(np.nan)),
    "created in 1e300": attribute("created", np.float64(1e300)),
    "seconds infinite": attribute("seconds", np.float64(np.inf)),
    "seed 2^63": attribute("seed", np.int64(LARGE)),
    "threads a list": attribute("environment", np.bytes_('{"threads": [1], "commit": 7, "host": null}')),
    "settings out of range": attribute("settings", np.bytes_('{"lr": -5, "momentum": 7, "l1": "x"}')),
    "settings of a later version": attribute("settings", np.bytes_('{"network": "vgg", "lr": 1e400, "seed": -1}')),
    "description of other types": attribute("description", np.bytes_('{"optimizer": 7, "learning_rate": {}}')),
}
"""Rows and remarks that agree with their checksums and make little sense."""


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
