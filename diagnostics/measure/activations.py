"""Statistics of layer outputs, and which units are silent.

Mean, deviation, zeros and saturation come from a fixed subsample: of (n, F)
outputs the first 128 samples of the batch, of (n, H, W, C) outputs the first 16
samples and about three evenly spaced rows. Silence is exact: a unit that shows
a nonzero output in the subsample is not silent; of the others the whole batch
is looked at.

Outputs are seen here as (C, H, W, n) and (F, n), which costs least where the
batch is innermost in memory, as the trainer keeps it; any other order gives the
same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure import tensors
from diagnostics.measure.tensors import Segments, saturated_fraction
from diagnostics.schema.columns import ACTIVATION_STATISTICS, INPUT, TENSOR_STATISTICS
from lenet.hooks import LayerInfo

SAMPLES = 128
MAP_SAMPLES = 16
MAP_ROWS = 3
DESCRIPTION = (
    f"of (n, F) outputs the first {SAMPLES} samples; of (n, H, W, C) outputs the first {MAP_SAMPLES} samples "
    f"(of the first shard) and about {MAP_ROWS} evenly spaced rows; dead fractions from the whole batch"
)
MEAN, STD, ZERO, SATURATED, DEAD, DEAD_WINDOW = range(len(ACTIVATION_STATISTICS))

Array = NDArray[np.floating[Any]]
Outputs = Mapping[str, tuple[Array, ...]]


def units_first(x: Array) -> Array:
    """(n, H, W, C) as (C, H, W, n), or (n, F) as (F, n); no copy."""
    return x.transpose(3, 1, 2, 0) if x.ndim == 4 else x.T


def subsample(parts: Sequence[Array]) -> list[Array]:
    """The pieces of a portion's (C, H, W, n) or (F, n) parts that the statistics are taken from."""
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


def silent_units(parts: Sequence[Array], candidates: NDArray[np.intp], nonnegative: bool) -> NDArray[np.intp]:
    """Those of the ``candidates`` whose outputs are 0 for every sample of all ``parts``.

    ``nonnegative`` promises that no output is below 0, as after ReLU.
    """
    for part in parts:
        if candidates.size == 0:
            break
        others = tuple(range(1, part.ndim))
        if part.ndim == 4 and len(candidates) <= 4:
            top = np.array([part[c].max() for c in candidates])
            low = top if nonnegative else np.array([part[c].min() for c in candidates])
        else:
            # Picking units copies them, which pays for rows of samples but not for whole maps.
            looked_at = part if part.ndim == 4 else part[candidates]
            top = np.maximum.reduce(looked_at, axis=others)
            low = top if nonnegative else np.minimum.reduce(looked_at, axis=others)
            if part.ndim == 4:
                top, low = top[candidates], low[candidates]
        candidates = candidates[(top == 0) & (low == 0)]
    return candidates


class Plan:
    """All there is to measure of a step: tensors, then the subsamples of one set of outputs.

    Made once for a set of arrays and used again at every step that announces them.
    ``threes`` are value, gradient and update of each tensor, to be filled by others;
    ``statistics`` (statistic, tensor) of everything are filled by :meth:`measure`.
    """

    def __init__(self, outputs: Outputs, layers: Sequence[LayerInfo], tensor_sizes: Sequence[int]) -> None:
        self.outputs = outputs
        self.parts = [[units_first(x) for x in outputs[layer.name]] for layer in layers]
        pieces = [subsample(parts) for parts in ([units_first(x) for x in outputs[INPUT]], *self.parts)]
        shapes = [(*p[0].shape[:-1], sum(piece.shape[-1] for piece in p)) for p in pieces]
        self.segments = Segments([*tensor_sizes, *(math.prod(shape) for shape in shapes)], len(tensor_sizes))
        self.statistics = np.zeros((len(TENSOR_STATISTICS), self.segments.count), dtype=np.float32)
        self.samples = self.segments.parts[len(tensor_sizes) :]
        third = len(tensor_sizes) // 3
        tensors = self.segments.parts[: 3 * third]
        self.threes = list(zip(tensors[:third], tensors[third : 2 * third], tensors[2 * third :], strict=True))
        self._copies: list[tuple[Array, Array]] = []
        for part, shape, sample in zip(self.samples, shapes, pieces, strict=True):
            end = 0
            for piece in sample:
                start, end = end, end + piece.shape[-1]
                self._copies.append((part.reshape(shape)[..., start:end], piece))
        self._of_layers, starts = self.segments.tail(len(tensor_sizes) + 1)
        units = [
            start + np.arange(shape[0]) * math.prod(shape[1:]) for start, shape in zip(starts, shapes[1:], strict=True)
        ]
        self._unit_starts = np.concatenate(units).astype(np.intp)
        # Where the subsample is all there is and nothing is negative, a largest output of 0 is proof.
        whole = [sum(x.size for x in p) == math.prod(s) for p, s in zip(self.parts, shapes[1:], strict=True)]
        unproven = [not (w and layer.activation == "relu") for w, layer in zip(whole, layers, strict=True)]
        self.unproven = np.repeat(unproven, [layer.units for layer in layers])

    def load(self) -> None:
        """Copy the subsamples of all layers."""
        for copy, piece in self._copies:
            np.copyto(copy, piece, casting="same_kind")

    def quiet_units(self) -> NDArray[np.bool_]:
        """Which units, of all layers, have 0 as their largest output in the subsample.

        The last unit of a layer is taken together with the zeros behind it; one
        whose outputs are all negative is then called quiet, and looked at again.
        """
        quiet: NDArray[np.bool_] = np.maximum.reduceat(self._of_layers, self._unit_starts) == 0
        return quiet

    def measure(self) -> None:
        """Measure everything."""
        self.segments.statistics(self.statistics)


class Activity:
    """What the outputs of a step say, gathered over the portions of its batch.

    ``block`` (statistic, layer) is where it goes: ``input`` first, then the layers.
    ``silent`` (units,) says 1 for every unit of all layers that was silent for the
    whole batch so far. ``plan`` is that of the step's first portion, with room
    for tensors of ``tensor_sizes``: all values, all gradients, all updates.
    """

    def __init__(
        self, layers: Sequence[LayerInfo], block: NDArray[np.float32], tensor_sizes: Sequence[int] = ()
    ) -> None:
        ends = np.cumsum([0, *(layer.units for layer in layers)]).tolist()
        self.starts = np.array(ends[:-1], dtype=np.intp)
        self.units = np.diff(np.array(ends, dtype=np.float32))
        self.silent: NDArray[np.uint8] = np.ones(ends[-1], dtype=np.uint8)
        self.plan: Plan | None = None
        self._layers = layers
        self._places = list(pairwise(ends))
        self._saturable = [i for i, layer in enumerate(layers) if layer.activation in ("sigmoid", "tanh")]
        self._tensor_sizes = list(tensor_sizes)
        self._block = block
        block[:] = np.nan
        self._plans: list[Plan] = []

    def observe(self, outputs: Outputs, first_sample: int) -> None:
        """Take in one portion of the batch; the one that starts at sample 0 gives the statistics."""
        plan = self._plan(outputs)
        if first_sample == 0:
            plan.load()
            self.plan = plan
            quiet = plan.quiet_units()
            self.silent[:] = quiet
            quiet &= plan.unproven
        else:
            quiet = self.silent != 0
        if quiet.any():
            self._look(plan, quiet)

    def _look(self, plan: Plan, quiet: NDArray[np.bool_]) -> None:
        """Look at the whole portion for those that may be silent."""
        for layer, parts, (start, stop) in zip(self._layers, plan.parts, self._places, strict=True):
            candidates = np.flatnonzero(quiet[start:stop])
            if candidates.size:
                found = silent_units(parts, candidates, layer.activation == "relu")
                self.silent[start + candidates] = 0
                self.silent[start + found] = 1

    def report(self) -> None:
        """Fill the block, once the plan has been measured."""
        if self.plan is None:
            return
        block, measured = self._block, self.plan.statistics[:, len(self._tensor_sizes) :]
        block[MEAN], block[STD], block[ZERO] = measured[tensors.MEAN], measured[tensors.STD], measured[tensors.ZERO]
        for i in self._saturable:
            block[SATURATED, i + 1] = saturated_fraction(self.plan.samples[i + 1], self._layers[i].activation)
        fractions = block[DEAD, 1:]
        np.add.reduceat(self.silent, self.starts, out=fractions, dtype=np.float32)
        fractions /= self.units

    def _plan(self, outputs: Outputs) -> Plan:
        # The trainer announces the same mapping of the same arrays again and again; a plan holds on
        # to its mapping, so that identity is proof of that.
        for plan in self._plans:
            if plan.outputs is outputs:
                return plan
        plan = Plan(outputs, self._layers, self._tensor_sizes)
        self._plans = [plan, *self._plans[:3]]
        return plan
