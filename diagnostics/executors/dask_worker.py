"""What a worker of a Dask cluster does for a pool. The functions here are tasks of Dask and run on the worker.

Each run has a process of its own kind (:class:`~diagnostics.executors.worker_pool.WorkerPool`
with one worker) under the worker of Dask. So one BLAS thread holds for a run whatever else
the worker does, a run that takes its process with it is a failure of that run alone, and a
run that nobody wants any more is ended. The process is kept for the next run of the same pool.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import current_process
from pathlib import Path
from typing import Any, Generic

from diagnostics.executors.executor import Failure, R, T, Work, attempt
from diagnostics.executors.machine import Machine, this_machine
from diagnostics.executors.worker_pool import WorkerPool

IDLE = 60.0
"""Seconds after which a process that no run has needed is ended."""
UNWANTED = ("cancelled", "released", "forgotten")


@dataclass(frozen=True)
class Delivery(Generic[R]):
    """What comes back for one task.

    Args:
        outcome: its result, or what went wrong.
        files: the files that it made, by their paths within its folder, in the order in which they were made.
    """

    outcome: R | Failure
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkThere(Generic[T, R]):
    """A work as it is done on another machine: in a folder that is empty for each task, whose files are handed back.

    Args:
        work: what is done.
        root: the folder of the pool on this machine, where the files lie that the work reads.
    """

    work: Callable[[T], R]
    root: Path

    def __call__(self, task: T) -> Delivery[R]:
        """Do one task."""
        if not isinstance(self.work, Work):
            return Delivery(attempt(self.work, task))
        with tempfile.TemporaryDirectory(prefix="task-", dir=self.root) as folder:
            outcome = attempt(self.work.elsewhere(Path(folder), lambda path: place_of(self.root, path)), task)
            return Delivery(outcome, _files_in(Path(folder)))


def introduce(name: str, files: Mapping[Path, bytes]) -> Machine:
    """Put down the files that the work of a pool reads, and say what machine this is.

    Args:
        name: of the pool.
        files: the files, by their paths on the machine that they come from.
    """
    root = _root(name)
    root.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        place = place_of(root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return this_machine()


def do(name: str, key: str, work: Callable[[T], R], task: T) -> Delivery[R]:
    """Do one task in a process of its own, and end it where nobody wants the result any more.

    Args:
        name: of the pool.
        key: Dask's name for this task.
        work: what is done.
        task: the task.
    """
    pool = _KEPT.take(name) or WorkerPool(1, WorkThere(work, _root(name)))
    with _children_allowed():
        for done in pool.results(deque([task])):
            if done is not None:
                _KEPT.put(name, pool)
                outcome = done[1]
                return Delivery(outcome) if isinstance(outcome, Failure) else outcome
            if _is_unwanted(key):
                break
    pool.__exit__()
    return Delivery(Failure("nobody wanted it any more"))


def forget(name: str) -> None:
    """End the idle processes of a pool, and remove the files that its work read."""
    while (pool := _KEPT.take(name)) is not None:
        pool.__exit__()
    shutil.rmtree(_root(name), ignore_errors=True)


def place_of(root: Path, path: Path) -> Path:
    """Where a file of another machine lies in the folder of a pool; files that were beside each other still are."""
    return root.joinpath("files", *path.parts[1:])


def _files_in(folder: Path) -> dict[str, bytes]:
    """The regular files in a folder but hidden ones, oldest first."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    shown = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    shown.sort(key=lambda path: path.stat().st_mtime_ns)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in shown}


def _root(name: str) -> Path:
    """The folder of a pool, in a folder that Dask removes with the worker."""
    from distributed import get_worker

    return Path(get_worker().local_directory) / f"lenet-diag-{name}"


def _is_unwanted(key: str) -> bool:
    """Whether the client has cancelled a task or is gone, or the worker is about to end."""
    from distributed import get_worker

    worker = get_worker()
    known = worker.state.tasks.get(key)
    return known is None or known.state in UNWANTED or worker.status.name in ("closing", "closed", "failed")


@contextmanager
def _children_allowed() -> Iterator[None]:
    """Let this process start others: Dask's workers are daemonic, and multiprocessing starts none from such.

    Ours end by themselves when this process is gone.
    """
    vars(current_process()).get("_config", {}).pop("daemon", None)
    yield


class _KeptPools:
    """Processes that wait for the next run of their pool, and end when none comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: list[tuple[str, WorkerPool[Any, Any], threading.Timer]] = []

    def take(self, name: str) -> WorkerPool[Any, Any] | None:
        """One that waits for a run of this pool; None where there is none."""
        with self._lock:
            for entry in self._pools:
                if entry[0] == name:
                    self._pools.remove(entry)
                    entry[2].cancel()
                    return entry[1]
        return None

    def put(self, name: str, pool: WorkerPool[Any, Any]) -> None:
        """Keep a process until its pool needs it again, or for a minute."""
        timer = threading.Timer(IDLE, lambda: self._end(pool))
        timer.daemon = True
        with self._lock:
            self._pools.append((name, pool, timer))
        timer.start()

    def _end(self, pool: WorkerPool[Any, Any]) -> None:
        with self._lock:
            entry = next((entry for entry in self._pools if entry[1] is pool), None)
            if entry is not None:
                self._pools.remove(entry)
        if entry is not None:
            pool.__exit__()


_KEPT = _KeptPools()
