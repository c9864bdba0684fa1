"""Measures how long runs need until they learn: short trainings without a log, which keep loss and accuracy.

    python -m benchmarks.calibrate.starts --out starts [--jobs 2]

These runs are part of the calibration: many seeds of the paper's own settings, with which
runs learn late, and some seeds of every other setting. All seeds are below 10,000.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import common
from benchmarks.common import outcomes
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.symptoms import Symptoms, window_of
from diagnostics.executors.executor import Failure
from diagnostics.files import replacing
from diagnostics.run.run import Run
from diagnostics.study.worker import dataset
from lenet.hooks import Hook, StepEnd, ValidationEnd
from lenet.settings import Settings

FIRST_SEED = 1_000
LENET_SEEDS, SEEDS = 40, 8
LENET_RATES = (0.05, 0.1, 0.2, 0.5, 1.0)
OTHERS: tuple[dict[str, Any], ...] = (
    *({"network": name, "lr": lr} for name in ("conv", "conv-pool", "feedforward") for lr in (0.05, 0.1, 0.5, 1.0)),
    *({"network": "lenet", "init": init, "lr": lr} for init in ("glorot", "he", "lecun") for lr in (0.1, 0.5)),
    {"network": "lenet", "activation": "sigmoid", "lr": 0.5},
    {"network": "lenet", "activation": "tanh", "lr": 0.1},
    {"network": "lenet", "convolution": "report", "lr": 0.5, "epochs": 3},
    {"network": "lenet", "optimizer": "adam", "lr": 0.001},
    {"network": "lenet", "optimizer": "momentum", "lr": 0.05},
    {"network": "lenet", "optimizer": "rmsprop", "lr": 0.001},
)


@dataclass(frozen=True)
class LearningStart:
    """How a run began.

    Args:
        settings: the name of the run.
        network: the name of its network.
        steps: how many steps it made.
        learned: the step at which it first learned, None where it never did.
        last_guess: the last step before that at which it was guessing, -1 where it never was.
        validation: its last validation accuracy.
    """

    settings: str
    network: str
    steps: int
    learned: int | None
    last_guess: int
    validation: float


def wanted() -> list[dict[str, Any]]:
    """The settings of all runs, in an order that takes each setting in turn."""
    planned = [
        (i / LENET_SEEDS, {"network": "lenet", "lr": lr, "epochs": 1, "seed": FIRST_SEED + i})
        for lr in LENET_RATES
        for i in range(LENET_SEEDS)
    ]
    planned += [(i / SEEDS, {"epochs": 1, **one, "seed": FIRST_SEED + i}) for one in OTHERS for i in range(SEEDS)]
    return [settings for _, settings in sorted(planned, key=lambda entry: entry[0])]


def name_of(settings: dict[str, Any]) -> str:
    """``key=value`` of all settings, in one order."""
    order = ("network", "activation", "convolution", "init", "optimizer", "lr", "epochs", "seed")
    return "-".join(f"{key}={settings[key]}" for key in order if key in settings)


class _LossAndAccuracy(Hook):
    """Keeps the loss and accuracy of each step, and the validations."""

    def __init__(self) -> None:
        self.loss: list[float] = []
        self.accuracy: list[float] = []
        self.validation = 0.0

    def on_step_end(self, event: StepEnd) -> None:
        self.loss.append(event.data_loss)
        self.accuracy.append(event.accuracy)

    def on_validation_end(self, event: ValidationEnd) -> None:
        self.validation = event.accuracy


def train(settings: dict[str, Any], folder: Path) -> None:
    """Train one run, unless its file is there already."""
    path = folder / f"{name_of(settings)}.npz"
    if path.exists():
        return
    data, kept = dataset(), _LossAndAccuracy()
    full = Settings(**settings, threads=1)
    full.build_model(samples=len(data.X_train)).train(
        data.X_train,
        data.y_train,
        epochs=full.epochs,
        batch_size=128,
        print_every=0,
        hooks=[kept],
        validation_data=(data.X_test, data.y_test),
    )
    loss, accuracy = np.array(kept.loss, np.float32), np.array(kept.accuracy, np.float32)
    with replacing(path) as part, part.open("wb") as file:  # a killed build leaves no incomplete file
        np.savez(file, loss=loss, acc=accuracy, val=kept.validation)


def starts(folder: Path) -> list[LearningStart]:
    """How all runs of a folder began."""
    labels = dataset().y_train
    prior = np.bincount(labels) / len(labels)
    found = []
    for path in sorted(folder.glob("*.npz")):
        settings = dict(re.findall(r"(\w+)=(.*?)(?=-\w+=|$)", path.stem))
        with np.load(path) as kept:
            learned, last = first_learned(prior.tolist(), kept["loss"], kept["acc"])
            validation, steps = float(kept["val"]), len(kept["loss"])
        found.append(LearningStart(path.stem, settings["network"], steps, learned, last, validation))
    return found


def first_learned(
    prior: list[float], loss: NDArray[np.float32], accuracy: NDArray[np.float32], batch_size: int = 128
) -> tuple[int | None, int]:
    """The step at which a run first learned, and the last step before at which it guessed (-1 for none)."""
    thresholds = DEFAULT_THRESHOLDS.changed({"verdict.patience": 1e9})
    symptoms = Symptoms(prior, window_of(thresholds, batch_size), thresholds)
    last = -1
    for step, (one, right) in enumerate(zip(loss.tolist(), accuracy.tolist(), strict=True)):
        symptoms.observe(step, one, right, batch_size, bool(np.isfinite(one)))
        if symptoms.has_learned:
            return step, last
        if symptoms.is_guessing:
            last = step
    return None, last


def first_learned_in(run: Run) -> tuple[int | None, int]:
    """The same of a run with a log."""
    rows = run.scalars("data_loss", "accuracy")
    return first_learned(list(run.info.prior), rows[:, 0], rows[:, 1], run.info.batch_size)


def main() -> None:
    parser = common.parser("benchmarks.calibrate.starts", __doc__)
    parser.add_argument("--out", type=Path, default=Path("starts"), help="the folder of the runs")
    parser.add_argument("--jobs", type=int, default=2, help="how many runs are trained at a time")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    missing = [settings for settings in wanted() if not (options.out / f"{name_of(settings)}.npz").exists()]
    work = partial(train, folder=options.out)
    failed = sum(isinstance(outcome, Failure) for _, outcome in outcomes(missing, work, options.jobs))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
