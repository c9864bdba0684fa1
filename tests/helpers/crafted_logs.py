"""Logs as somebody with ill intent, or another program, could make them: every one is HDF5 without a flaw."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from diagnostics.log.datasets import with_crc
from diagnostics.schema.tables import COLUMNS, EPOCHS, EVENTS, INDEX, LAYERS, SNAPSHOTS, TENSORS, VALUES
from tests.helpers.log_changes import (
    Change,
    appended,
    attribute,
    circle,
    claims,
    external_link,
    external_link_to_a_pipe,
    fields,
    filtered,
    missing,
    no_rows,
    one_chunk,
    raw_storage,
    replaced,
    rows_of,
    soft_link,
    steps,
    texts_of_any_length,
    virtual,
    wide_type,
)
from tests.helpers.log_writers import row

LARGE = 2**63 - 1
ODD_VALUES: list[Any] = [
    *map(np.int64, (0, -1, LARGE)),
    *map(np.float64, (np.nan, np.inf, 1e300)),
    *map(np.bytes_, ("{", "[]", "null", "[" * 9_000, '{"a": {"b": []}}')),
    *(np.uint64(2**64 - 1), np.complex128(1j), True, "text of any length"),
    *(np.zeros(0), np.zeros((2, 2)), np.arange(5), h5py.Empty("<f4")),
]
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
