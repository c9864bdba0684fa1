"""A small run that dies, and a rescue of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.log.reader import open_run
from diagnostics.record.training import run_training
from diagnostics.rescue.patient import Patient, examine
from lenet.settings import Settings

DYING = Settings(network="feedforward", lr=2.0, batch_size=64, limit=4000, epochs=8, steps=330, seed=1, threads=1)


@pytest.fixture(scope="session")
def dead_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feedforward network whose learning rate is four times too large: it dies within its first fifty steps."""
    path = tmp_path_factory.mktemp("dead") / "dead.h5"
    run_training(DYING, path)
    return path


@pytest.fixture(scope="session")
def patient(dead_log: Path) -> Patient:
    return examine(open_run(dead_log))
