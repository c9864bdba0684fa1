"""Statistics of layer outputs, and which units are silent.

Mean, deviation, zeros and saturation come from a fixed subsample: the first
samples of the batch, and of maps with many rows about five evenly spaced rows.
Silence is exact: a unit that shows a nonzero output in the subsample is not
silent; of the others the whole batch is looked at.

Arrays come as (n, H, W, C) or (n, F). They are seen here as (H, C, W, n) and
(F, n), the order in which the trainer keeps them; any other order in memory
gives the same numbers, only slower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.columns import ACTIVATION_STATISTICS, INPUT
from diagnostics.measures import Segments, exact_statistics, saturated_fraction
from lenet.hooks import LayerInfo

SUBSAMPLE = 16
ROWS = 5
MEAN, STD, ZERO, SATURATED, DEAD, DEAD_WINDOW = range(len(ACTIVATION_STATISTICS))

Array = NDArray[np.floating[Any]]
Outputs = Mapping[str, tuple[Array, ...]]


def units_last_but_batch(x: Array) -> Array:
    """(n, H, W, C) as (H, C, W, n), or (n, F) as (F, n); no copy."""
    return x.transpose(1, 3, 2, 0) if x.ndim == 4 else x.T


def subsample(x: Array) -> Array:
    """The part of (H, C, W, n) or (F, n) that the statistics are taken from."""
    if x.ndim == 2:
        return x[:, :SUBSAMPLE]
    stride = max(1, len(x) // ROWS)
    return x[stride // 2 :: stride, :, :, :SUBSAMPLE]


def silent_units(parts: Sequence[Array], candidates: NDArray[np.intp], nonnegative: bool) -> NDArray[np.intp]:
    """Those of the ``candidates`` whose outputs are 0 for every sample of all ``parts``.

    ``nonnegative`` promises that no output is below 0, as after ReLU.
    """
    for part in parts:
        if candidates.size == 0:
            break
        unit_axis = part.ndim // 4  # 1 of (H, C, W, n), 0 of (F, n)
        others = tuple(axis for axis in range(part.ndim) if axis != unit_axis)
        few = len(candidates) <= (4 if part.ndim == 4 else part.shape[0] // 3)
        if few and part.ndim == 4:
            top = np.array([part[:, c].max() for c in candidates])
            low = top if nonnegative else np.array([part[:, c].min() for c in candidates])
        else:
            looked_at = part[candidates] if few else part
            top = np.maximum.reduce(looked_at, axis=others)
            low = top if nonnegative else np.minimum.reduce(looked_at, axis=others)
            if not few:
                top, low = top[candidates], low[candidates]
        candidates = candidates[(top == 0) & (low == 0)]
    return candidates


class Plan:
    """Views into the arrays of one set of outputs, made once and used again at every step."""

    def __init__(self, outputs: Outputs, names: Sequence[str], first: bool) -> None:
        self.outputs = outputs
        self.first = first
        self.parts = {name: [units_last_but_batch(x) for x in outputs[name]] for name in names}
        self.samples = [subsample(self.parts[name][0]) for name in names]
        self.segments = Segments([s.size for s in self.samples])
        self.buffer = np.empty(self.segments.total, dtype=np.float32)
        self.copies: list[NDArray[np.float32]] = [
            self.buffer[w].reshape(s.shape) for w, s in zip(self.segments.slices, self.samples, strict=True)
        ]

    def load(self) -> None:
        """Copy the subsamples of all layers into the buffer."""
        for copy, sample in zip(self.copies, self.samples, strict=True):
            np.copyto(copy, sample, casting="same_kind")


class Activity:
    """The activation statistics of a step, gathered over the portions of its batch.

    ``block`` (statistic, layer) is where they go: ``input`` first, then the
    layers. ``silent`` (units,) says 1 for every unit of all layers that was
    silent for the whole batch so far.
    """

    def __init__(self, layers: Sequence[LayerInfo], block: NDArray[np.float32]) -> None:
        self._names = (INPUT, *(layer.name for layer in layers))
        self._layers = layers
        self._block = block
        ends = np.cumsum([0, *(layer.units for layer in layers)]).tolist()
        self.places = [slice(a, b) for a, b in pairwise(ends)]
        self.silent: NDArray[np.uint8] = np.ones(ends[-1], dtype=np.uint8)
        self._plans: list[Plan] = []

    def observe(self, outputs: Outputs, first_sample: int) -> None:
        """Take in one portion of the batch; the one that starts at sample 0 gives the statistics."""
        plan = self._plan(outputs, first_sample == 0)
        if plan.first:
            self._measure(plan)
        else:
            for layer, place in zip(self._layers, self.places, strict=True):
                silent = self.silent[place]
                self._look(layer, plan.parts[layer.name], silent, np.flatnonzero(silent))
        for i, place in enumerate(self.places):
            units = self.silent[place]
            self._block[DEAD, i + 1] = np.count_nonzero(units) / len(units)

    def _measure(self, plan: Plan) -> None:
        block = self._block
        plan.load()
        good = plan.segments.moments(plan.buffer, block[MEAN], block[STD])
        zero = plan.segments.zero_fractions(plan.buffer, block[ZERO])
        if not good.all():
            for bad in np.flatnonzero(~good):
                exact = exact_statistics(plan.buffer[plan.segments.slices[bad]])
                block[MEAN, bad], block[STD, bad] = exact[:2]
        block[SATURATED, 0] = block[DEAD, 0] = np.nan
        for i, layer in enumerate(self._layers, start=1):
            where, shape = plan.segments.slices[i], plan.copies[i].shape
            block[SATURATED, i] = saturated_fraction(plan.buffer[where], layer.activation)
            silent = self.silent[self.places[i - 1]]
            silent[:] = 1
            zeros = zero[where].reshape(shape)
            if len(shape) == 4:  # one row is enough to clear most units
                zeros = zeros[shape[0] // 2].reshape(shape[1], -1)
            self._look(layer, plan.parts[layer.name], silent, np.flatnonzero(zeros.all(axis=1)))

    def _look(
        self, layer: LayerInfo, parts: Sequence[Array], silent: NDArray[np.uint8], candidates: NDArray[np.intp]
    ) -> None:
        silent[:] = 0
        if len(candidates):
            silent[silent_units(parts, candidates, layer.activation == "relu")] = 1

    def _plan(self, outputs: Outputs, first: bool) -> Plan:
        # The trainer announces the same mapping of the same arrays again and again; a plan holds on
        # to its mapping, so that identity is proof of that.
        for plan in self._plans:
            if plan.outputs is outputs and plan.first == first:
                return plan
        plan = Plan(outputs, self._names, first)
        self._plans = [plan, *self._plans[:3]]
        return plan
