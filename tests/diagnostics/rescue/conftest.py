"""A small run that dies, and a rescue of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from diagnostics.executors.executor import attempt
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.log.reader import open_run
from diagnostics.rescue import death_study, experiment, to_the_end
from diagnostics.rescue.patient import Patient, examine
from tests.helpers.broken_runs import LIVES, dying_log


@pytest.fixture(scope="session")
def dead_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that dies within its first fifty steps; rescues may be kept beside this copy of its log."""
    return Path(shutil.copytree(dying_log().parent, tmp_path_factory.mktemp("rescue") / "dead")) / "dead.h5"


@pytest.fixture(scope="session")
def living_log() -> Path:
    """The same run with a rate at which it lives."""
    return dying_log(LIVES)


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
