"""A Dask cluster as a user starts one: `dask scheduler` and `dask worker`, each a process that can be killed."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from tests.helpers.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
NO_DASHBOARD = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class DaskProcesses:
    """A scheduler and workers. Their messages go to files in ``folder``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.nannies: list[subprocess.Popen[bytes]] = []
        self.start_scheduler()

    def start_scheduler(self) -> None:
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port))

    def add_workers(self, count: int, threads: int = 1) -> None:
        for _ in range(count):
            scratch = str(self.folder / "scratch")
            one = self._start("worker", self.address, "--nthreads", str(threads), "--local-directory", scratch)
            self.nannies.append(one)

    def kill_worker(self, draw: random.Random) -> None:
        """Kill one worker; its nanny starts another in its place."""
        workers = self.workers()
        if workers:
            draw.choice(workers).send_signal(signal.SIGKILL)

    def workers(self) -> list[psutil.Process]:
        return [child for nanny in self.nannies if nanny.poll() is None for child in dask_workers(nanny.pid)]

    def kill_scheduler(self) -> None:
        self.scheduler.kill()
        self.scheduler.wait(PATIENCE)

    def __enter__(self) -> DaskProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.nannies, self.scheduler):
            descendants = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            for one in (*descendants, psutil.Process(process.pid) if process.poll() is None else None):
                if one is not None and one.is_running():
                    one.kill()
            process.wait(PATIENCE)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *arguments, *NO_DASHBOARD]
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=log, stderr=log)


def dask_workers(nanny: int) -> list[psutil.Process]:
    """The workers under a nanny; the tracker of shared resources beside them is none."""
    return spawned(psutil.Process(nanny))


def spawned(parent: psutil.Process) -> list[psutil.Process]:
    """The processes that ``multiprocessing`` has started for another, and that live."""
    found = []
    for child in parent.children():
        with suppress(psutil.Error):  # a zombie, or gone in the meantime
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found
