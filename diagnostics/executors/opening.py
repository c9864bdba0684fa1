"""The executor that was asked for: processes of this machine, a Dask cluster that exists, or one that is started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from diagnostics.executors.executor import Executor
from diagnostics.executors.worker_pool import LocalExecutor


@contextmanager
def open_executor(
    scheduler: str | None, jobs: int | None = None, tell: Callable[[str], None] = lambda line: None
) -> Iterator[Executor]:
    """An executor for as long as the block lasts.

    Args:
        scheduler: None for processes of this machine; "local" for a Dask cluster that is started here; else the
            address of the scheduler of one, such as "tcp://10.0.0.1:8786".
        jobs: how many tasks are done at a time at most; None (default) for the number of cores, and on a cluster
            that exists for as many as its workers have threads.
        tell: called with each line about the cluster; default none.

    Raises MissingLibraryError without Dask, and StudyError or SchedulerError where there is no such cluster.
    """
    from lenet.training.engine import cores

    if scheduler is None:
        yield LocalExecutor(jobs or cores())
        return
    from diagnostics.executors.dask_cluster import LOCAL
    from diagnostics.executors.dask_executor import DaskExecutor

    with DaskExecutor(scheduler, jobs or (cores() if scheduler == LOCAL else None), tell) as cluster:
        yield cluster
