"""The snapshots of a run: histograms of every tensor, silent units and first kernels, every k steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnostics.arguments import expect_name
from diagnostics.run.source import Source
from diagnostics.schema.columns import KINDS
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import COUNTS, KERNELS, RANGES, SILENT, SNAPSHOTS


@dataclass(frozen=True)
class Histogram:
    """Counts (n, bins) of one tensor at n snapshots, in equal bins from ``low`` to ``high`` (n,)."""

    steps: NDArray[np.int64]
    counts: NDArray[np.uint32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]

    @property
    def edges(self) -> NDArray[np.float64]:
        """The ends of the bins, (n, bins + 1)."""
        share = np.linspace(0.0, 1.0, self.counts.shape[1] + 1)
        low, high = self.low.astype(np.float64), self.high.astype(np.float64)
        return np.asarray(low[:, None] * (1 - share) + high[:, None] * share)

    def at(self, places: NDArray[np.intp]) -> Histogram:
        """The histograms of some of the snapshots, by their positions."""
        return Histogram(self.steps[places], self.counts[places], self.low[places], self.high[places])

    def quantiles(self, levels: tuple[float, ...]) -> NDArray[np.float64]:
        """Quantiles (n, levels) of the tensor's finite entries, linear inside a bin; NaN where none is finite."""
        result = np.full((len(self.steps), len(levels)), np.nan)
        edges = self.edges
        for i, counts in enumerate(self.counts):
            total = int(counts.sum())
            if total:
                reached = np.concatenate([[0.0], np.cumsum(counts) / total])
                result[i] = np.interp(levels, reached, edges[i])
        return result


class Snapshots:
    """The snapshots of one run; ``steps`` says when each was taken."""

    def __init__(self, info: RunInfo, source: Source) -> None:
        self._info = info
        self._source = source
        index = source.table(SNAPSHOTS)
        self.steps: NDArray[np.int64] = np.ascontiguousarray(index["step"])
        self.extra: NDArray[np.bool_] = index["extra"].astype(bool)

    def __len__(self) -> int:
        return len(self.steps)

    def histogram(self, layer: str, tensor: str, kind: str) -> Histogram:
        """The histograms of one tensor's ``value``, ``gradient`` or ``update``.

        Raises UnknownNameError for a name that the run does not have.
        """
        tensors = self._info.tensors
        expect_name("layer", layer, (t.layer for t in tensors))
        expect_name("tensor", tensor, (t.tensor for t in tensors if t.layer == layer))
        expect_name("kind", kind, KINDS)
        place = [(t.layer, t.tensor) for t in self._info.tensors].index((layer, tensor))
        counts, ranges = self._source.array(COUNTS), self._source.array(RANGES)
        n, k = len(self), KINDS.index(kind)
        return Histogram(self.steps, counts[:n, k, place], ranges[:n, k, place, 0], ranges[:n, k, place, 1])

    def silent(self, layer: str) -> NDArray[np.bool_]:
        """Which units of a layer were 0 for the whole batch, (snapshots, units).

        Raises UnknownNameError for a layer that the run does not have.
        """
        names = [la.name for la in self._info.layers]
        expect_name("layer", layer, names)
        units = [la.units for la in self._info.layers]
        start = sum(units[: names.index(layer)])
        rows = self._source.array(SILENT)
        return rows[: len(self), start : start + units[names.index(layer)]].astype(bool)

    @property
    def kernels(self) -> NDArray[np.float32]:
        """The first convolution's weights (snapshots, kh, kw, C_in, C_out); no snapshots without one."""
        first = self._info.first_convolution
        if first is None:
            return np.zeros((0, 0, 0, 0, 0), np.float32)
        rows = self._source.array(KERNELS)[: len(self)]
        return rows.reshape(len(rows), *first.shape)
