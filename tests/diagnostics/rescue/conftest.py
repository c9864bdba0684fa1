"""A small run that dies, and a rescue of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from diagnostics.executors.executor import attempt
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.log.reader import open_run
from diagnostics.record.training import run_training
from diagnostics.rescue import death_study, experiment, to_the_end
from diagnostics.rescue.patient import Patient, examine
from lenet.settings import Settings

DYING = Settings(network="feedforward", lr=2.0, batch_size=64, limit=4000, epochs=8, steps=330, seed=1, threads=1)

LIVES = 0.1
"""A learning rate at which it lives."""


@pytest.fixture(scope="session")
def dead_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feedforward network whose learning rate is four times too large: it dies within its first fifty steps."""
    path = tmp_path_factory.mktemp("dead") / "dead.h5"
    run_training(DYING, path)
    return path


@pytest.fixture(scope="session")
def living_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with a rate at which it lives."""
    path = tmp_path_factory.mktemp("living") / "living.h5"
    run_training(replace(DYING, lr=LIVES), path)
    return path


class ThisProcess(LocalExecutor):
    """Does all work in this process: a new one takes as long to start as a hundred branches to train."""

    def pool(self, work: Callable[[Any], Any]) -> Any:
        """A pool that does one task after another."""
        return nullcontext(SimpleNamespace(results=lambda tasks: ((task, attempt(work, task)) for task in tasks)))


@pytest.fixture(scope="module")
def in_this_process() -> Iterator[None]:
    """Branches are trained here; that processes give the same is tested apart."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (experiment, to_the_end, death_study):
            patch.setattr(module, "LocalExecutor", ThisProcess)
        yield


@pytest.fixture(scope="session")
def patient(dead_log: Path) -> Patient:
    return examine(open_run(dead_log))
