"""What recording and judging cost: `python -m benchmarks.speed.recorder [--quick] [--write FILE.md]`.

Pairs of runs of the same model and data, one without and one with the recorder,
alternating in one process, so that what else the machine does hits both. A hook
that notes when each step begins is part of both. Then the microseconds of each
part, bytes a step, the recorder a user would write first, and a million rows.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks import common
from benchmarks.common import machine
from benchmarks.speed.recorder_parts import parts_table
from diagnostics.log.writer import LogWriter
from diagnostics.measure.tensors import exact_statistics
from diagnostics.provenance import commit
from diagnostics.record.events import Judge
from diagnostics.record.recorder import Recorder
from diagnostics.schema.header import Header
from lenet.data import Dataset, load_dataset
from lenet.hooks import Hook, RunStart, StepStart
from lenet.model import Model
from lenet.settings import Settings

CASES = (("lenet", 128), ("lenet", 32), ("feedforward", 128))


class StepClock(Hook):
    """Notes when each step begins."""

    def __init__(self) -> None:
        self.starts: list[float] = []

    def on_step_start(self, event: StepStart) -> None:
        self.starts.append(time.perf_counter())

    @property
    def steps(self) -> np.ndarray:
        """Seconds from step to step, hooks included; the first, which makes the workspaces, left out."""
        return np.diff(self.starts)[1:]


class Naive(Hook):
    """The recorder one writes first: a dataset a tensor, each resized at every step."""

    def __init__(self, path: Path) -> None:
        self.file = h5py.File(path, "w")

    def on_run_start(self, event: RunStart) -> None:
        self.tensors, self.datasets = event.tensors, {}
        for kind in ("value", "gradient", "update"):
            for t in event.tensors:
                name = f"{t.layer}/{t.tensor}/{kind}"
                self.datasets[kind, t] = self.file.create_dataset(name, (0, 7), "f4", maxshape=(None, 7))
        self.outputs: dict[str, Any] = {}

    def on_activations_ready(self, event: Any) -> None:
        for name, parts in event.outputs.items():
            if name not in self.outputs:
                self.outputs[name] = self.file.create_dataset(f"activations/{name}", (0, 4), "f4", maxshape=(None, 4))
            x = np.concatenate(parts)
            silent = ~x.reshape(-1, x.shape[-1]).any(axis=0)
            self._append(self.outputs[name], (x.mean(), x.std(), (x == 0).mean(), silent.mean()))

    def on_gradients_ready(self, event: Any) -> None:
        self.before = event.values.copy()
        self._measure("value", event.values)
        self._measure("gradient", event.gradients)

    def on_update_done(self, event: Any) -> None:
        self._measure("update", event.values - self.before)

    def on_run_end(self, event: Any) -> None:
        self.file.close()

    def _measure(self, kind: str, flat: Any) -> None:
        for t in self.tensors:
            self._append(self.datasets[kind, t], exact_statistics(flat[t.offset : t.offset + t.size]))

    @staticmethod
    def _append(dataset: Any, row: Any) -> None:
        dataset.resize(len(dataset) + 1, axis=0)
        dataset[-1] = row


@dataclass
class ArmTimes:
    """Step times of all runs of one arm, a list a run."""

    runs: list[np.ndarray]

    def mean(self) -> float:
        return statistics.median(float(run.mean()) for run in self.runs) * 1e3

    def quiet(self) -> float:
        return statistics.median(quiet_step(run) for run in self.runs) * 1e3


def quiet_step(run: np.ndarray) -> float:
    """A step that nothing else disturbed."""
    return float(np.percentile(run, 10))


def ratios(arm: ArmTimes, alone: ArmTimes, of: Callable[[np.ndarray], Any]) -> list[float]:
    """Per pair, by how many per cent the arm's steps are longer."""
    return [100 * (float(of(a)) / float(of(b)) - 1) for a, b in zip(arm.runs, alone.runs, strict=True)]


def model_of(network: str, batch: int, data: Dataset) -> Model:
    return Settings(network=network, lr=0.05, batch_size=batch).build_model(samples=len(data.X_train))


def one_run(model: Model, data: Dataset, batch: int, steps: int, hooks: list[Hook]) -> np.ndarray:
    clock = StepClock()
    model.train(
        data.X_train, data.y_train, epochs=99, batch_size=batch, print_every=0, steps=steps, hooks=[clock, *hooks]
    )
    return clock.steps


def paired(data: Dataset, network: str, batch: int, pairs: int, steps: int, folder: Path) -> dict[str, ArmTimes]:
    arms: dict[str, ArmTimes] = {name: ArmTimes([]) for name in ("alone", "recorder", "naive")}
    makers: dict[str, Callable[[Path], list[Hook]]] = {
        "alone": lambda path: [],
        "recorder": lambda path: [Recorder(path)],
        "naive": lambda path: [Naive(path)],
    }
    for i in range(pairs):
        for name, make in makers.items():
            hooks = make(folder / f"{network}-{batch}-{name}-{i}.h5")
            arms[name].runs.append(one_run(model_of(network, batch, data), data, batch, steps, hooks))
    return arms


def parts_of(data: Dataset, steps: int, folder: Path) -> Callable[[], int]:
    """A recorded run of lenet, to be timed part by part; returns the number of its steps."""

    def run() -> int:
        one_run(model_of("lenet", 128, data), data, 128, steps, [Recorder(folder / "parts.h5", overwrite=True)])
        return steps

    return run


def three_epochs(data: Dataset, folder: Path) -> str:
    """Size of the log of the report's three epochs, and how long it takes to read."""
    path = folder / "size.h5"
    steps = 1407
    settings = Settings(network="lenet", lr=0.05)
    model = settings.build_model(samples=len(data.X_train))
    model.train(data.X_train, data.y_train, epochs=3, batch_size=128, print_every=0, hooks=[Recorder(path)])
    from diagnostics.log.reader import open_run

    def read() -> float:
        started = time.perf_counter()
        run = open_run(path)
        _ = run.tensors, run.activations
        return time.perf_counter() - started

    read()
    seconds = statistics.median(read() for _ in range(5))
    return (
        f"\nThe log of 3 epochs of lenet (1,407 steps): {path.stat().st_size / steps:.0f} bytes a step; opened, "
        f"checked and read as the frames of tensors and activations in {seconds * 1e3:.0f} ms.\n"
    )


LONG_READ = """
import resource, sys, time
from diagnostics.log.reader import open_run
started = time.perf_counter()
run = open_run(sys.argv[1])
opened = time.perf_counter() - started
largest = max(part.tensors["norm"].max() for part in run.parts(10_000))
print(len(run), opened, time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def many_rows(data: Dataset, rows: int, folder: Path) -> str:
    """Write and judge ``rows`` rows of a recorded run over and over; then read them all in parts."""
    recorder = Recorder(folder / "pattern.h5")
    one_run(model_of("lenet", 128, data), data, 128, 200, [recorder])
    from diagnostics.log.reader import open_run

    info, pattern = open_run(folder / "pattern.h5").info, open_run(folder / "pattern.h5").block()
    path = folder / "long.h5"
    writer, judge = LogWriter(path, Header(info)), Judge(info, "long")
    lines = ["| rows so far | us a row, logged and judged | memory, MB |", "|---|---|---|"]
    block = rows // 5
    for part in range(5):
        started = time.perf_counter()
        for step in range(part * block, (part + 1) * block):
            row = pattern[step % len(pattern)]
            writer.row(step, 1, row)
            judge.observe(step, 1, row)
        microseconds = (time.perf_counter() - started) / block * 1e6
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        lines.append(f"| {(part + 1) * block:,} | {microseconds:.0f} | {memory:.0f} |")
    writer.close("completed")
    done = subprocess.run([sys.executable, "-c", LONG_READ, str(path)], capture_output=True, text=True, check=True)
    count, opened, whole, memory = (float(x) for x in done.stdout.split())
    path.unlink()
    return "\n".join(lines) + (
        f"\n\nReading them: opened and checked in {opened:.1f} s; all tensor statistics of {count:,.0f} steps as "
        f"frames, in parts of 10,000 steps, {whole:.0f} s and at most {memory:.0f} MB."
    )


def main() -> None:
    parser = common.parser("benchmarks.speed.recorder", __doc__)
    parser.add_argument("--quick", action="store_true", help="few short runs and 50,000 rows")
    parser.add_argument("--write", type=Path, help="also write the page to this file")
    options = parser.parse_args()
    pairs, steps, rows = (4, 100, 50_000) if options.quick else (9, 150, 1_000_000)
    data = load_dataset()
    page = [
        "# What recording and judging cost\n",
        f"`python -m benchmarks.speed.recorder{' --quick' if options.quick else ''}` at commit {commit()}; "
        f"{machine()}.\n",
        f"Every row of the table: {pairs} pairs of runs of {steps} steps, alternating in one process, two threads, "
        "everything on by default (all statistics at every step, histograms every 25 steps, detector, log; no "
        "checkpoints). Milliseconds a step are medians over the runs of each run's mean; the cost is the median over "
        "the pairs, with the range from the 25th to the 75th percentile. Beside it the same for the 10th percentile of "
        "each run's steps, which what else the machine does disturbs least; it leaves out flushes and snapshots, "
        "which the table below has. "
        f"Load of the machine at the start: {os.getloadavg()[0]:.1f} (an idle one has 0).\n",
        "| network | batch | step alone, ms | with recorder, ms | cost of a mean step | cost of a quiet step "
        "| a naive recorder (one dataset a tensor), ms | cost |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for network, batch in CASES:
            arms = paired(data, network, batch, pairs, steps, folder)
            alone, recorder, naive = arms["alone"], arms["recorder"], arms["naive"]
            cost = ratios(recorder, alone, np.mean)
            low, high = np.percentile(cost, [25, 75])
            middle = statistics.median(ratios(recorder, alone, quiet_step))
            more = (recorder.quiet() - alone.quiet()) * 1e3
            first = statistics.median(ratios(naive, alone, np.mean))
            page.append(
                f"| {network} | {batch} | {alone.mean():.2f} | {recorder.mean():.2f} | "
                f"{statistics.median(cost):+.1f} % ({low:+.1f} to {high:+.1f}) | {middle:+.1f} % "
                f"({more:.0f} us of {alone.quiet():.2f} ms) | {naive.mean():.2f} | {first:+.0f} % |"
            )
        page += ["\n## Microseconds, part by part (lenet, batch 128)\n"]
        page += [
            "With warm caches: the same call made again at once. The rest of its time goes into fetching code and data "
            "anew after a training step, which fills the caches with its own.\n",
            parts_table(parts_of(data, 3 * steps, folder)),
        ]
        page.append(three_epochs(data, folder))
        page += [
            f"## {rows:,} rows\n",
            "Ready-made rows, logged and judged one after another, with no training and no measuring between them.\n",
        ]
        page += [many_rows(data, rows, folder)]
    text = "\n".join(page) + "\n"
    common.publish(text, options.write)


if __name__ == "__main__":
    main()
