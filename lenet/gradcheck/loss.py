"""The same check for a loss: one number out, so nothing is projected."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lenet.errors import SettingsError, ShapeError
from lenet.gradcheck.check import compare, in_shape, one_thread
from lenet.gradcheck.differences import FLOAT64, Array, NumericGradient, choose, differences
from lenet.gradcheck.result import GradientCheck
from lenet.gradcheck.state import SavedState
from lenet.gradcheck.wording import number


def check_loss(
    loss: Any,
    predictions: ArrayLike,
    targets: ArrayLike,
    *,
    seed: int = 0,
    entries: int = 256,
    tolerance: float | None = None,
) -> GradientCheck:
    """Compare a loss's ``backward`` with central differences of its mean in float64.

    Args:
        loss: any object with ``calculate(predictions, targets)``, or else ``forward``, whose
            mean is taken, and ``backward(dvalues, y_true)`` that sets ``dinputs``. A softmax
            and loss in one object (it keeps ``output``) is given its output as dvalues.
        predictions: (N, classes), away from 0 and 1 where the loss is a logarithm.
        targets: what the loss takes, such as labels (N,).
        seed: of the entries that are compared.
        entries: how many of them at most.
        tolerance: normwise relative error allowed; None: 1e-5.

    Raises:
        SettingsError: the object does not follow the convention.
        ShapeError: predictions that are not (N, ...).
    """
    points, truth = np.array(predictions, dtype=np.float64), np.array(targets)
    if points.ndim < 2 or points.size == 0:
        raise ShapeError(f"gradient check: received predictions of shape {points.shape}, expected (N, classes)")
    value_of = getattr(loss, "calculate", None) or getattr(loss, "forward", None)
    if not callable(value_of) or not callable(getattr(loss, "backward", None)):
        raise SettingsError(f"{type(loss).__name__}: expected calculate() or forward(), and backward()")
    bound = FLOAT64.tolerance if tolerance is None else tolerance
    before = SavedState(loss)
    try:
        with np.errstate(all="ignore"), one_thread():
            chosen = choose(points.size, entries, np.random.default_rng(seed))
            numeric = differences(lambda p: (_mean(loss, p, truth), p), points, np.ones(1), chosen, FLOAT64)
            first, second = _gradient(loss, points, truth), _gradient(loss, points, truth)
    finally:
        before.restore()
    tensor = compare(in_shape(first, points.shape), points.shape, numeric, bound)
    mistakes = [] if np.allclose(first, second, equal_nan=True) else ["dinputs: not reset between calls"]
    if not tensor.ok and first.size == points.size:
        mistakes += _scaled(first, numeric, len(points))
    return GradientCheck({"dinputs": tensor}, tuple(mistakes))


def _mean(loss: Any, predictions: Array, targets: Any) -> Array:
    """The mean loss as an array of one number."""
    compute = getattr(loss, "calculate", None) or loss.forward
    return np.atleast_1d(np.mean(compute(predictions.copy(), targets), dtype=np.float64))


def _gradient(loss: Any, predictions: Array, targets: Any) -> Array:
    """What ``backward`` answers for these predictions."""
    _mean(loss, predictions, targets)
    output = getattr(loss, "output", None)
    if isinstance(output, np.ndarray) and output.shape == predictions.shape:
        predictions = output
    returned = loss.backward(predictions.copy(), targets)
    gradient = getattr(loss, "dinputs", returned)
    if gradient is None:
        raise SettingsError(f"{type(loss).__name__}: backward left no dinputs, expected it as an attribute")
    return np.array(gradient, dtype=np.float64)


def _scaled(gradient: Array, numeric: NumericGradient, batch: int) -> list[str]:
    """Whether the gradient is right but for a constant, the batch size above all."""
    found = gradient.ravel()[numeric.entries]
    if not np.isfinite(found).all() or not found.any():
        return ["dinputs: not finite" if found.any() else "dinputs: zero everywhere, no gradient is passed on"]
    factor = float(np.vdot(found, numeric.values) / np.vdot(found, found))
    if not factor or np.linalg.norm(factor * found - numeric.values) > 1e-5 * np.linalg.norm(numeric.values):
        return []
    reasons = {batch: "the mean over the batch is not taken", 1 / batch: "the batch size is divided out twice"}
    why = next((f" ({text})" for size, text in reasons.items() if abs(1 / factor - size) < 1e-5 * size), "")
    return [f"dinputs: the right gradient times {number(1 / factor)}{why}"]
