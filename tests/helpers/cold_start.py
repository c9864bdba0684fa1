"""With `pytest -n` on a fresh clone, one process compiles tests and project to bytecode, and the others wait for it.

Otherwise each would compile the same 30,000 lines at the same time, for five seconds of processor time. Where bytecode
is there already, or is not kept, nobody waits.
"""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
TURN = "LENET_DIAG_TESTS_TURN"
"""The variable with the name of the file whose lock says whose turn it is to collect."""


def pytest_configure(config: pytest.Config) -> None:
    is_cold = not any((TESTS / "__pycache__").glob("test_*.pyc"))
    if config.getoption("numprocesses", None) and is_cold and not sys.dont_write_bytecode:
        descriptor, os.environ[TURN] = tempfile.mkstemp(prefix="turn-")
        os.close(descriptor)
        config.add_cleanup(Path(os.environ[TURN]).unlink)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, Any, Any]:
    if "PYTEST_XDIST_WORKER" not in os.environ or TURN not in os.environ:
        return (yield)
    with Path(os.environ[TURN]).open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return (yield)
