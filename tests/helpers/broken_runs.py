"""Real runs that break soon, on any machine, since the rate is far too large, and such that do not.

Each is made once a process. Nobody may change the files: copy them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from diagnostics.record.options import RecordingOptions
from diagnostics.record.recorder import Recorder
from diagnostics.record.training import run_training
from lenet import Settings, load_dataset
from tests.helpers.kept_folders import kept_folder
from tests.helpers.rollback_trainings import QUICK

DYING = Settings(network="feedforward", lr=2.0, batch_size=64, limit=4000, epochs=8, steps=160, seed=1, threads=1)
"""A feedforward network whose learning rate is four times too large: it dies within its first fifty steps.

It is judged by a detector that needs few steps, so that the branches of a rescue are short.
"""
LIVES = 0.1
"""A learning rate at which it lives."""


@cache
def dying_log(lr: float = DYING.lr) -> Path:
    """The log of that network, with its checkpoints in a folder of its own."""
    path = kept_folder("dying") / ("dead.h5" if lr == DYING.lr else "living.h5")
    run_training(replace(DYING, lr=lr), path, RecordingOptions(detector=QUICK))
    return path


@cache
def broken_log(network: str = "feedforward", lr: float = 5.0, **options: Any) -> Path:
    """The log of a training on 2,560 digits in batches of 128 for 8 epochs."""
    folder = kept_folder("broken")
    settings = Settings(network=network, lr=lr, limit=2560, epochs=8, **options)
    run_training(settings, folder / "run.h5", dataset=load_dataset(limit=2560))
    return folder / "run.h5"


@cache
def lenet_log(lr: float) -> Path:
    """The log of 40 steps of the paper's LeNet."""
    path = kept_folder("lenet") / "run.h5"
    data = load_dataset(limit=2560)
    Settings(network="lenet", lr=lr, epochs=1, seed=1).build_model(samples=2560).train(
        data.X_train, data.y_train, epochs=1, batch_size=64, print_every=0, hooks=[Recorder(path)]
    )
    return path
