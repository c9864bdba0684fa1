"""A small run that dies, and a rescue of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from diagnostics.log.reader import open_run
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


@pytest.fixture(scope="session")
def patient(dead_log: Path) -> Patient:
    return examine(open_run(dead_log))
