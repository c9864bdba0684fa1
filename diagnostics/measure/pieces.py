"""Statistics of one tensor that comes in pieces, so that a large one is never held twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.compiler import compiled_loops
from diagnostics.measure.tensors import (
    MAX,
    MEAN,
    MIN,
    MOMENTS,
    NONFINITE,
    NORM,
    OTHERS,
    STD,
    ZERO,
    exact_statistics,
    wide_statistics,
)
from diagnostics.schema.measures import TENSOR_STATISTICS

PIECE = 1 << 17
"""Entries of a piece, the last one of a tensor left out: half a megabyte, which the caches hold."""


class PieceStatistics:
    """Measures a tensor of ``size`` entries."""

    def __init__(self, size: int) -> None:
        self._size, count = np.array([size]), -(-size // PIECE)
        self._sums = np.zeros((count, 1, 3))
        self._ends = np.zeros((count, len(TENSOR_STATISTICS), 1), np.float32)
        self._spans = [np.array([0, min(PIECE, size - first)]) for first in range(0, size, PIECE)]
        self._out, self._doubtful = np.zeros((len(TENSOR_STATISTICS), 1), np.float32), np.zeros(1, np.uint8)
        self._places = np.array([MIN, MAX, NORM]), np.array([MEAN, STD, ZERO])
        self._loops = compiled_loops()

    def measure(
        self,
        pieces: Callable[[], Iterable[NDArray[np.float32]]],
        whole: Callable[[], NDArray[np.float64]] | None = None,
    ) -> NDArray[np.floating[Any]]:
        """The statistics of a tensor in the order of TENSOR_STATISTICS, (statistic,); overwritten by the next ones.

        ``pieces``: returns its entries, PIECE at a time; a piece may be overwritten by the next one.
        ``whole``: returns the float64 entries that those were rounded from, and is called where float32 cannot hold
        them; None for entries of float32.
        """
        ends, found = self._places
        for i, piece in enumerate(pieces()):
            sums, out = self._sums[i], self._ends[i]
            self._loops.tensor_sums(piece, piece.view(np.int32), self._spans[i], sums, ends, out, out.view(np.int32))
        total = self._sums.sum(axis=0)
        self._out[MIN, 0], self._out[MAX, 0] = self._ends[:, MIN].min(), self._ends[:, MAX].max()
        self._out[NORM, 0], self._out[NONFINITE, 0] = np.sqrt(total[0, 1]), 0
        if self._loops.moments(total, self._size, found, self._out, self._doubtful) or OTHERS:
            self._out[:, 0] = exact_statistics(np.concatenate([piece.copy() for piece in pieces()]))
        if whole is not None and not np.isfinite(self._out[MOMENTS]).all():
            return wide_statistics(whole())
        return self._out[:, 0]
