"""Writers that can be killed: rows that say of themselves what they must be."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import struct
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diagnostics.log.superblock import lookup3
from diagnostics.log.writer import LogWriter
from diagnostics.run.run import Run
from diagnostics.schema.header import Header
from diagnostics.schema.tables import COUNTS, KERNELS, RANGES, SILENT
from tests.helpers.small_runs import small_info

INFO = small_info(total_steps=1_000_000)
WIDTH = len(INFO.columns)
ROWS = 200
"""Of a :func:`whole_log`."""


def row(step: int) -> NDArray[np.float32]:
    """The one row that step may have."""
    return (np.arange(WIDTH) * 0.5 + step).astype(np.float32)


def assert_right_rows(run: Run) -> None:
    """Each row that a run returns is the one that its step may have."""
    found = [(step, values.copy()) for step, _, values in run.rows()]
    expected = [row(step) for step, _ in found]
    np.testing.assert_array_equal([values for _, values in found], expected)


def writer(path: Path, **changes: object) -> LogWriter:
    return LogWriter(path, Header(INFO), **changes)  # type: ignore[arg-type]


def snapshot(step: int) -> dict[str, NDArray[np.generic]]:
    tensors, units = len(INFO.tensors), sum(layer.units for layer in INFO.layers)
    return {
        COUNTS.path: np.full((3, tensors, 32), step, np.uint32),
        RANGES.path: np.full((3, tensors, 2), step, np.float32),
        SILENT.path: np.full(units, step % 2, np.uint8),
        KERNELS.path: np.full(18, step, np.float32),
    }


def whole_log(path: Path) -> None:
    log = writer(path)
    for step in range(ROWS):
        log.row(step, 1, row(step))
        if step % 50 == 0:
            log.event(step, "rule", f"event {step}")
            log.snapshot(step, False, snapshot(step))
    log.close("completed")


def signed(data: bytearray) -> bytes:
    """A file whose superblock was changed, with the checksum that belongs to it."""
    struct.pack_into("<I", data, 44, lookup3(bytes(data[:44])))
    return bytes(data)


def use_all(run: Run) -> int:
    """Ask a run everything; every row it returns must be the right one."""
    assert_right_rows(run)
    for frame in (run.tensors, run.activations, run.epochs, run.validations, run.events, run.checkpoints):
        len(frame)
    for i, message in enumerate(run.events["message"]):
        assert message == f"event {50 * i}"
    for i, step in enumerate(run.snapshots.steps):
        assert step == 50 * i
        assert (run.snapshots.histogram("conv1", "weights", "value").counts[i] == step).all()
    return len(run)


def write_for_ever(path: Path, report: int, pause: float) -> None:
    """Rows, events and snapshots until somebody kills us; says through ``report`` which row was taken."""
    log = writer(path)
    for step in range(1_000_000):
        log.row(step, 1, row(step))
        if step % 50 == 0:
            log.event(step, "rule", f"event {step}")
            log.snapshot(step, False, snapshot(step))
        os.write(report, struct.pack("<q", step))
        if pause:
            time.sleep(pause)


def kill_many(folder: Path, count: int, seed: int) -> None:
    """Start ``count`` writers and kill each after a random number of rows; prints the paths and the rows handed over.

    Every tenth is killed without waiting for its first row, so perhaps before its log has a name.
    """
    rng = random.Random(seed)
    for i in range(count):
        path = folder / f"killed-{i}.h5"
        receive, report = os.pipe()
        fcntl.fcntl(report, fcntl.F_SETPIPE_SZ, 1 << 20)
        child = os.fork()
        if child == 0:
            os.close(receive)
            write_for_ever(path, report, rng.choice([0, 0, 0.0005]))
            os._exit(0)
        os.close(report)
        wanted = rng.randrange(1, 3000) if i % 10 else 0
        told = read_rows(receive, wanted)
        time.sleep(rng.uniform(0, 0.02))
        told += drain(receive, until_killed=child)
        sys.stdout.write(f"{path} {told}\n")


def read_rows(receive: int, wanted: int) -> int:
    """Read from the pipe until the writer has handed over so many rows; returns how many it had."""
    size = 0
    while size < 8 * wanted:
        size += len(os.read(receive, 8 * wanted - size))
    return size // 8


def drain(receive: int, until_killed: int) -> int:
    """Kill the child while reading what it says; returns how many rows more it had handed over."""
    os.kill(until_killed, signal.SIGKILL)
    size = 0
    while data := os.read(receive, 1 << 16):
        size += len(data)
    os.close(receive)
    os.waitpid(until_killed, 0)
    return size // 8


if __name__ == "__main__":
    kill_many(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
