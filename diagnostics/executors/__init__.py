"""Does many tasks in processes of this machine, or on the workers of a Dask cluster.

In: a work (what is done with a task) and tasks.
Out: each task with its result or its error, and the files that the work made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostics.lazy_names import lazy_names as _lazy_names

if TYPE_CHECKING:
    from diagnostics.executors.executor import Executor as Executor
    from diagnostics.executors.executor import Failure as Failure
    from diagnostics.executors.executor import Pool as Pool
    from diagnostics.executors.executor import Work as Work
    from diagnostics.executors.opening import open_executor as open_executor
    from diagnostics.executors.worker_pool import LocalExecutor as LocalExecutor
    from diagnostics.executors.worker_pool import WorkerPool as WorkerPool

__getattr__, __dir__, __all__ = _lazy_names(__name__, __file__)
