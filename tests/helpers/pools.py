"""Workers of pools, forked from a server that has imported the project once, where the program spawns each anew.

A worker is a process of its own all the same: it gets its work through a pipe, dies alone and shares no memory with
the tests. What a worker imports, and in which environment, takes the real start: ``CONTEXTS["spawn"]``.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path

from diagnostics.executors import worker_pool
from tests.helpers import cost

ROOT = Path(__file__).parents[2]
PRELOADED = [
    "diagnostics.record.training",
    "diagnostics.rescue",
    "tests.helpers.fake_work",
    "tests.helpers.mnist_once",
    "reports.pages.run_page",
]


def from_a_server(_: str = "spawn") -> BaseContext:
    """The context of processes that a server forks; the first call starts the server."""
    server = forkserver._forkserver  # type: ignore[attr-defined]
    if server._forkserver_pid is None:
        multiprocessing.set_forkserver_preload(PRELOADED)
        with contextlib.chdir(ROOT):
            forkserver.ensure_running()
        cost.ends.append(server._stop)
    return multiprocessing.get_context("forkserver")


CONTEXTS = {"forkserver": from_a_server, "spawn": worker_pool.get_context}
"""Ways to start the workers of a pool; "spawn" is that of the program."""

worker_pool.get_context = from_a_server  # type: ignore[assignment]
