"""The subsample of the outputs of one step: its place in the trainer's arrays, and its statistics.

Statistics of outputs come from a fixed subsample: of (n, F) outputs the first 128 samples of
the batch, of (n, H, W, C) outputs the first 16 samples and about three evenly spaced rows.
Here outputs have the axes (H, C, W, n), the order in which the trainer keeps them in memory; (n, F) outputs become
(1, F, 1, n). Outputs with this order in memory are read in place; others are copied first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.compiler import compiled_loops
from diagnostics.measure.tensors import exact_statistics, rounded_statistics
from diagnostics.schema.columns import INPUT
from diagnostics.schema.measures import ACTIVATION_STATISTICS, TENSOR_STATISTICS, positions
from diagnostics.schema.number_range import logged_numbers
from lenet.hooks import LayerInfo

SAMPLES = 128
MAP_SAMPLES = 16
MAP_ROWS = 3
DESCRIPTION = (
    f"of (n, F) outputs the first {SAMPLES} samples; of (n, H, W, C) outputs the first {MAP_SAMPLES} samples "
    f"(of the first shard) and about {MAP_ROWS} evenly spaced rows; dead fractions from the whole batch"
)
NAMES = ("mean", "std", "zero_fraction")
FOUND, EXACT = (np.array(positions(declared, *NAMES)) for declared in (ACTIVATION_STATISTICS, TENSOR_STATISTICS))

Array = NDArray[np.floating[Any]]
Outputs = Mapping[str, tuple[Array, ...]]


def batch_last(x: Array) -> Array:
    """(n, H, W, C) as (H, C, W, n), or (n, F) as (1, F, 1, n), without a copy."""
    return x.transpose(1, 3, 2, 0) if x.ndim == 4 else x.T[None, :, None]


def subsample(parts: Sequence[Array]) -> list[tuple[Array, slice, int]]:
    """The parts of a layer's outputs in its subsample, (H, C, W, n) each, with the rows and samples of each."""
    height, _, width, _ = parts[0].shape
    if height * width > 1:
        stride = max(1, height // MAP_ROWS)
        return [(parts[0], slice(stride // 2, None, stride), min(MAP_SAMPLES, parts[0].shape[3]))]
    starts = np.cumsum([0, *(part.shape[3] for part in parts)]).tolist()
    return [
        (part, slice(0, None, 1), min(SAMPLES - start, part.shape[3]))
        for part, start in zip(parts, starts, strict=False)
        if start < SAMPLES
    ]


def unit_statistics(sample: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Mean, deviation and share of zeros of a subsample (units, entries), and the number of zeros of each unit."""
    loops, sums, zeros = compiled_loops(), np.zeros((1, 3)), np.zeros(len(sample), np.int64)
    loops.output_sums(sample[None, :, None], 0, 1, sample.shape[1], sums[0], zeros)
    found, doubtful = np.zeros((3, 1), np.float32), np.zeros(1, np.uint8)
    if loops.moments(sums, np.array([sample.size]), np.arange(3), found, doubtful):
        found[:, 0] = exact_statistics(sample.ravel())[EXACT]
    return found[:, 0], zeros


class ActivationLayout:
    """The subsample of one set of output arrays. It is made once and used at every step with the same arrays.

    ``outputs``: the arrays that the trainer announces: the parts of the batch and of each layer's outputs, by name.
    ``layers``: the trainable layers.

    ``parts``: the parts of each layer's outputs, (H, C, W, n) each.
    ``is_whole`` (unit,): whether all outputs of a unit, of all layers, belong to the subsample.
    """

    def __init__(self, outputs: Outputs, layers: Sequence[LayerInfo]) -> None:
        names = (INPUT, *(layer.name for layer in layers))
        parts = [[batch_last(x) for x in outputs[name]] for name in names]
        self.outputs, self.parts = outputs, parts[1:]
        self._samples: list[list[Array]] = []
        self._copies: list[tuple[Array, Array]] = []
        self._pieces: list[tuple[Any, ...]] = []
        units = [p[0].shape[1] for p in parts]
        self._sums, self._zeros = np.zeros((len(names), 3)), np.zeros(sum(units), dtype=np.int64)
        for p, sums, zeros in zip(parts, self._sums, np.split(self._zeros, np.cumsum(units)[:-1]), strict=True):
            taken = []
            for x, rows, samples in subsample(p):
                taken.append(x[rows, :, :, :samples])
                if not (x.flags.c_contiguous and x.dtype == np.float32):
                    x, rows = np.zeros(taken[-1].shape, dtype=np.float32), slice(0, None, 1)
                    self._copies.append((x, taken[-1]))
                self._pieces.append((x, rows.start, rows.step, samples, sums, zeros))
            self._samples.append(taken)
        sizes = np.array([sum(x.size for x in taken) for taken in self._samples])
        whole = [sum(x.size for x in p) == size for p, size in zip(parts, sizes, strict=True)]
        of_layers = np.repeat(np.arange(len(names)), units)[units[0] :]
        self.is_whole = np.array(whole)[of_layers]
        self._sizes, self._doubtful = sizes, np.zeros(len(names), dtype=np.uint8)
        self._of_units, self._unit_sizes = self._zeros[units[0] :], (sizes // units)[of_layers]
        self._loops = compiled_loops()

    def measure(self, block: NDArray[np.float32], quiet: NDArray[np.bool_]) -> int:
        """Measure the present contents of the arrays.

        ``block`` (statistic, layer): receives mean, deviation and zeros; the input is the first layer.
        ``quiet`` (unit,): receives whether each unit, of all layers, is 0 in the whole subsample.

        Returns the number of quiet units that also have outputs outside the subsample.
        """
        for copy, taken in self._copies:
            with np.errstate(all="ignore"):
                np.copyto(copy, taken, casting="same_kind")
        for piece in self._pieces:
            self._loops.output_sums(*piece)
        if self._loops.moments(self._sums, self._sizes, FOUND, block, self._doubtful):
            for i in np.flatnonzero(self._doubtful).tolist():
                block[FOUND, i] = rounded_statistics(self._entries(i))[EXACT]
        np.equal(self._of_units, self._unit_sizes, out=quiet)
        self._zeros.fill(0)
        return int(np.count_nonzero(quiet > self.is_whole))

    def sample(self, layer: int) -> NDArray[np.float32]:
        """The subsample of one layer, flat; the input is layer 0."""
        return logged_numbers(self._entries(layer))

    def _entries(self, layer: int) -> Array:
        return np.concatenate([x.ravel() for x in self._samples[layer]])
