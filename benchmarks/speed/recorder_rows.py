"""Measures a million rows that are logged and judged one after another, and read again."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from diagnostics.log.reader import open_run
from diagnostics.log.writer import LogWriter
from diagnostics.record.events import Judge
from diagnostics.schema.header import Header

BLOCKS = 5
READ = """
import resource, sys, time
from diagnostics.log.reader import open_run
started = time.perf_counter()
run = open_run(sys.argv[1])
opened = time.perf_counter() - started
largest = max(part.tensors["norm"].max() for part in run.parts(10_000))
print(opened, time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@dataclass(frozen=True)
class RowTimes:
    """What many rows cost.

    Args:
        blocks: of each block the number of rows so far, microseconds a row, and the peak memory in MB.
        opened: seconds to open and check the log.
        read: seconds until all tensor statistics were read as frames, in parts.
        memory: the peak memory of the reading process, in MB.
    """

    blocks: list[tuple[int, float, float]]
    opened: float
    read: float
    memory: float


def many_rows(pattern: Path, rows: int) -> RowTimes:
    """Write and judge ``rows`` rows, those of the log ``pattern`` over and over; then read them all in parts."""
    run = open_run(pattern)
    info, values = run.info, run.block()
    path = pattern.with_name("long.h5")
    writer, judge = LogWriter(path, Header(info)), Judge(info, "long")
    block, blocks = rows // BLOCKS, []
    for part in range(BLOCKS):
        started = time.perf_counter()
        for step in range(part * block, (part + 1) * block):
            row = values[step % len(values)]
            writer.row(step, 1, row)
            judge.observe(step, 1, row)
        each = (time.perf_counter() - started) / block * 1e6
        blocks.append(((part + 1) * block, each, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
    writer.close("completed")
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    path.unlink()
    return RowTimes(blocks, *(float(x) for x in done.stdout.split()))
