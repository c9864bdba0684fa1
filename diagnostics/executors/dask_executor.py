"""A Dask cluster as an executor."""

from __future__ import annotations

from collections.abc import Callable

from diagnostics.executors.dask_cluster import DaskCluster
from diagnostics.executors.dask_pool import DaskPool
from diagnostics.executors.executor import R, T


class DaskExecutor(DaskCluster):
    """A Dask cluster on which works are done. Its arguments are those of :class:`DaskCluster`."""

    def pool(self, work: Callable[[T], R]) -> DaskPool[T, R]:
        """A pool of the cluster's workers for this work."""
        return DaskPool(self, work)
