"""Random runs, and the state before a random step of each: logged, trained again without a log, and replayed.

    python -m tests.helpers.any_step log|rerun|replay FOLDER SEED COUNT THREADS [THREADS]

Each in a process of its own. ``log`` writes run-K.h5, the others the states as NAME-K.npz; of two numbers of threads
the second is that of every other run. ``log`` with a COUNT such as 7: makes the one run of that number, says on stdout
which step has ended, and continues it where a log of it is there already.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from diagnostics.record.options import RecordingOptions
from diagnostics.record.training import run_training
from lenet import Dataset, Hook, Settings, load_dataset, save_state
from lenet.training.order import shuffled
from tests.helpers.small_trainings import Tell

NETWORKS = ("feedforward", "conv", "conv-pool", "lenet", "lenet", "conv2")


@dataclass(frozen=True)
class RandomStep:
    """One run and one of its steps."""

    number: int
    settings: Settings
    step: int
    checkpoint_every: int

    def log(self, folder: Path) -> Path:
        return folder / f"run-{self.number}.h5"


def cases(seed: int, count: int) -> Iterator[RandomStep]:
    """Runs of a dozen steps or two, each with a step; the same for the same seed."""
    rng = np.random.default_rng(seed)
    for number in range(count):

        def pick(*values: Any) -> Any:
            return values[int(rng.integers(len(values)))]

        optimizer = pick("sgd", "momentum", "rmsprop", "adam")
        decay = pick("none", "none", "inverse-time", "step", "exponential", "cosine")
        options: dict[str, Any] = {
            "network": pick(*NETWORKS),
            "convolution": pick("exact", "exact", "report"),
            "activation": pick("relu", "relu", "sigmoid", "tanh"),
            "init": pick("report", "lecun", "glorot", "he"),
            "optimizer": optimizer,
            "lr": pick(0.5, 0.1) if optimizer in ("sgd", "momentum") else pick(0.01, 0.001),
            "nesterov": optimizer == "momentum" and pick(True, False),
            "lr_decay": decay,
            "warmup": pick(0, 0, 5),
            "decay_every": None if decay == "none" else pick(None, 4),
            "clip_norm": pick(None, None, 0.5),
            "clip_value": pick(None, None, 0.05),
            "weight_decay": pick(0.0, 0.0, 0.01),
            "l1": pick(0.0, 0.0, 1e-4),
            "l2": pick(0.0, 0.0, "dense1=0.001"),
            "shuffle": pick(True, False),
            "batch_size": pick(8, 10, 33, 34),
            "limit": pick(50, 75, 129),
            "epochs": pick(2, 3),
            "seed": int(rng.integers(1000)),
        }
        settings = Settings(**options)
        steps = settings.epochs * -(-options["limit"] // options["batch_size"])
        yield RandomStep(number, settings, int(rng.integers(steps)), pick(3, 5, 1000))


def data(case: RandomStep) -> Dataset:
    """The training images of a run; few images to validate on, which takes longer than the run otherwise."""
    mnist = mnist_of(limit=case.settings.limit)
    return replace(mnist, X_test=mnist.X_test[:16], y_test=mnist.y_test[:16])


mnist_of = cache(load_dataset)


class Taken(Hook):
    """Takes the state before one step."""

    def __init__(self, model: Any, step: int) -> None:
        self._model, self._step = model, step

    def on_step_start(self, event: Any) -> None:
        if event.step == self._step:
            self.state = self._model.state()


def log(case: RandomStep, folder: Path, threads: int, says: bool = False) -> None:
    path = case.log(folder)
    run_training(
        replace(case.settings, threads=threads),
        path,
        RecordingOptions(checkpoint_every=case.checkpoint_every),
        dataset=data(case),
        resume=path.exists(),
        hooks=(lambda recorder: [Tell()]) if says else None,
    )


def rerun(case: RandomStep, folder: Path, threads: int) -> None:
    """The whole run, with nothing of the diagnostics."""
    settings, mnist = replace(case.settings, threads=threads), data(case)
    model = settings.build_model(samples=len(mnist.X_train))
    taken = Taken(model, case.step)
    model.train(
        mnist.X_train,
        mnist.y_train,
        settings.epochs,
        settings.batch_size,
        print_every=0,
        shuffle=settings.shuffle,
        hooks=[taken],
    )
    samples, size = len(mnist.X_train), min(settings.batch_size, len(mnist.X_train))
    epoch, place = divmod(case.step, -(-samples // size))
    order = shuffled(settings.seed, samples)(epoch + 1) if settings.shuffle else np.arange(samples)
    assert order is not None
    batch = order[place * size : (place + 1) * size]
    save_state(folder / f"rerun-{case.number}.npz", {**taken.state, "batch": batch, "images": mnist.X_train[batch]})


def replayed(case: RandomStep, folder: Path, threads: int) -> None:
    from diagnostics.replay import replay

    moment = replay(case.log(folder), threads=threads).at(case.step)
    assert moment.proof.is_proven
    state = {**moment.state, "batch": moment.sample_indices, "images": moment.images}
    save_state(folder / f"replay-{case.number}.npz", state)


def main(what: str, folder: str, seed: str, count: str, *threads: str) -> None:
    if count.endswith(":"):
        number = int(count[:-1])
        log(list(cases(int(seed), number + 1))[number], Path(folder), int(threads[0]), says=True)
        return
    actions = {"log": log, "rerun": rerun, "replay": replayed}
    for case in cases(int(seed), int(count)):
        actions[what](case, Path(folder), int(threads[case.number % len(threads)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
