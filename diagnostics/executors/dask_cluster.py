"""The connection to a Dask cluster: one that exists, or one that is started on this machine."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from diagnostics.errors import MissingLibraryError, SchedulerError, StudyError
from diagnostics.executors.machine import Machine, this_machine

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

LOCAL = "local"
INSTALL = "pip install 'lenet-diag[dask]'"
FIRST_WAIT = 30.0
"""Seconds in which a scheduler has to answer at the start."""
CONNECT = 10.0
"""Seconds that one attempt to reach it again may take."""
SILENCE = 60.0
"""Seconds in which a scheduler that is connected has to answer one question before it counts as lost."""
LOST_WAIT = 600.0
"""Seconds in which a scheduler that was lost has to answer again, and in which workers of use have to come again."""
ANSWER = 2.0
"""Seconds that one question to the scheduler may take."""
OPINIONS = 20.0
"""Seconds in which workers have to say what they are before the most common kind of them is chosen."""


class DaskCluster:
    """A Dask cluster. Use it as a context manager.

    Tasks go only to workers that have the code of this process and compute alike, bit for bit: those that compute as
    this machine does, or, where there is none, the most common kind. Each other worker is told once.

    Args:
        scheduler: the address of a scheduler, such as "tcp://10.0.0.1:8786", or "local" to start a cluster here.
        jobs: how many tasks are done at a time at most; None (default) for as many as the workers have threads.
        tell: takes a line about the cluster; default no one.

    Raises MissingLibraryError without Dask, StudyError for what is no address, and SchedulerError where no scheduler
    answers.
    """

    def __init__(
        self, scheduler: str, jobs: int | None = None, tell: Callable[[str], None] = lambda line: None
    ) -> None:
        self.scheduler = scheduler
        self.most = jobs
        self.digest: str | None = None
        self.threads: dict[str, int] = {}
        self._tell = tell
        self._told: set[str] = set()
        self._done: SimpleQueue[Future[Any]] = SimpleQueue()
        self._cluster: LocalCluster | None = None
        self._client: Client | None = None
        self._looked_at = float("-inf")
        self._heard_at = time.monotonic()
        self._lost_since: float | None = None

    def __enter__(self) -> Self:
        if self.scheduler != LOCAL and "://" not in self.scheduler:
            raise StudyError(f"--scheduler {self.scheduler}: expected tcp://HOST:PORT, or local to start one here")
        try:
            import distributed  # noqa: F401  # asked for here, so that its absence is told before anything starts
        except ImportError:
            raise MissingLibraryError(
                f"--scheduler {self.scheduler}: needs Dask, which is not installed: {INSTALL}"
            ) from None
        for name in ("distributed", "distributed.scheduler", "distributed.client", "distributed.core"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what a user has to know is told in our lines
        if self.scheduler == LOCAL:
            self._cluster = _started_here(self.most or 1)
            self._client = self._connected(FIRST_WAIT)
            return self
        try:
            self._client = self._connected(FIRST_WAIT)
        except (OSError, ValueError) as error:
            raise SchedulerError(
                f"--scheduler {self.scheduler}: no scheduler answers ({_line(error)}); start one with: dask scheduler"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self._client, self._cluster):
            if part is not None:
                with contextlib.suppress(Exception):
                    part.close(timeout=ANSWER)
        self._client = self._cluster = None

    @property
    def jobs(self) -> int:
        """How many tasks are done at a time: the threads of all workers, or fewer where that was asked for."""
        if not self.threads:
            self.look()
        return max(1, min(sum(self.threads.values()), self.most or sum(self.threads.values())))

    def tell(self, line: str) -> None:
        """Say a line once."""
        if line not in self._told:
            self._told.add(line)
            self._tell(line)

    def look(self) -> bool:
        """Bring ``threads``, the workers and how many threads each has, up to date; False while the scheduler is lost.

        Asks at most twice a second. Raises SchedulerError where the scheduler has been lost for ten minutes.
        """
        if time.monotonic() - self._looked_at < ANSWER / 4:
            return self._lost_since is None
        try:
            self.threads = self._asked()
            if not self.threads:
                self.tell(f"{self.scheduler} has no workers yet; start one with: dask worker {self.scheduler}")
            self._lost_since, self._heard_at = None, time.monotonic()
        except TimeoutError as error:  # it is busy: what was so is taken to be so still
            if time.monotonic() - self._heard_at > SILENCE:
                self._lose(error)
        except OSError as error:
            self._lose(error)
        self._looked_at = time.monotonic()
        return self._lost_since is None

    def submit(self, function: Callable[..., Any], *arguments: Any, key: str, worker: str) -> Future[Any]:
        """Make a task of Dask for one worker; it is handed to :meth:`next_done` when it has ended."""
        client = self._client
        assert client is not None
        future = client.submit(
            function, *arguments, key=key, workers=[worker], allow_other_workers=False, pure=False, retries=0
        )
        future.add_done_callback(self._done.put)
        return future

    def send(self, function: Callable[..., Any], *arguments: Any, key: str, worker: str) -> None:
        """Make a task of Dask for one worker whose end nobody waits for."""
        from distributed import fire_and_forget

        fire_and_forget(self.submit(function, *arguments, key=key, worker=worker))

    def next_done(self, seconds: float) -> Future[Any] | None:
        """A task of Dask that has ended in whatever way; None where none ends within ``seconds``."""
        try:
            return self._done.get(timeout=seconds)
        except Empty:
            return None

    def choose(self, machines: dict[str, Machine | None], seconds: float) -> None:
        """Choose the digest that all workers must have, once enough is known.

        Args:
            machines: what the workers are that could be used, by address; None for those that have not said it.
            seconds: since the first of them was asked.
        """
        known = [machine for machine in machines.values() if machine is not None]
        if self.digest is not None or not known:
            return
        own = this_machine().digest
        if any(machine.digest == own for machine in known):
            self.digest = own
        elif len(known) == len(machines) or seconds > OPINIONS:
            self.digest = Counter(machine.digest for machine in known).most_common(1)[0][0]
            chosen = next(machine for machine in known if machine.digest == self.digest)
            self.tell(
                f"no worker computes as this machine does; the results are those of {chosen.host} and its like "
                f"(digest {self.digest}: {chosen.unlike(this_machine().facts)} as here)"
            )

    def _connected(self, seconds: float) -> Client:
        from distributed import Client

        return Client(self._cluster or self.scheduler, timeout=seconds, set_as_default=False)

    def _asked(self) -> dict[str, int]:
        """The workers and their threads. Raises OSError where there is no connection, and TimeoutError."""
        client = self._client
        if client is None or client.status != "running" or client.scheduler is None:
            raise OSError("the connection was closed")
        return dict(client.sync(client.scheduler.ncores, callback_timeout=ANSWER))

    def _lose(self, error: BaseException) -> None:
        """Note that the scheduler does not answer, and try to reach it again."""
        now = time.monotonic()
        if self._lost_since is None:
            self._lost_since = now
            self._told.discard(_lost(self.scheduler))
            self.tell(_lost(self.scheduler))
        self.threads = {}
        if now - self._lost_since > LOST_WAIT:
            raise SchedulerError(f"{self.scheduler}: the scheduler does not answer any more ({_line(error)})") from None
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.close(timeout=ANSWER)
            self._client = None
        with contextlib.suppress(OSError, TimeoutError):
            self._client = self._connected(CONNECT)


def _started_here(jobs: int) -> LocalCluster:
    """A cluster of this machine within this process, without a page and without limits that the local pool has not.

    A worker of Dask does not compute: each run has a process of its own. So one worker in a thread does, and no process
    has to start, to import Dask and to be talked to over a socket.
    """
    import dask
    from distributed import LocalCluster

    with dask.config.set(
        {"distributed.worker.profile.enabled": False, "distributed.admin.system-monitor.interval": "5s"}
    ):
        return LocalCluster(
            n_workers=1,
            threads_per_worker=jobs,
            processes=False,
            dashboard_address="127.0.0.1:0",
            memory_limit=None,
            silence_logs=logging.CRITICAL,
        )


def _lost(scheduler: str) -> str:
    return f"{scheduler}: the scheduler does not answer; waiting for it, and runs that have not ended begin again"


def _line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
