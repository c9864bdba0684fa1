"""Compares one gradient with its finite differences: how far apart they are, and whether by a plain factor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from lenet.gradcheck.differences import Array, NumericGradient
from lenet.gradcheck.result import TensorCheck
from lenet.gradcheck.wording import number


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
    # Where the derivative is zero, only rounding differs, which is no mistake.
    floor = (np.linalg.norm(numeric.uncertainty) + rounding) / tolerance
    size = max(np.linalg.norm(found), np.linalg.norm(numeric.values), floor, np.finfo(float).tiny)
    k = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
    worst = tuple(int(i) for i in np.unravel_index(numeric.entries[k], shape))
    error = float(np.linalg.norm(off) / size)
    here, expected = float(found[k]), float(numeric.values[k])
    return TensorCheck(error, tolerance, worst, here, expected, checked, skipped, total)


def at_kinks(tensors: Mapping[str, TensorCheck]) -> dict[str, str]:
    """Gradients of which no entry could be compared."""
    skipped = [name for name, tensor in tensors.items() if tensor.skipped and not tensor.checked and tensor.ok]
    return dict.fromkeys(skipped, "not compared: it has a kink at every entry")


def factor_of(own: Array, numeric: NumericGradient, tolerance: float) -> float | None:
    """The number by which a gradient is too large; None where it is not a multiple of the right one."""
    found, size = own.ravel()[numeric.entries], np.linalg.norm(numeric.values)
    if size <= np.linalg.norm(numeric.uncertainty) or not np.linalg.norm(found) > 0:
        return None
    factor = float(np.vdot(found, numeric.values) / np.vdot(found, found))
    is_multiple = np.linalg.norm(factor * found - numeric.values) <= tolerance * size
    return 1 / factor if factor and is_multiple else None


def plain_mistake(
    own: Array, numeric: NumericGradient, tolerance: float, reason: Callable[[float], str | None]
) -> str | None:
    """The mistake in words: not finite, zero, or the right gradient times a factor, which ``reason`` may explain."""
    if not np.isfinite(own).all():
        return "not finite"
    if not own.any():
        return "zero everywhere, no gradient is passed on"
    factor = factor_of(own, numeric, tolerance)
    if factor is None or abs(factor - 1) < tolerance:
        return None
    why = reason(factor)
    return f"the right gradient times {number(factor)}" + (f" ({why})" if why else "")
