"""The server behind :mod:`tests.helpers.forked`: it has imported the project, and forks for every program.

    python -m tests.helpers.forking_server CHANNEL [LISTENER]

Both are descriptors of sockets that it inherits. It ends when the other end of CHANNEL is closed.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import multiprocessing
import os
import random
import runpy
import select
import socket
import sys
import tempfile
import threading
import types
import warnings
from typing import Any

PACKAGES = ("lenet", "diagnostics", "reports", "tests")
PROJECT = (
    "reports.pages.run_page",
    "reports.terminal.live",
    "diagnostics.imports",
    "diagnostics.record.training",
    "diagnostics.rescue",
    "diagnostics.study",
    "tests.helpers.fake_work",
    "tests.helpers.small_trainings",
)
REQUEST = 1 << 20
"""Bytes that the description of a program may take."""


def serve(channel: socket.socket, listener: socket.socket | None) -> dict[str, Any] | None:
    """Fork for every request; returns the request in the process that is to be the program, None at the end."""
    asking = [channel] if listener is None else [channel, listener]
    while True:
        for one in select.select(asking, [], [])[0]:
            if one is listener:
                asking.append(one.accept()[0])
                continue
            asked, descriptors, _, _ = socket.recv_fds(one, REQUEST, 4)
            if not asked:
                if one is channel:
                    return None
                asking.remove(one)
                one.close()
                continue
            if os.fork() == 0:
                for other in asking:
                    other.close()
                if _is_program(descriptors[3]):
                    return {**json.loads(asked), "descriptors": descriptors[:3]}
                os._exit(0)
            for descriptor in descriptors:
                os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _is_program(telling: int) -> bool:
    """Fork once more: True in the program, False in the process that has waited for it and has told how it ended."""
    program = os.fork()
    if program == 0:
        os.close(telling)
        return True
    os.write(telling, f"{program}\n".encode())
    _, status, usage = os.wait4(program, 0)
    ended = (os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
    os.write(telling, f"{json.dumps(ended)}\n".encode())
    return False


def become(asked: dict[str, Any]) -> None:
    """Be the program: what ends it ends this process."""
    for number, descriptor in enumerate(asked["descriptors"]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False))  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(  # type: ignore[misc]
        os.fdopen(1, "wb", closefd=False), line_buffering=os.isatty(1)
    )
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(  # type: ignore[misc]
        os.fdopen(2, "wb", closefd=False), errors="backslashreplace", line_buffering=True
    )
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    tempfile.tempdir = None
    random.seed()
    if not asked["project"]:
        for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
            del sys.modules[name]
    arguments = asked["arguments"]
    while arguments[0] == "-W":
        warnings.simplefilter(arguments[1])
        arguments = arguments[2:]
    how, what, *more = arguments
    sys.path[0] = ""
    if how == "-m":
        sys.argv = [what, *more]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *more]
        program = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), vars(program))


def end(code: object) -> None:
    """End the program as Python does, but leave its modules as they are: to take them apart takes a sixth of a second.

    It returns where the exit code has to be told, or a standard stream takes no more: Python then ends the program.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if code is not None and not isinstance(code, int):
        return
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            return
    os._exit((code or 0) & 0xFF)


def import_project() -> None:
    """Import what commands and trainings need, and let the workers of pools be forks too."""
    for name in PROJECT:
        importlib.import_module(name)
    from diagnostics.executors import worker_pool
    from diagnostics.measure.compiler import compiled_loops
    from reports.cli import main as group
    from reports.commands import help_lines
    from tests.helpers.mnist_once import unpack

    compiled_loops()
    unpack()
    for name in help_lines():
        group.get_command(None, name)  # type: ignore[arg-type]
    worker_pool.get_context = lambda _: multiprocessing.get_context("fork")  # type: ignore[assignment]


def main(channel: str, listener: str = "") -> None:
    import_project()
    gc.collect()
    gc.freeze()
    asked = serve(socket.socket(fileno=int(channel)), socket.socket(fileno=int(listener)) if listener else None)
    if asked is None:
        return
    try:
        become(asked)
    except SystemExit as ended:
        end(ended.code)
        raise
    end(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
