"""Workers of pools, forked from a server that has imported the project once, where the program spawns each anew.

A worker is a process of its own all the same: it gets its work through a pipe, dies alone and shares no memory with
the tests. What a worker imports, and in which environment, takes the real start: ``CONTEXTS["spawn"]``.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
from multiprocessing import connection, forkserver, resource_tracker
from multiprocessing.context import BaseContext
from pathlib import Path

from diagnostics.executors import worker_pool
from tests.helpers import cost

ROOT = Path(__file__).parents[2]
SERVER = """
import os
from multiprocessing.forkserver import main
listener, alive = os.dup(0), os.dup(1)
nothing = os.open(os.devnull, os.O_RDWR)
os.dup2(nothing, 0)
os.dup2(nothing, 1)
main(listener, alive, [])
"""
"""The server of multiprocessing, as a program that is forked from that of the tests."""


def from_a_server(_: str = "spawn") -> BaseContext:
    """The context of processes that a server forks; the first call starts the server."""
    if forkserver._forkserver._forkserver_address is None:  # type: ignore[attr-defined]
        _start(forkserver._forkserver)  # type: ignore[attr-defined]
    return multiprocessing.get_context("forkserver")


def _start(server: forkserver.ForkServer) -> None:
    """What ``server.ensure_running()`` does, without a process that imports all anew."""
    from tests.helpers.forked import start
    from tests.helpers.forking_server import PROJECT

    if hasattr(server, "_forkserver_authkey"):  # from Python 3.14 on: its clients want a key that we do not have
        server.set_forkserver_preload([*PROJECT, "tests.helpers.mnist_once"])
        with contextlib.chdir(ROOT):
            server.ensure_running()
        cost.ends.append(server._stop)  # type: ignore[attr-defined]
        return
    address = connection.arbitrary_address("AF_UNIX")  # type: ignore[attr-defined]
    reading, writing = os.pipe()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        program = start("-c", SERVER, cwd=ROOT, stdin=listener.fileno(), stdout=reading, stderr=2)
    os.close(reading)
    server._forkserver_address, server._forkserver_alive_fd = address, writing  # type: ignore[attr-defined]
    server.ensure_running = resource_tracker.ensure_running  # type: ignore[method-assign]

    def end() -> None:
        os.close(writing)
        program.wait()

    cost.ends.append(end)


CONTEXTS = {"forkserver": from_a_server, "spawn": worker_pool.get_context}
"""Ways to start the workers of a pool; "spawn" is that of the program."""

worker_pool.get_context = from_a_server  # type: ignore[assignment]
