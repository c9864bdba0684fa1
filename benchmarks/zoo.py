"""The zoo: a labelled benchmark for the detector.

    python -m benchmarks.zoo build --part evaluation --out zoo [--jobs 2] [--quick]
    python -m benchmarks.zoo table --out zoo --write docs/zoo.md

``build`` trains and logs; it may be interrupted and goes on where it was. ``table``
replays the logs through the detector. Calibration and evaluation have seeds of their
own (below 10,000, and from there on); rules are looked at and changed on calibration
runs alone, and evaluation runs are judged once.

The labels, fixed before any verdict was looked at, come from the validation accuracy
at the end of the run alone: dead below 0.2, alive above 0.8, in between ambiguous and
counted apart. A dead run whose validation accuracy was above 0.5 at the end of an
earlier epoch has unlearned; of the others the accuracy does not say whether they ever
learned. A run is clean where its settings are of the list of clean settings and it is
alive; settings are on that list where all calibration runs learn.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.common import commit
from benchmarks.faults import FAULTS, injected
from diagnostics.recorder import Recorder
from lenet.data import Dataset, load_dataset
from lenet.hooks import Hook, ValidationEnd
from lenet.settings import Settings

FIRST_SEED = {"calibration": 1_000, "evaluation": 10_000}
# A new round of seeds for every evaluation after a change of rules.
ROUND = 2_000
CLEAN: tuple[tuple[dict[str, Any], int], ...] = (
    ({"network": "feedforward", "lr": 0.1}, 40),
    ({"network": "feedforward", "lr": 0.5}, 40),
    ({"network": "conv", "lr": 0.05}, 40),
    ({"network": "conv", "lr": 0.1}, 40),
    ({"network": "conv2", "lr": 0.05}, 30),
    ({"network": "conv-pool", "lr": 0.05}, 40),
    ({"network": "conv-pool", "lr": 0.1}, 40),
    ({"network": "lenet", "lr": 0.05}, 40),
    ({"network": "lenet", "lr": 0.1}, 50),
    ({"network": "lenet", "lr": 0.1, "init": "he"}, 20),
    ({"network": "lenet", "lr": 0.001, "optimizer": "adam"}, 20),
    ({"network": "lenet", "lr": 0.1, "activation": "tanh"}, 20),
)
NATURAL, SEEDS_A_FAULT, QUICK = 420, 20, 0.0167


@dataclass(frozen=True)
class Task:
    """One run of the zoo."""

    name: str
    group: str  # natural, clean, or the name of a fault
    settings: Settings


def tasks(part: str, round_: int = 0, share: float = 1.0) -> Iterator[Task]:
    """All runs of a part, every group in like shares from the start; ``share`` takes the first part of each."""
    first = FIRST_SEED[part] + ROUND * round_
    todo: list[tuple[float, str, Settings]] = []
    todo += [(i / NATURAL, "natural", natural(first + i)) for i in range(round(NATURAL * share))]
    clean = [settings for settings, count in CLEAN for _ in range(count)]
    order = np.random.default_rng(0).permutation(len(clean))
    todo += [
        (i / len(clean), "clean", Settings(epochs=1, seed=first + 500 + i, **clean[order[i]]))
        for i in range(round(len(clean) * share))
    ]
    for number, fault in enumerate(FAULTS):
        for i in range(max(1, round(SEEDS_A_FAULT * share))):
            seed = first + 1000 + 50 * number + i
            todo.append((i / SEEDS_A_FAULT, fault, injected(fault, seed).settings))
    for _, group, settings in sorted(todo, key=lambda entry: entry[0]):
        yield Task(f"{group}-{settings.network}-{settings.seed}", group, settings)


def natural(seed: int) -> Settings:
    """Settings drawn from the seed: networks, learning rates, initialisers, optimisers, both convolutions."""
    draw = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3,)))
    network = str(draw.choice(["feedforward", "conv", "conv2", "conv-pool", "lenet"], p=[0.12, 0.2, 0.06, 0.2, 0.42]))
    rate = float(draw.choice([0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5]))
    optimizer = str(draw.choice(["sgd", "momentum", "adam", "rmsprop"], p=[0.76, 0.1, 0.07, 0.07]))
    init = str(draw.choice(["report", "he", "lecun", "glorot"], p=[0.55, 0.15, 0.15, 0.15]))
    is_report = bool(draw.random() < 0.3) and network != "feedforward"
    rate *= {"sgd": 1.0, "momentum": 0.1, "adam": 0.01, "rmsprop": 0.01}[optimizer]
    epochs = 1 if network == "conv2" else 3 if is_report else int(draw.choice([1, 2], p=[0.75, 0.25]))
    return Settings(
        network=network, lr=rate, optimizer=optimizer, init=init, epochs=epochs, seed=seed,
        convolution="report" if is_report else "exact",
    )  # fmt: skip


class _Validations(Hook):
    """Keeps the validation accuracies: the labels."""

    def __init__(self) -> None:
        self.accuracies: list[float] = []

    def on_validation_end(self, event: ValidationEnd) -> None:
        self.accuracies.append(event.accuracy)


@cache
def _data() -> Dataset:
    return load_dataset()


def train(task: Task, folder: Path) -> None:
    """Train and log one run, and write its label beside it when it is complete."""
    label = folder / f"{task.name}.json"
    if label.exists():
        return
    data, settings = _data(), task.settings
    model = settings.build_model(samples=len(data.X_train))
    X, y = data.X_train, data.y_train
    hooks: list[Hook] = []
    truth = None
    if task.group in FAULTS:
        fault = injected(task.group, settings.seed)
        X, y, hooks = fault.prepare(model, data)
        truth = vars(fault.truth)
    validations = _Validations()
    recorder = Recorder(folder / f"{task.name}.h5", overwrite=True, histograms_every=0, settings=settings.to_dict())
    model.train(
        X, y, epochs=settings.epochs, batch_size=settings.batch_size, print_every=0,
        hooks=[*hooks, recorder, validations], validation_data=(data.X_test, data.y_test),
    )  # fmt: skip
    part = label.with_suffix(".part")
    entry = {
        "group": task.group,
        "settings": settings.to_dict(),
        "accuracies": validations.accuracies,
        "truth": truth,
        "commit": commit(),
    }
    part.write_text(json.dumps(entry))
    part.replace(label)


def _worker(arguments: tuple[Task, Path]) -> str:
    try:
        train(*arguments)
    except Exception as error:
        return f"{arguments[0].name}: {type(error).__name__}: {error}"
    return ""


def build(part: str, folder: Path, jobs: int, round_: int, share: float) -> None:
    """Train what is missing, ``jobs`` runs at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = [(task, folder) for task in tasks(part, round_, share) if not (folder / f"{task.name}.json").exists()]
    started = perf_counter()
    # Every worker uses one thread: the settings say nothing about threads, and the result is the same.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with get_context("spawn").Pool(jobs, _one_thread) as pool:
        for number, problem in enumerate(pool.imap_unordered(_worker, todo), 1):
            if problem:
                print(problem, file=sys.stderr)
            if number % 20 == 0 or number == len(todo):
                left = (perf_counter() - started) / number * (len(todo) - number)
                print(f"{number} of {len(todo)} runs, {left / 60:.0f} minutes left", flush=True)


def _one_thread() -> None:
    if hasattr(os, "sched_setaffinity"):
        import lenet.model

        lenet.model._cores = lambda: 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["build", "table"])
    parser.add_argument("--part", choices=list(FIRST_SEED), default="evaluation")
    parser.add_argument("--round", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("zoo"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--share", type=float, default=1.0, help="only the first part of each group")
    parser.add_argument("--quick", action="store_true", help="a small part of every group, in under three minutes")
    parser.add_argument("--write", type=Path, help="where the table goes (a .md; a .json is put beside it)")
    options = parser.parse_args()
    share = QUICK if options.quick else options.share
    folder = options.out / f"{options.part}-{options.round}"
    if options.action == "build":
        build(options.part, folder, options.jobs, options.round, share)
        return
    from benchmarks.zoo_table import write_table

    write_table(folder, options.write)


if __name__ == "__main__":
    main()
