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

from diagnostics.columns import ACTIVATION_STATISTICS, INPUT
from diagnostics.measures import Segments, exact_statistics, saturated_fraction
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
    """Views into the arrays of one set of outputs, made once and used again at every step."""

    def __init__(self, outputs: Outputs, layers: Sequence[LayerInfo]) -> None:
        self.outputs = outputs
        self.parts = [[units_first(x) for x in outputs[layer.name]] for layer in layers]
        pieces = [subsample(parts) for parts in ([units_first(x) for x in outputs[INPUT]], *self.parts)]
        shapes = [(*p[0].shape[:-1], sum(piece.shape[-1] for piece in p)) for p in pieces]
        self.segments = Segments([math.prod(shape) for shape in shapes])
        self._copies: list[tuple[Array, Array]] = []
        for part, shape, sample in zip(self.segments.parts, shapes, pieces, strict=True):
            end = 0
            for piece in sample:
                start, end = end, end + piece.shape[-1]
                self._copies.append((part.reshape(shape)[..., start:end], piece))
        lengths = [math.prod(shape[1:]) for shape in shapes[1:] for _ in range(shape[0])]
        self._unit_starts = np.cumsum([0, *lengths[:-1]], dtype=np.intp)
        self._of_layers = self.segments.vector[math.prod(shapes[0]) :]
        # Where the subsample is all there is and nothing is negative, a largest output of 0 is proof.
        whole = [sum(x.size for x in p) == math.prod(s) for p, s in zip(self.parts, shapes[1:], strict=True)]
        self.proven = [w and layer.activation == "relu" for w, layer in zip(whole, layers, strict=True)]

    def load(self) -> None:
        """Copy the subsamples of all layers."""
        for copy, piece in self._copies:
            np.copyto(copy, piece, casting="same_kind")

    def quiet_units(self) -> NDArray[np.bool_]:
        """Which units, of all layers, have 0 as their largest output in the subsample."""
        quiet: NDArray[np.bool_] = np.maximum.reduceat(self._of_layers, self._unit_starts) == 0
        return quiet


class Activity:
    """The activation statistics of a step, gathered over the portions of its batch.

    ``block`` (statistic, layer) is where they go: ``input`` first, then the
    layers. ``silent`` (units,) says 1 for every unit of all layers that was
    silent for the whole batch so far.
    """

    def __init__(self, layers: Sequence[LayerInfo], block: NDArray[np.float32]) -> None:
        ends = np.cumsum([0, *(layer.units for layer in layers)]).tolist()
        self.starts = np.array(ends[:-1], dtype=np.intp)
        self.units = np.diff(np.array(ends, dtype=np.float32))
        self.silent: NDArray[np.uint8] = np.ones(ends[-1], dtype=np.uint8)
        self._layers = layers
        self._silent_of = [self.silent[a:b] for a, b in pairwise(ends)]
        self._can_saturate = [layer.activation in ("sigmoid", "tanh") for layer in layers]
        self._block = block
        block[:] = np.nan
        self._plans: list[Plan] = []
        self._measured: Plan | None = None

    def observe(self, outputs: Outputs, first_sample: int) -> None:
        """Take in one portion of the batch; the one that starts at sample 0 gives the statistics."""
        plan = self._plan(outputs)
        if first_sample == 0:
            plan.load()
            self._measured = plan
            self.silent[:] = plan.quiet_units()
        first = first_sample == 0
        for layer, parts, silent, proven in zip(self._layers, plan.parts, self._silent_of, plan.proven, strict=True):
            if not (first and proven) and silent.any():
                candidates = np.flatnonzero(silent)
                silent[:] = 0
                silent[silent_units(parts, candidates, layer.activation == "relu")] = 1

    def measure(self) -> None:
        """Fill the block from what was taken in last."""
        if self._measured is None:
            return
        block, segments = self._block, self._measured.segments
        good = segments.moments(block[MEAN], block[STD])
        segments.zero_fractions(block[ZERO])
        if not good.all():
            for bad in np.flatnonzero(~good):
                block[MEAN, bad], block[STD, bad] = exact_statistics(segments.parts[bad])[:2]
        for i, layer in enumerate(self._layers, start=1):
            if self._can_saturate[i - 1]:
                block[SATURATED, i] = saturated_fraction(segments.parts[i], layer.activation)
        fractions = block[DEAD, 1:]
        np.add.reduceat(self.silent, self.starts, out=fractions, dtype=np.float32)
        fractions /= self.units

    def _plan(self, outputs: Outputs) -> Plan:
        # The trainer announces the same mapping of the same arrays again and again; a plan holds on
        # to its mapping, so that identity is proof of that.
        for plan in self._plans:
            if plan.outputs is outputs:
                return plan
        plan = Plan(outputs, self._layers)
        self._plans = [plan, *self._plans[:3]]
        return plan
