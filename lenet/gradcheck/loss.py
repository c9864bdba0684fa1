"""The check of a loss. Its output is one number, so no projection is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lenet.arguments import expect_whole
from lenet.errors import SettingsError, ShapeError
from lenet.gradcheck.compare import at_kinks, compare, in_shape, plain_mistake
from lenet.gradcheck.differences import FLOAT64, Array, choose, differences
from lenet.gradcheck.foreign.calls import TARGETS, NotComparable, call, numbers, required_names
from lenet.gradcheck.foreign.state import FrozenGenerators, SavedState
from lenet.gradcheck.result import GradientCheck
from lenet.training.engine import single_threaded_blas

_GRADIENTS = ("dout", "grad", "grad_output", "upstream", "gradient")


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
        loss: any object with ``calculate`` or else ``forward``, whose mean is taken, and
            ``backward``. They take the predictions and the targets, in the order that their
            arguments' names say; ``backward`` may take dvalues alone, or nothing. ``new_pass()`` is
            called first where there is one. A softmax and loss in one object (it keeps ``output``)
            gets its output as dvalues; one that has ``backward`` alone is compared with the
            mean cross-entropy of the softmax.
        predictions: (N, classes), away from 0 and 1 where the loss is a logarithm; logits where the
            loss contains the softmax.
        targets: what the loss takes, such as labels (N,).
        seed: decides which entries are compared; default 0.
        entries: the largest number of compared entries; default 256.
        tolerance: normwise relative error allowed; None: 1e-5.

    Raises:
        SettingsError: the object does not follow the convention.
        ShapeError: predictions that are not (N, ...).
    """
    points, truth = np.array(predictions, dtype=np.float64), np.array(targets)
    if points.ndim < 2 or points.size == 0:
        raise ShapeError(f"gradient check: received predictions of shape {points.shape}, expected (N, classes)")
    expect_whole("entries", entries, 1)
    under_test = LossUnderTest(loss, truth)
    bound = FLOAT64.tolerance if tolerance is None else tolerance
    try:
        with single_threaded_blas():
            chosen = choose(points.size, entries, np.random.default_rng(seed))
            numeric = differences(lambda p: (under_test.mean(p), p), points, np.ones(1), chosen, FLOAT64)
            first, second = under_test.gradient(points), under_test.gradient(points)
    except NotComparable as answer:
        return GradientCheck.without_comparison(answer)
    finally:
        under_test.give_back()

    def reason(factor: float) -> str | None:
        reasons = {
            len(points): "the mean over the batch is not taken",
            1 / len(points): "the batch size is divided out twice",
        }
        return next((why for size, why in reasons.items() if abs(factor - size) < 1e-5 * size), None)

    tensor = compare(in_shape(first, points.shape), points.shape, numeric, bound)
    same = first.shape == second.shape and np.allclose(first, second, equal_nan=True)
    mistakes = [] if same else ["dinputs: not reset between calls"]
    if first.size != points.size:
        mistakes.append(f"dinputs: has shape {first.shape}, expected {points.shape}")
    elif not tensor.ok and (plain := plain_mistake(first, numeric, 10 * bound, reason)):
        mistakes.append(f"dinputs: {plain}")
    return GradientCheck({"dinputs": tensor}, tuple(mistakes), undecided=at_kinks({"dinputs": tensor}))


class LossUnderTest:
    """A loss that is called by its own convention, and left as it was."""

    def __init__(self, loss: Any, targets: Any) -> None:
        self.loss, self.targets = loss, targets
        self.method = next((name for name in ("calculate", "forward") if callable(getattr(loss, name, None))), "")
        self.is_softmax = not self.method and "softmax" in type(loss).__name__.lower()
        if not (self.method or self.is_softmax) or not callable(getattr(loss, "backward", None)):
            raise SettingsError(f"{type(loss).__name__}: expected calculate() or forward(), and backward()")
        self._before, self._generators = SavedState(loss), FrozenGenerators(loss)

    def give_back(self) -> None:
        """Give the loss and the random generators back all that they held."""
        self._before.restore()
        self._generators.give_back()

    def mean(self, predictions: Array) -> Array:
        """The mean loss as an array of one number."""
        if self.is_softmax:
            return _mean_cross_entropy(predictions, self.targets)
        self._generators.rewind()
        if callable(getattr(self.loss, "new_pass", None)):
            call(self.loss.new_pass, "new_pass")
        found = call(getattr(self.loss, self.method), self.method, self._arguments(self.method, predictions))
        data_loss = found[0] if isinstance(found, tuple) else found  # the loss of the book adds the penalties
        return np.atleast_1d(np.mean(numbers(data_loss, "the loss")))

    def gradient(self, predictions: Array) -> Array:
        """The gradient that ``backward`` gives for these predictions."""
        self.mean(predictions)
        output = _softmax(predictions) if self.is_softmax else getattr(self.loss, "output", None)
        if isinstance(output, np.ndarray) and output.shape == predictions.shape:
            predictions = output
        returned = call(self.loss.backward, "backward", self._arguments("backward", predictions))
        gradient = getattr(self.loss, "dinputs", None)
        gradient = returned if gradient is None else gradient
        if gradient is None:
            raise NotComparable("dinputs", "is missing: backward returned nothing and left no dinputs")
        return numbers(gradient, "dinputs")

    def _arguments(self, method: str, predictions: Array) -> list[Any]:
        """Predictions, targets or a gradient of 1, as the arguments' names say."""
        names = [name.lower() for name in required_names(getattr(self.loss, method))]
        known: Mapping[str, Any] = {**dict.fromkeys(TARGETS, self.targets), **dict.fromkeys(_GRADIENTS, 1.0)}
        if method == "backward" and len(names) < 2:
            return [known.get(name, predictions.copy()) for name in names]
        swapped = len(names) > 1 and names[0] in TARGETS and names[1] not in TARGETS
        return [self.targets, predictions.copy()] if swapped else [predictions.copy(), self.targets]


def _softmax(logits: Array) -> Array:
    powers: Array = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _mean_cross_entropy(logits: Array, targets: Any) -> Array:
    """Of the softmax, for labels (N,) or one-hot rows."""
    labels = targets.argmax(axis=1) if targets.ndim == 2 else targets
    return np.atleast_1d(-np.log(_softmax(logits)[np.arange(len(labels)), labels]).mean())
