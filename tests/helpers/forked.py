"""Python programs in processes of their own, without the seconds that imports take.

A server imports the project once for each process of tests, and forks for every program. A program has its own process,
working folder, environment, standard streams and end, so it can be killed, interrupted and starved as any other.
What it shares with the server are the modules that are imported already: what happens on import takes a real process.

    done = run("-m", "reports", "diagnose", "run.h5", cwd=folder)      # as subprocess.run does
    program = start("-c", code, "run.h5", stdout=PIPE)                  # as subprocess.Popen does
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import multiprocessing
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import types
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from subprocess import PIPE
from typing import IO, Any

from tests.helpers import cost

ROOT = Path(__file__).parents[2]
LIBRARIES = ("numpy", "pandas", "h5py", "numba", "scipy.stats", "scipy.interpolate")
PROJECT = (
    "reports.pages.run_page",
    "diagnostics.record.training",
    "diagnostics.study",
    "tests.helpers.small_trainings",
)
REQUEST = 1 << 20
"""Bytes that the description of a program may take."""


class Forked:
    """A program that runs: what :class:`subprocess.Popen` offers, as far as tests need it."""

    def __init__(self, pid: int, told: IO[str], stdout: IO[str] | None, stderr: IO[str] | None) -> None:
        self.pid = pid
        self.stdout, self.stderr = stdout, stderr
        self.returncode: int | None = None
        self.seconds = 0.0
        """Processor time, known at the end, as is ``memory``: the most bytes that it held."""
        self.memory = 0
        self._told = told

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self) -> int:
        """Wait for the end; the exit code, negative for a signal."""
        if self.returncode is None:
            self.returncode, self.seconds, self.memory = json.loads(self._told.readline())
            cost.add(self.seconds)
            self._told.close()
        assert self.returncode is not None
        return self.returncode

    def communicate(self) -> tuple[str, str]:
        """All that it prints on stdout and stderr, "" for one that is no PIPE; after that it has ended."""
        printed = []
        for stream in (self.stdout, self.stderr):
            printed.append("" if stream is None else stream.read())
            if stream is not None:
                stream.close()
        self.wait()
        return printed[0], printed[1]


def start(
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    project: bool = True,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> Forked:
    """Start ``python ARGUMENTS``: ``-m MODULE ...`` or ``-c CODE ...``, after ``-W ACTION`` if need be.

    cwd: working folder; default that of the tests.
    env: the whole environment; default that of the tests. A LD_PRELOAD in it takes a server of its own.
    project: whether the modules of the project are imported already, as are its libraries. Default True.
    stdin: a descriptor; by default there is nothing to read.
    stdout, stderr: a descriptor or PIPE; by default what it prints is lost.
    """
    environment = dict(os.environ if env is None else env)
    asked = json.dumps({"arguments": arguments, "cwd": str(cwd or Path.cwd()), "env": environment})
    read: list[IO[str] | None] = []
    with contextlib.ExitStack() as closed_here:
        given = [stdin]
        for stream in (stdout, stderr):
            reading, writing = os.pipe() if stream == PIPE else (None, stream)
            if reading is not None and writing is not None:
                closed_here.callback(os.close, writing)
            read.append(None if reading is None else os.fdopen(reading))
            given.append(writing)
        nothing = closed_here.enter_context(Path(os.devnull).open("r+b"))
        told, telling = map(closed_here.enter_context, socket.socketpair())
        descriptors = [nothing.fileno() if stream is None else stream for stream in given]
        socket.send_fds(
            _server(environment.get("LD_PRELOAD"), project), [asked.encode()], [*descriptors, telling.fileno()]
        )
        lines = told.makefile("r")
    return Forked(int(lines.readline()), lines, *read)


def run(
    *arguments: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    project: bool = True,
    check: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run ``python ARGUMENTS`` to its end: exit code and all it printed, as text, as :func:`subprocess.run` tells.

    cwd, env, project: as for :func:`start`.
    check: whether an exit code other than 0 is an error. Default False.
    """
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        code = start(
            *arguments, cwd=cwd, env=env, project=project, stdout=stdout.fileno(), stderr=stderr.fileno()
        ).wait()
        printed = []
        for file in (stdout, stderr):
            file.seek(0)
            printed.append(file.read())
    assert not (check and code), printed[1]
    return subprocess.CompletedProcess(arguments, code, *printed)


def file_size_limit(size: int) -> str:
    """Lines of Python that begin a program in which no file may become longer than ``size`` bytes."""
    return f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({size},) * 2)\n"


@cache
def _server(library: str | None, project: bool) -> socket.socket:
    """The channel to a server that was started with LD_PRELOAD=library, and has imported the project or not."""
    channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    preload = {} if library is None else {"LD_PRELOAD": library}
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.forked", str(theirs.fileno()), "project" if project else ""],
            cwd=ROOT,
            env={**os.environ, **preload},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def end() -> None:
        channel.close()
        server.wait()
        _server.cache_clear()

    cost.ends.append(end)
    return channel


# In the server -----------------------------------------------------------------------------------


def serve(channel: socket.socket) -> dict[str, Any] | None:
    """Fork for every request; returns the request in the process that is to be the program, None at the end."""
    while True:
        asked, descriptors, _, _ = socket.recv_fds(channel, REQUEST, 4)
        if not asked:
            return None
        if os.fork() == 0:
            channel.close()
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


def main(channel: str, project: str) -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    if project:
        import_project()
    gc.collect()
    gc.freeze()
    asked = serve(socket.socket(fileno=int(channel)))
    if asked is not None:
        become(asked)


if __name__ == "__main__":
    main(*sys.argv[1:])
