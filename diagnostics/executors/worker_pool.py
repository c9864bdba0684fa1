"""Processes of this machine that do tasks: when a process dies, one task fails and the others go on.

Each worker is a fresh process with a pipe to the parent, and computes with one BLAS
thread. A worker that dies is replaced, and its task comes back as a :class:`Failure`.
Workers ignore Ctrl-C, which the parent handles, and end when the parent is gone.

The pools of the standard library cannot do this: when a worker dies,
``concurrent.futures`` gives up all tasks and ``multiprocessing.Pool`` waits for ever.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic

from diagnostics.executors.executor import TICK, Failure, R, T, attempt, one_blas_thread

GRACE = 5.0
"""Seconds a worker has to end in order before it is killed."""


@dataclass
class _WorkerProcess(Generic[T]):
    process: BaseProcess
    pipe: Connection[Any, Any]
    task: T | None = None


class LocalExecutor:
    """Processes of this machine.

    Args:
        jobs: how many tasks are done at a time.
    """

    digest: str | None = None

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def pool(self, work: Callable[[T], R]) -> WorkerPool[T, R]:
        """A pool of processes for this work."""
        return WorkerPool(self.jobs, work)


class WorkerPool(Generic[T, R]):
    """At most ``jobs`` processes that do ``work(task)``.

    Use it as a context manager. Leaving it ends the workers; one that still works is terminated.

    Args:
        jobs: how many processes work at a time; none is started before there is a task for it.
        work: a function of one task, or a callable object; both it and the tasks must be picklable.
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
        """The tasks that workers have at this moment."""
        return tuple(w.task for w in self._workers if w.task is not None)

    def each(self, tasks: Iterable[T]) -> Iterator[tuple[T, R | Failure]]:
        """Each task with its result or failure, in the order in which they end."""
        yield from filter(None, self.results(deque(tasks)))

    def results(self, tasks: deque[T]) -> Iterator[tuple[T, R | Failure] | None]:
        """Task and outcome as tasks end, and None twice a second while none does.

        The caller may add to ``tasks`` while it takes the results.
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
    """What a worker does: receive a task, do it, send the outcome."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with one_blas_thread():  # the workers share the cores
        while True:
            try:
                task = pipe.recv()
            except (EOFError, OSError):
                return
            pipe.send(attempt(work, task))


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
