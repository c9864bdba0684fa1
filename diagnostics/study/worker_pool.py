"""A pool of processes in which one death is one lost task and nothing more.

Each worker is a fresh process with a pipe to the parent. A worker that dies is
replaced, and its task comes back as a :class:`Failure`; workers ignore Ctrl-C,
which is the parent's to handle, and end when the parent is gone.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
TICK = 0.5
GRACE = 5.0
"""Seconds a worker has to end in order before it is killed."""


@dataclass(frozen=True)
class Failure:
    """A task that did not end well: one line for people, and the traceback where there is one."""

    message: str
    details: str = ""


@dataclass
class _WorkerProcess(Generic[T]):
    process: BaseProcess
    pipe: Connection[Any, Any]
    task: T | None = None


class WorkerPool(Generic[T, R]):
    """At most ``jobs`` processes doing ``work(task)``; ``work`` must be importable by name.

    Use as a context manager: leaving it ends the workers, in order where they are idle.
    """

    def __init__(self, jobs: int, work: Callable[[T], R]) -> None:
        self._jobs = jobs
        self._work = work
        self._workers: list[_WorkerProcess[T]] = []
        # Spawned, not forked: a fork would copy threads' locks and open HDF5 files.
        self._context = get_context("spawn")

    def __enter__(self) -> WorkerPool[T, R]:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @property
    def running(self) -> tuple[T, ...]:
        """The tasks that are being done."""
        return tuple(w.task for w in self._workers if w.task is not None)

    def each(self, tasks: Iterable[T]) -> Iterator[tuple[T, R | Failure]]:
        """Each task with what came of it, in the order in which they end."""
        yield from filter(None, self.results(deque(tasks)))

    def results(self, tasks: deque[T]) -> Iterator[tuple[T, R | Failure] | None]:
        """Task and outcome as they come, None twice a second while nothing does.

        ``tasks`` may be added to while results are taken.
        """
        while tasks or self.running:
            while tasks and len(self.running) < self._jobs:
                self._give(tasks.popleft())
            busy = [w for w in self._workers if w.task is not None]
            ready = wait([w.pipe for w in busy], timeout=TICK)
            if not ready:
                yield None
            for worker in busy:
                if worker.pipe in ready and worker.task is not None:
                    task, worker.task = worker.task, None
                    yield task, self._receive(worker)

    def _give(self, task: T) -> None:
        idle = next((w for w in self._workers if w.task is None), None)
        if idle is not None and not idle.process.is_alive():  # killed between two tasks
            self._workers.remove(idle)
            idle = None
        worker = idle or self._start()
        worker.task = task
        with suppress(OSError):  # died just now: its pipe ends, which is noticed as for any other death
            worker.pipe.send(task)

    def _start(self) -> _WorkerProcess[T]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._work), daemon=True)
        process.start()
        theirs.close()  # so that the worker's death is the end of the pipe
        worker: _WorkerProcess[T] = _WorkerProcess(process, ours)
        self._workers.append(worker)
        return worker

    def _receive(self, worker: _WorkerProcess[T]) -> R | Failure:
        try:
            outcome: R | Failure = worker.pipe.recv()
        except (EOFError, OSError):
            self._workers.remove(worker)
            worker.process.join(GRACE)
            return Failure(f"its process died ({_reason(worker.process.exitcode)})")
        return outcome

    def _stop(self) -> None:
        for worker in self._workers:
            if worker.task is None:
                worker.pipe.close()  # an idle worker ends when nothing more can come
            else:
                worker.process.terminate()
        deadline = time.monotonic() + GRACE
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()
        self._workers.clear()


def _serve(pipe: Connection[Any, Any], work: Callable[[Any], Any]) -> None:
    """The life of a worker: receive a task, do it, send what came of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            outcome = work(task)
        except Exception as error:
            line = str(error).strip().splitlines()[0] if str(error).strip() else ""
            outcome = Failure(f"{type(error).__name__}: {line}", traceback.format_exc())
        pipe.send(outcome)


def _end_with_parent() -> None:
    """End this process when the parent is killed, so that nobody writes into a study that is continued."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _reason(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}"
    return f"exit code {code}"
