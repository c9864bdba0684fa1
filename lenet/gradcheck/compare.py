"""One gradient against its finite differences."""

from __future__ import annotations

import math

import numpy as np

from lenet.gradcheck.differences import Array, NumericGradient
from lenet.gradcheck.result import TensorCheck


def in_shape(gradient: Array, shape: tuple[int, ...]) -> Array:
    """The gradient in the shape of what it belongs to, where only axes of length 1 differ."""
    squeezed = [[n for n in sizes if n != 1] for sizes in (gradient.shape, shape)]
    return gradient.reshape(shape) if squeezed[0] == squeezed[1] else gradient


def compare(
    analytic: Array, shape: tuple[int, ...], numeric: NumericGradient, tolerance: float, rounding: float = 0.0
) -> TensorCheck:
    """The normwise difference of a gradient, itself computed with some ``rounding``, and its finite differences."""
    checked, skipped, total = len(numeric.entries), numeric.skipped, math.prod(shape)
    if analytic.shape != shape:
        return TensorCheck(math.inf, tolerance, skipped=skipped, size=total)
    if not checked:
        return TensorCheck(0.0, tolerance, skipped=skipped, size=total)
    found = analytic.ravel()[numeric.entries]
    off = np.abs(found - numeric.values)
    # Where the derivative is zero, rounding is all that differs, and must not be taken for a mistake.
    floor = (np.linalg.norm(numeric.uncertainty) + rounding) / tolerance
    size = max(np.linalg.norm(found), np.linalg.norm(numeric.values), floor, np.finfo(float).tiny)
    k = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
    worst = tuple(int(i) for i in np.unravel_index(numeric.entries[k], shape))
    error = float(np.linalg.norm(off) / size)
    here, expected = float(found[k]), float(numeric.values[k])
    return TensorCheck(error, tolerance, worst, here, expected, checked, skipped, total)
