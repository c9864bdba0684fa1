"""Stands in for the connection to a Dask cluster: workers come, go and answer as a test says, all in this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diagnostics.executors.dask_cluster import DaskCluster
from diagnostics.executors.dask_worker import Delivery, do, introduce
from diagnostics.executors.executor import attempt
from diagnostics.executors.machine import Machine

HERE = Machine("here", "code", "0.1.0", {"blas": "one"})


@dataclass
class FakeFuture:
    """A task of Dask whose result is there, or is lost with its worker."""

    key: str
    value: Any
    worker: str
    cluster: FakeCluster

    def result(self, timeout: float) -> Any:
        if isinstance(self.value, Delivery):
            self.cluster.on_fetch(self.cluster)
        if self.worker not in self.cluster.threads:
            raise TimeoutError
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    def cancel(self) -> None:
        self.cluster.cancelled.append(self.key)


class FakeCluster(DaskCluster):
    """``threads`` and ``machines`` say what the workers are. ``events`` are called one before each look, ``on_fetch``
    before a result is handed over. Where ``is_holding``, no task ends.
    """

    def __init__(self, threads: dict[str, int], machines: dict[str, Machine] | None = None, jobs: int | None = None):
        self.told: list[str] = []
        super().__init__("tcp://fake:1", jobs, self.told.append)
        self.threads = threads
        self.machines = machines or {}
        self.events: deque[Callable[[FakeCluster], None]] = deque()
        self.waiting: deque[FakeFuture] = deque()
        self.cancelled: list[str] = []
        self.sent: list[tuple[str, str]] = []
        self.placed: list[tuple[str, Any]] = []
        self.most_at_once: dict[str, int] = {}
        self.is_lost = self.is_holding = False
        self.on_fetch: Callable[[FakeCluster], None] = lambda cluster: None

    def look(self) -> bool:
        if self.events:
            self.events.popleft()(self)
        return not self.is_lost

    def submit(self, function: Callable[..., Any], *arguments: Any, key: str, worker: str) -> Any:
        value: Any = None
        if function is introduce:
            value = self.machines.get(worker, HERE)
        elif function is do:
            _, _, work, task = arguments
            self.placed.append((worker, task))
            value = Delivery(attempt(work, task))
        future = FakeFuture(key, value, worker, self)
        if not (self.is_holding and function is do):
            self.waiting.append(future)
        at_once = sum(one.worker == worker and isinstance(one.value, Delivery) for one in self.waiting)
        self.most_at_once[worker] = max(at_once, self.most_at_once.get(worker, 0))
        return future

    def send(self, function: Callable[..., Any], *arguments: Any, key: str, worker: str) -> None:
        self.sent.append((function.__name__, worker))

    def next_done(self, seconds: float) -> Any:
        return self.waiting.popleft() if self.waiting else None
