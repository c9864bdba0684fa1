"""Where the arrays of one step lie in the buffer that is measured: its tensors, and a subsample of its outputs.

Statistics of outputs come from a fixed subsample: of (n, F) outputs the first 128 samples of
the batch, of (n, H, W, C) outputs the first 16 samples and about three evenly spaced rows.
Outputs are seen here as (F, n) and (C, H, W, n), which costs least where the batch is innermost
in memory, as the trainer keeps it; any other order gives the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.tensors import TensorStatistics
from diagnostics.schema.columns import INPUT, KINDS
from diagnostics.schema.measures import TENSOR_STATISTICS
from lenet.hooks import LayerInfo

SAMPLES = 128
MAP_SAMPLES = 16
MAP_ROWS = 3
DESCRIPTION = (
    f"of (n, F) outputs the first {SAMPLES} samples; of (n, H, W, C) outputs the first {MAP_SAMPLES} samples "
    f"(of the first shard) and about {MAP_ROWS} evenly spaced rows; dead fractions from the whole batch"
)

Array = NDArray[np.floating[Any]]
Outputs = Mapping[str, tuple[Array, ...]]


def units_first(x: Array) -> Array:
    """(n, H, W, C) as (C, H, W, n), or (n, F) as (F, n), without a copy."""
    return x.transpose(3, 1, 2, 0) if x.ndim == 4 else x.T


def subsample(parts: Sequence[Array]) -> list[Array]:
    """The pieces of a layer's parts, (C, H, W, n) or (F, n) each, that its statistics are taken from."""
    if parts[0].ndim == 4:
        stride = max(1, parts[0].shape[1] // MAP_ROWS)
        return [parts[0][:, stride // 2 :: stride, :, :MAP_SAMPLES]]
    pieces: list[Array] = []
    missing = SAMPLES
    for part in parts:
        if missing > 0:
            pieces.append(part[:, :missing])
            missing -= part.shape[1]
    return pieces


class ActivationLayout:
    """The buffer of one set of output arrays: made once, used at every step that announces the same arrays.

    ``outputs``: what the trainer announces: the parts of the batch and of each layer's outputs, by name.
    ``layers``: the trainable layers.
    ``tensor_sizes``: the number of entries of each parameter tensor.

    ``tensors``: for each kind (value, gradient, update) the tensors, as flat parts of the buffer, filled by others.
    ``samples``: the subsample of the input and of each layer, as flat parts of the buffer.
    ``tensor_statistics``: (statistic, kind, tensor), filled by :meth:`measure`.
    ``sample_statistics``: (statistic, layer), filled by :meth:`measure`; the input is the first layer.
    ``unproven`` (units,): units for which a largest output of 0 in the subsample does not prove silence.
    """

    def __init__(self, outputs: Outputs, layers: Sequence[LayerInfo], tensor_sizes: Sequence[int]) -> None:
        self.outputs = outputs
        self.parts = [[units_first(x) for x in outputs[layer.name]] for layer in layers]
        pieces = [subsample(parts) for parts in ([units_first(x) for x in outputs[INPUT]], *self.parts)]
        shapes = [(*p[0].shape[:-1], sum(piece.shape[-1] for piece in p)) for p in pieces]
        kinds, count = len(KINDS), len(tensor_sizes)
        sizes = [*(list(tensor_sizes) * kinds), *(math.prod(shape) for shape in shapes)]
        self._buffer = TensorStatistics(sizes, whole=kinds * count)
        self.tensors = [self._buffer.parts[kind * count : (kind + 1) * count] for kind in range(kinds)]
        self.samples = self._buffer.parts[kinds * count :]
        self._statistics = np.zeros((len(TENSOR_STATISTICS), len(sizes)), dtype=np.float32)
        self.tensor_statistics = self._statistics[:, : kinds * count].reshape(len(TENSOR_STATISTICS), kinds, count)
        self.sample_statistics = self._statistics[:, kinds * count :]
        self._copies: list[tuple[Array, Array]] = []
        for sample, shape, layer_pieces in zip(self.samples, shapes, pieces, strict=True):
            end = 0
            for piece in layer_pieces:
                start, end = end, end + piece.shape[-1]
                self._copies.append((sample.reshape(shape)[..., start:end], piece))
        self._of_layers, starts = self._buffer.tail(kinds * count + 1)
        units = [
            start + np.arange(shape[0]) * math.prod(shape[1:]) for start, shape in zip(starts, shapes[1:], strict=True)
        ]
        self._unit_starts = np.concatenate(units).astype(np.intp)
        # Where the subsample is the whole batch and no output is negative, a largest output of 0 proves silence.
        whole = [sum(x.size for x in p) == math.prod(s) for p, s in zip(self.parts, shapes[1:], strict=True)]
        unproven = [not (w and layer.activation == "relu") for w, layer in zip(whole, layers, strict=True)]
        self.unproven = np.repeat(unproven, [layer.units for layer in layers])

    def load(self) -> None:
        """Copy the subsamples of the input and of all layers."""
        for copy, piece in self._copies:
            np.copyto(copy, piece, casting="same_kind")

    def quiet_units(self) -> NDArray[np.bool_]:
        """Which units, of all layers, have 0 as their largest output in the subsample.

        The last unit of a layer is taken together with the zeros that fill up the buffer behind it. If all its
        outputs are negative it is called quiet too, and then looked at again.
        """
        quiet: NDArray[np.bool_] = np.maximum.reduceat(self._of_layers, self._unit_starts) == 0
        return quiet

    def measure(self) -> None:
        """Measure tensors and subsamples."""
        self._buffer.measure(self._statistics)
