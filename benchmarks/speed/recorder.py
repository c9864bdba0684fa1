"""Measures what recording and judging cost, in pairs of runs with and without the recorder.

    python -m benchmarks.speed.recorder [--quick] [--write docs/benchmarks/recorder.md] [--against CHECKOUT]

The runs of a pair alternate in one process, so that other work of the machine slows both. Both have a hook that notes
when each step begins. After the pairs come the microseconds of each part, whole trainings as processes, and a million
rows. With --against, an older checkout with its own .venv is compared in alternating processes.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import common
from benchmarks.common import ROOT
from benchmarks.speed.recorder_parts import PartTimes, part_times
from benchmarks.speed.recorder_rows import RowTimes, many_rows
from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from lenet.data import Dataset, load_dataset
from lenet.hooks import Hook, StepStart
from lenet.model import Model
from lenet.settings import Settings

NETWORKS = ("lenet", "feedforward", "conv", "conv-pool", "conv2")
BATCHES = (32, 128, 512)
THREADS = (2, 1)
RUN_SECONDS, LEAST_STEPS, MOST_STEPS = 0.7, 30, 400
EPOCHS = 3


class StepClock(Hook):
    """Notes when each step begins."""

    def __init__(self) -> None:
        self.starts: list[float] = []

    def on_step_start(self, event: StepStart) -> None:
        self.starts.append(time.perf_counter())

    @property
    def steps(self) -> np.ndarray:
        """Seconds from step to step, hooks included, without the first step, which makes the workspaces."""
        return np.diff(self.starts)[1:]


@dataclass(frozen=True)
class Pairs:
    """Seconds of the steps of each run of one case: ``alone``, and with the ``recorder``, pair by pair."""

    network: str
    batch: int
    threads: int
    alone: list[np.ndarray]
    recorder: list[np.ndarray]

    def cells(self) -> list[str]:
        """The row of the table."""
        mean, quiet = self._costs(np.mean), self._costs(quiet_step)
        low, middle, high = np.percentile(mean, [25, 50, 75])
        alone, recorder = (statistics.median(map(quiet_step, runs)) for runs in (self.alone, self.recorder))
        return [
            self.network,
            str(self.batch),
            str(self.threads),
            f"{statistics.median(float(run.mean()) for run in self.alone) * 1e3:.2f}",
            f"{middle:+.1f} % ({low:+.1f} to {high:+.1f})",
            f"{statistics.median(quiet):+.1f} % ({(recorder - alone) * 1e6:.0f} us of {alone * 1e3:.2f} ms)",
        ]

    def _costs(self, of: Callable[[np.ndarray], Any]) -> list[float]:
        """By how many per cent the recorder makes the steps longer, pair by pair."""
        return [100 * (float(of(a)) / float(of(b)) - 1) for a, b in zip(self.recorder, self.alone, strict=True)]


def quiet_step(run: np.ndarray) -> float:
    """The time of a step without other work of the machine: the 10th percentile."""
    return float(np.percentile(run, 10))


@dataclass(frozen=True)
class RecorderCost:
    """What was measured.

    Args:
        quick: whether it was a short measurement.
        load: the load of the machine at the start and at the end.
        pairs: the pairs of each case.
        parts: microseconds of each part.
        bytes_a_step: the size of the log of three epochs of lenet, over its steps.
        reading: seconds to open and check that log and to make its frames.
        whole: seconds of processes that train lenet for three epochs, without and with the recorder.
        cpu: CPU microseconds a step in the recorder, of the other checkout and of this one; empty without another.
        rows: the times of many rows, one after another.
    """

    quick: bool
    load: tuple[float, float]
    pairs: Sequence[Pairs]
    parts: PartTimes
    bytes_a_step: float
    reading: float
    whole: tuple[list[float], list[float]]
    cpu: tuple[list[float], list[float]]
    rows: RowTimes


def one_run(model: Model, data: Dataset, batch: int, steps: int, hooks: list[Hook]) -> np.ndarray:
    """The seconds of the steps of one run."""
    clock = StepClock()
    X, y = data.X_train, data.y_train
    model.train(X, y, epochs=99, batch_size=batch, print_every=0, steps=steps, hooks=[clock, *hooks])
    return clock.steps


def model_of(network: str, batch: int, data: Dataset, threads: int = 2) -> Model:
    settings = Settings(network=network, lr=0.05, batch_size=batch, threads=threads)
    return settings.build_model(samples=len(data.X_train))


def paired(data: Dataset, network: str, batch: int, threads: int, count: int, folder: Path) -> Pairs:
    """``count`` pairs of runs of about RUN_SECONDS each."""

    def run(steps: int, hooks: list[Hook]) -> np.ndarray:
        return one_run(model_of(network, batch, data, threads), data, batch, steps, hooks)

    steps = int(np.clip(RUN_SECONDS / np.median(run(12, [])), LEAST_STEPS, MOST_STEPS))
    found = Pairs(network, batch, threads, [], [])
    for i in range(count):
        arms = [(found.alone, []), (found.recorder, [Recorder(folder / f"{network}-{batch}-{threads}-{i}.h5")])]
        for times, hooks in arms if i % 2 == 0 else reversed(arms):
            times.append(run(steps, list(hooks)))
    return found


def log_of_three_epochs(data: Dataset, folder: Path) -> tuple[float, float]:
    """Bytes a step of a log of three epochs of lenet, and the seconds it takes to read."""
    path = folder / "size.h5"
    steps = EPOCHS * -(-len(data.X_train) // 128)
    one_run(model_of("lenet", 128, data), data, 128, steps, [Recorder(path)])

    def read() -> float:
        started = time.perf_counter()
        run = open_run(path)
        _ = run.tensors, run.activations
        return time.perf_counter() - started

    return path.stat().st_size / steps, statistics.median(read() for _ in range(6))


WHOLE = """
import sys
from diagnostics import Recorder
from lenet.data import load_dataset
from lenet.settings import Settings
data = load_dataset()
model = Settings(network="lenet", lr=0.05, threads=2).build_model(samples=len(data.X_train))
hooks = [Recorder(sys.argv[1], overwrite=True)] if len(sys.argv) > 1 else []
model.train(data.X_train, data.y_train, epochs=3, batch_size=128, print_every=0, hooks=hooks)
"""


def whole_trainings(count: int, folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of processes that train lenet for three epochs, without and with the recorder, in turns."""
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(count):
        for times, arguments in zip(found, ([], [str(folder / "whole.h5")]), strict=True):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", WHOLE, *arguments], cwd=ROOT, check=True)
            times.append(time.perf_counter() - started)
    return found


# This runs in older checkouts too, since all its imports are as old as the first log.
CPU = """
import sys, time
import numpy as np
from diagnostics import Recorder
from lenet.data import load_dataset
from lenet.settings import Settings
STEPS = 400
spent, step = [0] * STEPS, [0]
def timed(handler, name):
    def wrapped(self, event):
        started = time.thread_time_ns()
        try:
            return handler(self, event)
        finally:
            spent[min(step[0], STEPS - 1)] += time.thread_time_ns() - started
            step[0] += name == "on_step_end"
    return wrapped
for name in ("on_step_start", "on_activations_ready", "on_gradients_ready", "on_update_done", "on_step_end"):
    setattr(Recorder, name, timed(getattr(Recorder, name), name))
data = load_dataset()
model = Settings(network="lenet", lr=0.05, threads=2).build_model(samples=len(data.X_train))
hooks = [Recorder(sys.argv[1])]
model.train(data.X_train, data.y_train, epochs=9, batch_size=128, print_every=0, steps=STEPS, hooks=hooks)
print(np.mean(spent) / 1e3)
"""


def cpu_against(other: Path | None, count: int, folder: Path) -> tuple[list[float], list[float]]:
    """CPU microseconds a step in the recorder's hooks, of another checkout and of this one, in turns."""
    found: tuple[list[float], list[float]] = ([], [])
    if other is not None:
        arms = ((other, str(other / ".venv/bin/python")), (ROOT, sys.executable))
        for i in range(count):
            for number, (times, (root, python)) in enumerate(zip(found, arms, strict=True)):
                log = folder / f"cpu-{i}-{number}.h5"
                environment = {**os.environ, "PYTHONPATH": str(root)}
                command = [python, "-c", CPU, str(log)]
                done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
                times.append(float(done.stdout))
    return found


def measure(quick: bool, against: Path | None, folder: Path) -> RecorderCost:
    """All measurements."""
    data = load_dataset()
    load = os.getloadavg()[0]
    count = 3 if quick else 7
    cases = [(network, batch, threads) for threads in THREADS for network in NETWORKS for batch in BATCHES]
    if quick:
        cases = [("lenet", 128, 2), ("lenet", 32, 2)]
    pairs = [paired(data, *case, count, folder) for case in cases]

    def recorded() -> int:
        one_run(model_of("lenet", 128, data), data, 128, 450, [Recorder(folder / "parts.h5", overwrite=True)])
        return 450

    parts = part_times(recorded)
    size, reading = log_of_three_epochs(data, folder)
    whole = whole_trainings(count, folder)
    cpu = cpu_against(against, count, folder)
    pattern = Recorder(folder / "pattern.h5")
    one_run(model_of("lenet", 128, data), data, 128, 200, [pattern])
    rows = many_rows(folder / "pattern.h5", 50_000 if quick else 1_000_000)
    return RecorderCost(quick, (load, os.getloadavg()[0]), pairs, parts, size, reading, whole, cpu, rows)


def prepare(cost: RecorderCost) -> dict[str, Any]:
    """What the template prints."""
    alone, recorder = (statistics.median(times) for times in cost.whole)
    ratios = [100 * (b / a - 1) for a, b in zip(*cost.whole, strict=True)]
    return {
        "cost": cost,
        "count": len(cost.pairs[0].alone),
        "pairs": [one.cells() for one in cost.pairs],
        "parts": cost.parts.cells(),
        "whole": [f"{alone:.2f} s", f"{recorder:.2f} s", f"{statistics.median(ratios):+.1f} %"],
        "cpu": [f"{statistics.median(times):.0f} us" for times in cost.cpu if times],
        "rows": [(f"{done:,}", f"{each:.0f}", f"{memory:.0f}") for done, each, memory in cost.rows.blocks],
        "memory": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}",
    }


def main() -> None:
    parser = common.parser("benchmarks.speed.recorder", __doc__)
    parser.add_argument("--quick", action="store_true", help="two cases, few runs and 50,000 rows")
    parser.add_argument("--against", type=Path, help="another checkout, with a .venv of its own")
    parser.add_argument("--write", type=Path, help="also write the page to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cost = measure(options.quick, options.against, Path(folder))
    common.publish(common.render("recorder.md.j2", prepare(cost)), options.write)


if __name__ == "__main__":
    main()
