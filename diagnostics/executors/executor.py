"""The interface of executors, the same for processes of this machine and for a cluster.

An :class:`Executor` makes a :class:`Pool` for each :class:`Work`. A pool takes tasks and
gives outcomes as they end: the result, or a :class:`Failure`. Leaving the pool stops what
has not ended.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Result = TypeVar("Result", covariant=True)
TICK = 0.5
"""Seconds after which a pool says that nothing has ended, so that its caller can show the time."""


@dataclass(frozen=True)
class Failure:
    """A task that ended in an error.

    Args:
        message: what happened, in one line.
        details: the traceback; "" (default) where the process died without one.
        error: the name of the exception's class; "" (default) where the process died without one.
    """

    message: str
    details: str = ""
    error: str = ""

    @property
    def reason(self) -> str:
        """What happened, without the name of the exception's class."""
        return self.message.removeprefix(f"{self.error}: ")


class Work(Generic[T, R]):
    """What is done with each task, where files are read or made. It can be pickled.

    A function of a task does as well where there are no files. A subclass has ``__call__``,
    and says which files it reads and where those go that it makes, so that machines
    without this file system can do it too.
    """

    def __call__(self, task: T) -> R:
        """Do one task."""
        raise NotImplementedError

    @property
    def reads(self) -> tuple[Path, ...]:
        """The files that the work reads, wherever they are handed to another machine."""
        return ()

    @property
    def made_by(self) -> Mapping[str, Any]:
        """The environment, as in the header of a log, of the machine that made what the results go with; {} for any."""
        return {}

    def elsewhere(self, folder: Path, there: Callable[[Path], Path]) -> Self:
        """The same work on another machine.

        Args:
            folder: an empty folder for the files that one task makes.
            there: gives the place that a file of ``reads``, or its folder, has on that machine.
        """
        return self

    def arrived(self, task: T, result: R, files: Mapping[str, bytes]) -> R:
        """Put the files of a task that was done elsewhere in their places; returns the result as if done here.

        Args:
            task: the task.
            result: what another machine has returned.
            files: the files that were made, by their paths within the folder, in the order in which they were made.
        """
        return result


class Pool(Protocol[T, Result]):
    """Does one work with many tasks. Leaving it as a context manager stops what has not ended."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    @property
    def running(self) -> tuple[T, ...]:
        """The tasks that are being done at this moment."""

    def results(self, tasks: deque[T]) -> Iterator[tuple[T, Result | Failure] | None]:
        """Task and outcome as tasks end, and None twice a second while none does.

        The caller may add to ``tasks`` while it takes the results.
        """


class Executor(Protocol):
    """Where tasks are done."""

    @property
    def jobs(self) -> int:
        """How many tasks are done at a time, as far as is known now; at least 1."""

    @property
    def digest(self) -> str | None:
        """A name for what the machines that do the tasks compute, bit for bit; None where it is not known."""

    def pool(self, work: Callable[[T], R]) -> Pool[T, R]:
        """A pool for this work."""


def attempt(work: Callable[[T], R], task: T) -> R | Failure:
    """What ``work`` makes of the task; an exception as a :class:`Failure`."""
    try:
        return work(task)
    except Exception as error:
        line = str(error).strip().splitlines()[0] if str(error).strip() else ""
        kind = type(error).__name__
        return Failure(f"{kind}: {line}", traceback.format_exc(), kind)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within it BLAS uses one thread in this process; the last of several tasks at once lifts the limit."""
    with _LIMIT:
        yield


class _OneThread:
    """The limit of one BLAS thread, for as long as any task needs it.

    Each task setting and lifting a limit of its own would lift it while others still compute.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks = 0
        self._limits: Any = None

    def __enter__(self) -> None:
        from threadpoolctl import threadpool_limits

        with self._lock:
            self._tasks += 1
            if self._tasks == 1:
                self._limits = threadpool_limits(1)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._tasks -= 1
            if self._tasks == 0:
                self._limits.restore_original_limits()


_LIMIT = _OneThread()
