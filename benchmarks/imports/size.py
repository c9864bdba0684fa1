"""Measures how long it takes to read and judge a million scalars.

    python -m benchmarks.imports.size

Writes half a million losses and as many accuracies as CSV, JSON lines, printed text, Parquet, TensorBoard events
and a trackio database into a temporary folder; each is read and judged in a process of its own. Prints seconds of the
processor, and peak memory.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks import common
from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.formats.tensorboard import checksum

SCALARS = 1_000_000


def numbers(rows: int) -> Iterable[tuple[int, float, float]]:
    """Step, loss and accuracy of a run that learns."""
    generator = np.random.default_rng(0)
    loss = 2.2 * np.exp(-np.arange(rows) / 500) + 0.1 + 0.01 * generator.random(rows)
    accuracy = generator.binomial(128, 0.95, rows) / 128
    return zip(range(rows), loss.tolist(), accuracy.tolist(), strict=True)


def write_csv(path: Path, rows: int) -> None:
    path.write_text("step,loss,accuracy\n" + "\n".join(f"{s},{a:.7g},{b:.7g}" for s, a, b in numbers(rows)))


def write_json_lines(path: Path, rows: int) -> None:
    path.write_text("\n".join(json.dumps({"step": s, "loss": a, "accuracy": b}) for s, a, b in numbers(rows)))


def write_text(path: Path, rows: int) -> None:
    path.write_text("\n".join(f"step {s}: loss {a:.7g}, accuracy {b:.7g}" for s, a, b in numbers(rows)))


def write_parquet(path: Path, rows: int) -> None:
    import pandas as pd

    pd.DataFrame(list(numbers(rows)), columns=["step", "loss", "accuracy"]).to_parquet(path)


def write_events(path: Path, rows: int) -> None:
    with path.open("wb") as file:
        for step, loss, accuracy in numbers(rows):
            for tag, value in ((b"loss", loss), (b"accuracy", accuracy)):
                scalar = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", value)
                summary = b"\x0a" + bytes([len(scalar)]) + scalar
                event = b"\x09" + struct.pack("<d", 1.7e9) + b"\x10" + varint(step)
                event += b"\x2a" + bytes([len(summary)]) + summary
                head = struct.pack("<Q", len(event))
                file.write(head + struct.pack("<I", checksum(head)) + event + struct.pack("<I", checksum(event)))


def varint(value: int) -> bytes:
    """A number as protocol buffers have it."""
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def write_trackio(path: Path, rows: int) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_name TEXT, step INTEGER, metrics TEXT)")
        lines = (("run", s, json.dumps({"loss": a, "accuracy": b})) for s, a, b in numbers(rows))
        database.executemany("INSERT INTO metrics (run_name, step, metrics) VALUES (?, ?, ?)", lines)


FILES: dict[str, Callable[[Path, int], None]] = {
    "run.csv": write_csv,
    "run.jsonl": write_json_lines,
    "run.log": write_text,
    "run.parquet": write_parquet,
    "run.tfevents": write_events,
    "run.db": write_trackio,
}


def measure(path: Path) -> str:
    """Seconds of the processor and peak memory of reading and judging one file, in this process."""
    started = process_time()
    [run] = import_runs(path, ImportOptions(classes=10))
    read = process_time() - started
    verdict = run.verdict
    seconds = process_time() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"| {path.name} | {len(run):,} | {read:.1f} | {seconds:.1f} | {megabytes:,.0f} | {verdict} |"


def main() -> None:
    parser = common.parser("benchmarks.imports.size", __doc__)
    parser.add_argument("--scalars", type=int, default=SCALARS, help="how many numbers a file has")
    parser.add_argument("--file", type=Path, help="read this file only, and print its row")
    options = parser.parse_args()
    if options.file:
        print(measure(options.file))
        return
    print(f"{common.machine()}\n\n| file | rows | read, CPU s | read and judged, CPU s | peak, MB | verdict |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, write in FILES.items():
            path = Path(folder) / name
            write(path, options.scalars // 2)
            program = [sys.executable, "-m", "benchmarks.imports.size", "--file", str(path)]
            print(subprocess.run(program, check=True, capture_output=True, text=True).stdout, end="", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
