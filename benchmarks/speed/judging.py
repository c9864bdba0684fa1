"""Measures what judging costs: microseconds a step, while nothing is suspected and while something is.

    python -m benchmarks.speed.judging [--steps 1407] [--repeats 5] [--write FILE.md]

Rows of a lenet that learns, and of one that guesses from the start, go through the
detector one at a time, as the recorder gives them. The goal is under 20 us a step
while nothing is suspected.

In a training the same work takes longer, since the step before it has emptied the caches
of the detector's code and data. Two more rows show that: the same rows with 64 MB
written between one and the next, and the detector of a recorder inside a training.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import common
from diagnostics.detect.detector import Detector
from diagnostics.record.recorder import Recorder
from diagnostics.schema.run_info import RunInfo
from lenet.data import load_dataset
from lenet.settings import Settings


def recorded(lr: float, steps: int) -> tuple[RunInfo, NDArray[np.float32]]:
    """The rows of a lenet of ``steps`` steps."""
    data = load_dataset(limit=12_800)
    rows: list[NDArray[np.float32]] = []

    class Keep(Recorder):
        def on_step_end(self, event):  # type: ignore[no-untyped-def]
            super().on_step_end(event)
            rows.append(np.array(self.latest))

    recorder = Keep(histograms_every=0, detector=False)
    settings = Settings(network="lenet", lr=lr, seed=3)
    model = settings.build_model(samples=len(data.X_train))
    model.train(data.X_train, data.y_train, epochs=99, batch_size=128, print_every=0, hooks=[recorder], steps=steps)
    return recorder.info, np.array(rows)


def cost(info: RunInfo, rows: NDArray[np.float32], written_between: int = 0) -> NDArray[np.float64]:
    """Microseconds of each step, with so many megabytes written before each."""
    detector = Detector(info)
    spent = np.empty(len(rows))
    other = np.zeros(written_between << 17)
    for step, row in enumerate(rows):
        other += 1.0
        started = perf_counter()
        detector.observe(step, 1 + step // info.steps_per_epoch, row)
        spent[step] = (perf_counter() - started) * 1e6
    return spent


def cost_in_training(steps: int) -> NDArray[np.float64]:
    """Microseconds of each step inside a training of lenet on one thread."""
    spent: list[float] = []

    class Timed(Recorder):
        def on_run_start(self, event):  # type: ignore[no-untyped-def]
            super().on_run_start(event)
            observe = self.detector.observe

            def timed(*row):  # type: ignore[no-untyped-def]
                started = perf_counter()
                found = observe(*row)
                spent.append((perf_counter() - started) * 1e6)
                return found

            self.detector.observe = timed

    data = load_dataset(limit=12_800)
    settings = Settings(network="lenet", lr=0.1, seed=3, threads=1)
    model = settings.build_model(samples=len(data.X_train))
    model.train(
        data.X_train,
        data.y_train,
        epochs=99,
        batch_size=128,
        print_every=0,
        hooks=[Timed(histograms_every=0)],
        steps=steps,
    )
    return np.array(spent)


def prepare(measured: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """The numbers for the template, from the microseconds of each step, by the rows that were judged."""
    rows = [
        (name, f"{np.median(spent):.1f}", f"{spent.mean():.1f}", f"{np.percentile(spent, 99):.1f}")
        for name, spent in measured.items()
    ]
    return {"rows": rows}


def main() -> None:
    parser = common.parser("benchmarks.speed.judging", __doc__)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    measured = {}
    for name, lr, between in (
        ("that learns (lr 0.1)", 0.1, 0),
        ("that guesses (lr 0)", 0.0, 0),
        ("that learns, caches emptied", 0.1, 64),
    ):
        info, rows = recorded(lr, options.steps)
        repeats = 1 if between else options.repeats
        measured[name] = min((cost(info, rows, between) for _ in range(repeats)), key=np.median)
    measured["that learns, in its training"] = cost_in_training(options.steps)
    common.publish(common.render("judging.md.j2", prepare(measured)), options.write)


if __name__ == "__main__":
    main()
