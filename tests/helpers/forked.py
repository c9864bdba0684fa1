"""Python programs in processes of their own, without the seconds that imports take.

A server imports the project once, and forks for every program. With `pytest -n` it is one server for all processes of
tests. A program has its own process, working folder, environment, standard streams and end, so it can be killed,
interrupted and starved as any other. What it shares with the server are the modules that are imported already: what
happens on import takes a real process.

    done = run("-m", "reports", "diagnose", "run.h5", cwd=folder)      # as subprocess.run does
    program = start("-c", code, "run.h5", stdout=PIPE)                  # as subprocess.Popen does
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from subprocess import PIPE
from typing import IO

from tests.helpers import cost

ROOT = Path(__file__).parents[2]
ADDRESS = "LENET_DIAG_TESTS_SERVER"
"""The variable that tells the processes of tests where the server is that they share."""


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
    request = {"arguments": arguments, "cwd": str(cwd or Path.cwd()), "env": environment, "project": project}
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
        server = _server(environment.get("LD_PRELOAD"))
        socket.send_fds(server, [json.dumps(request).encode()], [*descriptors, telling.fileno()])
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


def share_a_server() -> None:
    """Start the server that the processes of tests share which this process is about to start."""
    address = str(Path(tempfile.mkdtemp(prefix="tests-")) / "server")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        _started(None, listener)
    os.environ[ADDRESS] = address
    cost.ends.append(lambda: shutil.rmtree(Path(address).parent))


@cache
def _server(library: str | None) -> socket.socket:
    """The channel to the shared server, or to one that only this process uses: with LD_PRELOAD, or without `-n`."""
    if library is not None or ADDRESS not in os.environ:
        return _started(library)
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel.connect(os.environ[ADDRESS])
    cost.ends.append(channel.close)
    return channel


def _started(library: str | None, listener: socket.socket | None = None) -> socket.socket:
    """The channel to a new server; it ends when this channel is closed."""
    channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    preload = {} if library is None else {"LD_PRELOAD": library}
    given = [one.fileno() for one in (theirs, listener) if one is not None]
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.forking_server", *map(str, given)],
            cwd=ROOT,
            env={**os.environ, **preload},
            pass_fds=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def end() -> None:
        channel.close()
        server.wait()
        _server.cache_clear()

    cost.ends.append(end)
    return channel
