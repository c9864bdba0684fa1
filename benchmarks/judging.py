"""What judging costs: microseconds a step, online, while nothing is suspected and while something is.

    python -m benchmarks.judging [--steps 1407] [--repeats 5]

Rows of a lenet that learns, and of one that guesses from the start, go through the
detector one at a time, as the recorder gives them. The goal is under 20 us a step
while nothing is suspected.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import commit, machine
from diagnostics.detector import Detector
from diagnostics.info import RunInfo
from diagnostics.recorder import Recorder
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


def cost(info: RunInfo, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Microseconds of each step."""
    detector = Detector(info)
    spent = np.empty(len(rows))
    for step, row in enumerate(rows):
        started = perf_counter()
        detector.observe(step, 1 + step // info.steps_per_epoch, row)
        spent[step] = (perf_counter() - started) * 1e6
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"{machine()}; commit {commit()}\n")
    print("| rows of a lenet | median us a step | mean | 99th percentile |\n|---|---|---|---|")
    for name, lr in (("that learns (lr 0.1)", 0.1), ("that guesses (lr 0)", 0.0)):
        info, rows = recorded(lr, options.steps)
        best = min((cost(info, rows) for _ in range(options.repeats)), key=np.median)
        print(f"| {name} | {np.median(best):.1f} | {best.mean():.1f} | {np.percentile(best, 99):.1f} |")


if __name__ == "__main__":
    main()
