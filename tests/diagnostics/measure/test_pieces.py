"""Tensors in pieces, and outputs as other frameworks lay them out, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.measure.compiler import compiled_loops
from diagnostics.measure.pieces import PIECE, PieceStatistics
from diagnostics.measure.tensors import NONFINITE, TensorStatistics, exact_statistics
from diagnostics.schema.measures import TENSOR_STATISTICS

LOOPS = compiled_loops()


def pieces(x: np.ndarray) -> list[np.ndarray]:
    return np.split(x, range(PIECE, len(x), PIECE))


@pytest.mark.parametrize("size", [1, PIECE, PIECE + 1, 3 * PIECE - 5])
def test_a_tensor_in_pieces_has_the_statistics_of_the_whole(size: int) -> None:
    x = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    statistics = PieceStatistics(size)

    assert statistics.measure(lambda: pieces(x)) == pytest.approx(exact_statistics(x), rel=1e-5, abs=1e-6)
    x[size // 2] = np.inf
    assert statistics.measure(lambda: pieces(x))[NONFINITE] == 1
    x[size // 2] = 0
    assert statistics.measure(lambda: pieces(x))[NONFINITE] == 0


def test_entries_that_were_not_finite_are_forgotten_when_they_are_again() -> None:
    out = np.zeros((len(TENSOR_STATISTICS), 2), np.float32)
    statistics = TensorStatistics([3, 4], out)
    x = np.arange(7, dtype=np.float32)
    x[1] = np.nan
    statistics.measure(x)
    assert out[NONFINITE].tolist() == [1, 0]
    x[1] = 1
    statistics.measure(x)
    assert out[NONFINITE].tolist() == [0, 0]


@pytest.mark.parametrize("least", [0.0, -np.inf])
def test_feature_maps_with_channels_first(least: float) -> None:
    x = np.random.default_rng(0).standard_normal((20, 5, 9, 7)).astype(np.float32)
    x[:, 1] = -1
    x[:, 2] = 0
    x[:16, 3] = 0  # silent in the subsample alone
    sums, silent = np.zeros(3), np.array([1, 1, 1, 1, 0], np.uint8)
    LOOPS.map_sums(x.reshape(20, 5, -1), 16, 9, 1, 3, least, sums, silent)

    after = np.maximum(x, least)
    sample = after[:16, :, 1::3].astype(np.float64)
    assert sums == pytest.approx([sample.sum(), (sample**2).sum(), (sample == 0).sum()], rel=1e-5)
    assert silent.tolist() == [0, least == 0, 1, 0, 0]


@pytest.mark.parametrize("rows", [100, 128, 200])
@pytest.mark.parametrize("least", [0.0, -np.inf])
def test_rows_of_units(rows: int, least: float) -> None:
    x = np.random.default_rng(0).standard_normal((rows, 4)).astype(np.float32)
    x[:, 1] = -1
    x[:, 2] = 0
    samples = min(rows, 128)
    x[:samples, 3] = -1
    sums, silent, zeros = np.zeros(3), np.ones(4, np.uint8), np.zeros(4, np.int64)
    LOOPS.row_sums(x, samples, least, sums, zeros, silent)

    after = np.maximum(x, least)
    sample = after[:samples].astype(np.float64)
    assert sums == pytest.approx([sample.sum(), (sample**2).sum(), (sample == 0).sum()], rel=1e-5)
    assert silent.tolist() == [0, least == 0, 1, least == 0 and rows <= 128]
