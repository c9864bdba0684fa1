"""Real runs that break soon, on any machine: the rate is far too large. Made once a process."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from diagnostics.record.training import run_training
from lenet import Settings, load_dataset


@cache
def broken_log(network: str = "feedforward", lr: float = 5.0, activation: str = "relu", **options: Any) -> Path:
    """The log of a training on 2,560 digits in batches of 128 for 8 epochs."""
    folder = Path(tempfile.mkdtemp(prefix="broken-"))
    settings = Settings(network=network, lr=lr, activation=activation, limit=2560, epochs=8, **options)
    run_training(settings, folder / "run.h5", dataset=load_dataset(limit=2560))
    return folder / "run.h5"
