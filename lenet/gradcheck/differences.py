"""Numeric derivatives: central differences in float64, away from kinks.

The derivative of L = sum(output * d) by one entry t is

    (L(t + h) - L(t - h)) / 2h,

formed from the difference of the two outputs, so that all parts that do not depend
on t cancel exactly. Truncation costs h^2, rounding eps / h; h = 1e-5,
measured by the size of the tensor's entries, leaves about ten digits.

A kink, as of ReLU at 0, shows in the two one-sided differences: they disagree
by f'' h where the function is smooth, which shrinks with h, and by the jump of
the slope where it is not. So h is made smaller while they disagree, and an entry
for which that does not help lies on a kink and is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Precision:
    """Steps h to try, what is tolerated, and the disagreement at which a kink is suspected."""

    steps: tuple[float, ...]
    tolerance: float
    suspicion: float
    eps: float


FLOAT64 = Precision(steps=(1e-5, 1e-6, 1e-7, 1e-8, 1e-9), tolerance=1e-5, suspicion=1e-4, eps=2.3e-16)
# For a layer that rounds to float32 whatever it is given.
FLOAT32 = Precision(steps=(1e-2, 1e-3), tolerance=1e-2, suspicion=2e-2, eps=1.2e-7)


def precision_of(dtype: np.dtype[Any]) -> Precision:
    """The precision for a layer whose output has this type."""
    return FLOAT64 if dtype.itemsize >= 8 else FLOAT32


@dataclass(frozen=True)
class NumericGradient:
    """Numeric derivatives of a tensor: flat ``entries``, their ``values``, each with its ``uncertainty``."""

    entries: Indices
    values: Array
    uncertainty: Array
    skipped: int


def choose(size: int, most: int, generator: np.random.Generator) -> Indices:
    """All entries of a small tensor, ``most`` drawn ones of a large."""
    if size <= most:
        return np.arange(size)
    return np.sort(generator.choice(size, most, replace=False)).astype(np.intp)


def differences(
    evaluate: Callable[[Array], tuple[Array, Array]],
    point: Array,
    dvalues: Array,
    entries: Indices,
    precision: Precision,
) -> NumericGradient:
    """Derivatives of sum(output * dvalues) by some entries of a tensor.

    ``evaluate(tensor)`` gives the output and the tensor as it took effect (a layer
    that keeps float32 rounds it).
    """
    middle, _ = evaluate(point)
    typical = float(np.sqrt(np.mean(point**2)))
    unit = max(typical, 1e-2) if typical else 1.0
    slopes = [_slope(evaluate, point, middle, dvalues, entry, precision, unit) for entry in entries.tolist()]
    kept = [k for k, slope in enumerate(slopes) if slope is not None]
    found = np.array([slope for slope in slopes if slope is not None], dtype=np.float64).reshape(-1, 2)
    return NumericGradient(entries[kept], found[:, 0], found[:, 1], len(slopes) - len(kept))


def _slope(
    evaluate: Callable[[Array], tuple[Array, Array]],
    point: Array,
    middle: Array,
    dvalues: Array,
    entry: int,
    precision: Precision,
    unit: float,
) -> tuple[float, float] | None:
    """One derivative and its uncertainty; None on a kink."""
    before = 0.0
    best: tuple[float, float] | None = None
    here = float(point.flat[entry])
    for relative in precision.steps:
        step = relative * max(unit, abs(here))
        above, below = point.copy(), point.copy()
        above.flat[entry] += step
        below.flat[entry] -= step
        (high, above), (low, below) = evaluate(above), evaluate(below)
        up, down = above.flat[entry] - here, here - below.flat[entry]
        change = high - low
        rising, falling = np.vdot(high - middle, dvalues) / up, np.vdot(middle - low, dvalues) / down
        # Only outputs that changed can have been rounded differently; small ones may come from larger numbers.
        moved = change != 0
        sizes = np.maximum(np.abs(middle[moved]), 1.0) * dvalues[moved]
        rounding = 4 * precision.eps * float(np.linalg.norm(sizes)) / (up + down)
        gap, steepest = float(abs(rising - falling)), float(max(abs(rising), abs(falling)))
        # A tenth of the step gives a tenth of the disagreement: the function is smooth here, but curved.
        if gap <= max(precision.suspicion * steepest, 4 * rounding, 0.15 * before):
            truncation = gap * gap / steepest if steepest else 0.0
            if best is None or truncation + rounding < best[1]:
                best = float(np.vdot(change, dvalues) / (up + down)), truncation + rounding
            if truncation <= max(1e-8 * steepest, rounding):
                break
        before = gap
    return best
