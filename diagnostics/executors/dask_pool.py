"""One work on a Dask cluster: which worker does which task, and what happens to a task whose worker is lost.

The client assigns each task to a single worker, and to a worker no more tasks than it has
threads. So the client knows which worker does which task. The tasks of a worker that was
killed or disconnected begin again on other workers. A result counts once, when the client
has it. A run that ends its own process is a failure, as in the pool of a single machine.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self

from diagnostics.errors import SchedulerError
from diagnostics.executors.dask_cluster import LOST_WAIT, DaskCluster
from diagnostics.executors.dask_worker import Delivery, do, forget, introduce
from diagnostics.executors.executor import TICK, Failure, R, T, Work, attempt
from diagnostics.executors.machine import Machine, this_machine

if TYPE_CHECKING:
    from distributed import Future


DEATHS = 10
"""Workers that may be lost with one task before it counts as failed."""
FETCH = 10.0
"""Seconds after which it is asked whether the worker that has a result is still there."""


@dataclass
class _Worker:
    """A worker of the cluster: its machine, once it is known, or why the worker is not used."""

    introduction: Future[Any]
    machine: Machine | None = None
    refusal: str = ""


@dataclass
class _Assignment(Generic[T]):
    """A task, the worker that does it, and how many workers were lost while they did it."""

    task: T
    worker: str = ""
    future: Future[Any] | None = None
    deaths: int = 0


class DaskPool(Generic[T, R]):
    """Does one work on a cluster; see :class:`~diagnostics.executors.executor.Pool`.

    Args:
        cluster: the connection.
        work: what is done; it is imported on the workers by its name.
    """

    def __init__(self, cluster: DaskCluster, work: Callable[[T], R]) -> None:
        self._cluster = cluster
        self._work = work
        self._name = secrets.token_hex(4)
        self._files = {path.absolute(): path.read_bytes() for path in work.reads} if isinstance(work, Work) else {}
        self._made_by = work.made_by if isinstance(work, Work) else {}
        self._workers: dict[str, _Worker] = {}
        self._assignments: dict[str, _Assignment[T]] = {}
        self._again: deque[_Assignment[T]] = deque()
        self._tasks = 0
        self._has_worked = False
        self._useful_at = time.monotonic()
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for assignment in self._assignments.values():
            _cancel(assignment.future)
        self._assignments.clear()
        with contextlib.suppress(Exception):  # the cluster may be gone
            for address in self._workers:
                self._cluster.send(forget, self._name, key=self._key(), worker=address)
        self._workers.clear()

    @property
    def running(self) -> tuple[T, ...]:
        """The tasks that workers have at this moment."""
        return tuple(assignment.task for assignment in self._assignments.values())

    def results(self, tasks: deque[T]) -> Iterator[tuple[T, R | Failure] | None]:
        """Task and outcome as tasks end, and None twice a second while none does.

        Raises SchedulerError where no worker can be used, or the scheduler is lost for good.
        """
        while tasks or self._again or self._assignments:
            yield from self._lost()
            self._assign(tasks)
            done = self._cluster.next_done(TICK)
            if done is None:
                yield None
            elif (assignment := self._assignments.pop(str(done.key), None)) is None:
                self._take_description(done)
            elif (delivery := self._fetch(assignment)) is not None:
                assignment.future = None
                yield (
                    assignment.task,
                    delivery if isinstance(delivery, Failure) else self._arrived(assignment.task, delivery),
                )

    def _lost(self) -> Iterator[tuple[T, Failure]]:
        """Update the list of workers; gives the tasks that were lost too often."""
        is_there = self._cluster.look()
        self._know_workers(self._cluster.threads)
        for key, assignment in list(self._assignments.items()):
            if assignment.worker not in self._workers:
                del self._assignments[key]
                failure = self._begin_again(assignment, is_death=is_there)
                if failure is not None:
                    yield assignment.task, failure

    def _know_workers(self, threads: Mapping[str, int]) -> None:
        """Remove the workers that are gone, ask new ones for their machine, and decide which of the others are used."""
        self._workers = {address: worker for address, worker in self._workers.items() if address in threads}
        for address in threads.keys() - self._workers.keys():
            introduction = self._cluster.submit(introduce, self._name, self._files, key=self._key(), worker=address)
            self._workers[address] = _Worker(introduction)
        self._admit()

    def _assign(self, tasks: deque[T]) -> None:
        """Assign tasks to workers with free threads, first to those that have most."""
        free = {address: self._free(address) for address, worker in self._workers.items() if self._may_work(worker)}
        most = self._cluster.most
        while (self._again or tasks) and (most is None or len(self._assignments) < most):
            address = max(free, key=lambda one: free[one], default=None)
            if address is None or free[address] <= 0:
                return
            free[address] -= 1
            assignment = self._again.popleft() if self._again else _Assignment(tasks.popleft())
            key = self._key()
            assignment.worker = address
            assignment.future = self._cluster.submit(
                do, self._name, key, self._work, assignment.task, key=key, worker=address
            )
            self._assignments[key] = assignment
            self._has_worked = True

    def _free(self, address: str) -> int:
        return self._cluster.threads.get(address, 0) - sum(
            assignment.worker == address for assignment in self._assignments.values()
        )

    def _may_work(self, worker: _Worker) -> bool:
        return worker.machine is not None and not worker.refusal and worker.machine.digest == self._cluster.digest

    def _take_description(self, introduction: Future[Any]) -> None:
        """Keep the machine that a worker has described."""
        lost = ""
        for address, worker in self._workers.items():
            if worker.introduction.key == introduction.key:
                try:
                    worker.machine = introduction.result(timeout=FETCH)
                except (CancelledError, TimeoutError, OSError):  # it is gone, or will be asked again
                    lost = address
                except Exception as error:
                    worker.refusal = f"lenet-diag does not start there ({type(error).__name__}: {error})"
                    self._cluster.tell(f"{address} is not used: {worker.refusal}")
        self._workers.pop(lost, None)

    def _admit(self) -> None:
        """Decide which of the workers whose machine is known are used. Raises SchedulerError where all are refused."""
        for worker in self._workers.values():
            if worker.machine is not None and not worker.refusal:
                worker.refusal = self._objection(worker.machine)
                if worker.refusal:
                    self._cluster.tell(f"{worker.machine.host} is not used: {worker.refusal}")
        usable = {address: worker.machine for address, worker in self._workers.items() if not worker.refusal}
        self._cluster.choose(usable, time.monotonic() - self._began)
        if usable or not self._workers:
            self._useful_at = time.monotonic()
        elif time.monotonic() - self._useful_at > (LOST_WAIT if self._has_worked else 0.0):
            why = "; ".join(dict.fromkeys(worker.refusal for worker in self._workers.values()))
            raise SchedulerError(f"{self._cluster.scheduler}: no worker can be used: {why}")

    def _objection(self, machine: Machine) -> str:
        """Why a worker cannot be used; "" where it can."""
        if machine.code != this_machine().code:
            return (
                f"its lenet-diag ({machine.release}) has other code than the one here ({this_machine().release}); "
                "install the same there"
            )
        if difference := machine.unlike(self._made_by):
            return f"it computes unlike the machine of the runs that are there: {difference}"
        if self._cluster.digest not in (None, machine.digest):
            return f"it computes unlike the others (its digest is {machine.digest}, theirs {self._cluster.digest})"
        return ""

    def _fetch(self, assignment: _Assignment[T]) -> Delivery[R] | Failure | None:
        """The result of a task of Dask that has ended; None where it must begin again."""
        future = assignment.future
        assert future is not None
        while True:
            try:
                delivery: Delivery[R] = future.result(timeout=FETCH)
                return delivery
            except TimeoutError:  # the transfer is slow, or the worker was lost with the result
                if not (self._cluster.look() and assignment.worker in self._cluster.threads):
                    return self._begin_again(assignment, is_death=True)
            except (CancelledError, OSError):
                return self._begin_again(assignment, is_death=False)
            except Exception as error:
                return Failure(f"{type(error).__name__}: {error}", error=type(error).__name__)

    def _begin_again(self, assignment: _Assignment[T], *, is_death: bool) -> Failure | None:
        """Let a task begin again that was lost with its worker; a Failure where that has happened too often."""
        _cancel(assignment.future)
        assignment.future = None
        assignment.deaths += is_death
        if assignment.deaths >= DEATHS:
            return Failure(f"{DEATHS} workers were lost while they did it")
        self._again.append(assignment)
        return None

    def _arrived(self, task: T, delivery: Delivery[R]) -> R | Failure:
        """The result of a task, its files put in their places."""
        work, outcome = self._work, delivery.outcome
        if isinstance(outcome, Failure) or not isinstance(work, Work):
            return outcome
        return attempt(lambda one: work.arrived(one, outcome, delivery.files), task)

    def _key(self) -> str:
        self._tasks += 1
        return f"lenet-diag-{self._name}-{self._tasks}"


def _cancel(future: Future[Any] | None) -> None:
    """Cancel a task; does nothing where the scheduler is gone."""
    if future is not None:
        with contextlib.suppress(Exception):
            future.cancel()
