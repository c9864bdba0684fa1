"""The check itself: every gradient of a layer or a loss against finite differences."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import ThreadpoolController

from lenet.errors import SettingsError, ShapeError
from lenet.gradcheck.differences import Array, NumericGradient, Precision, choose, differences, precision_of
from lenet.gradcheck.evidence import Evidence
from lenet.gradcheck.ignored import ignored_inputs
from lenet.gradcheck.layer import LayerUnderTest
from lenet.gradcheck.mistakes import added_to, name_mistakes, not_reset, wrong_shapes
from lenet.gradcheck.result import GradientCheck, TensorCheck
from lenet.gradcheck.wording import grouped


def check(
    layer: Any, inputs: ArrayLike, *, seed: int = 0, entries: int = 256, tolerance: float | None = None
) -> GradientCheck:
    """Compare a layer's backward pass with central differences in float64.

    The output is folded into one number by a random d, L = sum(output * d), and
    ``backward(d)`` has to be the gradient of L.

    Args:
        layer: any object with ``forward(inputs)``, ``backward(dvalues)`` and the attributes
            ``output``, ``dinputs`` and, where it has parameters, ``weights``, ``biases``,
            ``dweights``, ``dbiases``. Whatever it holds is put back as it was.
        inputs: a small batch, the first axis counting samples; two to four are enough, and
            more than one is needed to see a batch size that is divided out twice.
        seed: of d, and of the entries that are compared.
        entries: how many entries of each tensor are compared at most.
        tolerance: normwise relative error allowed; None: 1e-5, or 1e-2 for a layer that
            rounds to float32 whatever it is given.

    Raises:
        SettingsError: the object does not follow the convention.
        ShapeError: inputs without a batch axis.
    """
    points = np.array(inputs, dtype=np.float64)
    if points.ndim < 2 or points.size == 0:
        raise ShapeError(f"gradient check: received inputs of shape {points.shape}, expected (N, ...)")
    if entries < 1:
        raise SettingsError(f"entries={entries}, expected at least 1")
    under_test = LayerUnderTest(layer)
    try:
        with np.errstate(all="ignore"), one_thread():
            return _check(under_test, points, seed, entries, tolerance)
    finally:
        under_test.restore()


def one_thread() -> AbstractContextManager[Any]:
    """Keep the linear algebra on one thread: on thousands of small products several only wait for each other."""
    return _controller().limit(limits=1, user_api="blas")  # type: ignore[no-any-return]


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def _check(layer: LayerUnderTest, inputs: Array, seed: int, entries: int, tolerance: float | None) -> GradientCheck:
    output, again = layer.run(inputs), layer.run(inputs)
    if not np.isfinite(output).all():
        return GradientCheck({}, (f"the output of {layer.name} is not finite for these inputs",))
    if not np.allclose(output, again, rtol=1e-5):
        return GradientCheck(
            {}, ("the output differs between two calls with the same inputs: it is random, or not reset",)
        )
    generator = np.random.default_rng(seed)
    dvalues = generator.standard_normal(output.shape)
    precision = precision_of(layer.dtype)
    numeric = _numeric(layer, inputs, dvalues, entries, generator, precision)
    aside = any(n.skipped > len(n.entries) for n in numeric.values())
    if aside:
        inputs = inputs + 0.01 * max(1.0, float(np.abs(inputs).max())) * generator.standard_normal(inputs.shape)
        numeric = _numeric(layer, inputs, dvalues, entries, generator, precision)
    gradients = layer.gradients(inputs, dvalues)
    shapes = {"dinputs": inputs.shape, **{f"d{name}": p.shape for name, p in layer.parameters.items()}}
    own = {name: in_shape(gradient, shapes[name]) for name, gradient in gradients.own.items()}
    penalty, added = added_to(layer, inputs, dvalues, own)
    own = {name: gradient - penalty.get(name, 0.0) for name, gradient in own.items()}
    bound = precision.tolerance if tolerance is None else tolerance
    reach = max(1.0, float(np.abs(inputs).max()))
    rounding = 100 * precision.eps * reach * float(np.linalg.norm(dvalues))
    tensors = {name: compare(own[name], shape, numeric[name], bound, rounding) for name, shape in shapes.items()}
    evidence = Evidence(layer, inputs, dvalues, own, numeric, max(10 * bound, 1e-5))
    mistakes = [
        *ignored_inputs(evidence, generator),
        *not_reset(gradients),
        *wrong_shapes(gradients.own, shapes),
        *grouped((name, "something is added that does not depend on dvalues") for name in added),
        *name_mistakes(evidence, [name for name, t in tensors.items() if not t.ok and t.checked and name not in added]),
    ]
    return GradientCheck(tensors, tuple(mistakes), str(layer.dtype), aside)


def _numeric(
    layer: LayerUnderTest,
    inputs: Array,
    dvalues: Array,
    entries: int,
    generator: np.random.Generator,
    precision: Precision,
) -> dict[str, NumericGradient]:
    """Finite differences by the inputs and by each parameter, named like the gradients."""

    def by_inputs(tensor: Array) -> tuple[Array, Array]:
        return layer.run(tensor), tensor

    def by_parameter(tensor: Array, name: str) -> tuple[Array, Array]:
        output = layer.run(inputs, {**layer.parameters, name: tensor})
        return output, layer.in_effect(name)

    chosen = choose(inputs.size, entries, generator)
    found = {"dinputs": differences(by_inputs, inputs, dvalues, chosen, precision)}
    for name, value in layer.parameters.items():
        chosen = choose(value.size, entries, generator)
        found[f"d{name}"] = differences(partial(by_parameter, name=name), value, dvalues, chosen, precision)
    return found


def in_shape(gradient: Array, shape: tuple[int, ...]) -> Array:
    """The gradient in the shape of what it belongs to, where only axes of length 1 differ."""
    squeezed = [[n for n in sizes if n != 1] for sizes in (gradient.shape, shape)]
    return gradient.reshape(shape) if squeezed[0] == squeezed[1] else gradient


def compare(
    analytic: Array, shape: tuple[int, ...], numeric: NumericGradient, tolerance: float, rounding: float = 0.0
) -> TensorCheck:
    """One gradient, itself computed with some ``rounding``, against its finite differences, normwise."""
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
