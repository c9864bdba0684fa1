"""The check itself: every gradient of a layer against finite differences."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lenet.arguments import expect_whole
from lenet.errors import ShapeError
from lenet.gradcheck.compare import at_kinks, compare, in_shape
from lenet.gradcheck.differences import Array, NumericGradient, choose, differences, precision_of
from lenet.gradcheck.foreign.calls import NotComparable
from lenet.gradcheck.foreign.layer import LayerUnderTest
from lenet.gradcheck.foreign.sources import Discovery, Told, discover
from lenet.gradcheck.mistakes.evidence import GradientEvidence
from lenet.gradcheck.mistakes.ignored import ignored_inputs, tied_inputs
from lenet.gradcheck.mistakes.naming import added_to, name_mistakes, not_reset, unused_parameters, wrong_shapes
from lenet.gradcheck.mistakes.undecided import batch_means, settle_rates, settle_unnamed
from lenet.gradcheck.result import GradientCheck
from lenet.gradcheck.wording import grouped
from lenet.training.engine import single_threaded_blas


def check(
    layer: Any,
    inputs: ArrayLike,
    *,
    seed: int = 0,
    entries: int = 256,
    tolerance: float | None = None,
    gradients: Mapping[str, str | None] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> GradientCheck:
    """Compare a layer's backward pass with central differences in float64.

    The output is folded into one number by a random d, L = sum(output * d), and
    ``backward(d)`` has to be the gradient of L. What cannot be compared is named
    in the answer, and so is an error that the layer raises.

    Args:
        layer: any object with ``forward(inputs)`` and ``backward(dvalues)``. Its output is the
            attribute ``output`` or what ``forward`` returns. Its parameters are the arrays that the
            output depends on; their gradients are found by their names (``dweights``, ``dW``,
            ``grads["w"]``), in what ``backward`` returns, or as the change that ``backward`` makes
            to the parameters. The layer, and the random generators, are put back as they were.
        inputs: a small batch (N, ...); two to four samples are enough, and more than one is
            needed to see a batch size that is divided out twice.
        seed: decides d, and which entries are compared; default 0.
        entries: how many entries of each tensor are compared at most; default 256.
        tolerance: normwise relative error allowed; None: 1e-5, or 1e-2 for a layer that rounds to
            float32 whatever it is given.
        gradients: names that the check does not find by itself, {"parameter": "gradient"}, where
            "inputs" is the name of the inputs; None instead of a gradient says that an array is a
            constant and no parameter.
        arguments: further arguments of ``forward`` and ``backward`` by their names. ``training`` is
            True and a learning rate 1 unless given here.

    Raises:
        SettingsError: the object has no forward or backward, or ``gradients`` names what is not there.
        ShapeError: inputs without a batch axis.
    """
    points = np.array(inputs, dtype=np.float64)
    if points.ndim < 2 or points.size == 0:
        raise ShapeError(f"gradient check: received inputs of shape {points.shape}, expected (N, ...)")
    expect_whole("entries", entries, 1)
    under_test = LayerUnderTest(layer, arguments or {})
    try:
        with single_threaded_blas():
            return _check(under_test, points, seed, entries, tolerance, gradients or {})
    except NotComparable as answer:
        return GradientCheck.without_comparison(answer)
    finally:
        under_test.give_back()


def _check(
    layer: LayerUnderTest, inputs: Array, seed: int, entries: int, tolerance: float | None, told: Told
) -> GradientCheck:
    output = _steady_output(layer, inputs)
    generator = np.random.default_rng(seed)
    dvalues = generator.standard_normal(output.shape)
    found = discover(layer, inputs, dvalues, told)
    precision = precision_of(layer.dtype)
    bound = precision.tolerance if tolerance is None else tolerance

    numeric = _numeric(layer, found, inputs, dvalues, entries, generator)
    aside = any(n.skipped > len(n.entries) for n in numeric.values())
    if aside:
        inputs = inputs + 0.01 * max(1.0, float(np.abs(inputs).max())) * generator.standard_normal(inputs.shape)
        numeric = _numeric(layer, found, inputs, dvalues, entries, generator)
    settle_unnamed(layer, inputs, dvalues, numeric, found, bound)
    return _compare(layer, inputs, dvalues, numeric, found, bound, aside)


def _steady_output(layer: LayerUnderTest, inputs: Array) -> Array:
    """The output, finite and the same in every call. Raises NotComparable where it is not."""
    try:
        output = layer.run(inputs)
    except NotComparable:
        if not np.array_equal(inputs, np.round(inputs)):
            raise
        layer.input_dtype = np.dtype(np.intp)  # an embedding takes indices
        output = layer.run(inputs)
    layer.start_from_here()
    again = layer.run(inputs)
    if not np.isfinite(output).all():
        raise NotComparable(f"the output of {layer.name}", "is not finite for these inputs", is_mistake=True)
    if np.allclose(output, again, rtol=1e-5):
        return output
    layer.restart()
    if np.allclose(again, layer.run(inputs), rtol=1e-5):
        reason = "differs between two calls with the same inputs: something is not reset between calls"
        raise NotComparable("the output", reason, is_mistake=True)
    reason = "is random, from a generator that is made anew in each call; the check can freeze one that the layer holds"
    raise NotComparable("the output", reason)


def _compare(
    layer: LayerUnderTest,
    inputs: Array,
    dvalues: Array,
    numeric: Mapping[str, NumericGradient],
    found: Discovery,
    bound: float,
    aside: bool,
) -> GradientCheck:
    """Compare all gradients, and name their mistakes."""
    shapes = {
        label: inputs.shape if source.of == "inputs" else layer.parameters[source.of].shape
        for label, source in layer.sources.items()
    }
    by_label = {label: numeric[source.of] for label, source in layer.sources.items()}
    gradients = layer.gradients(inputs, dvalues)
    own = {label: in_shape(gradient, shapes[label]) for label, gradient in gradients.own.items()}
    constants, added = added_to(layer, inputs, dvalues, own)
    own = {label: gradient - constants.get(label, 0.0) for label, gradient in own.items()}
    evidence = GradientEvidence(layer, inputs, dvalues, own, by_label, max(10 * bound, 1e-5))
    settle_rates(evidence, own, found)
    rounding = 100 * precision_of(layer.dtype).eps * max(1.0, float(np.abs(inputs).max())) * np.linalg.norm(dvalues)
    tensors = {label: compare(own[label], shapes[label], by_label[label], bound, float(rounding)) for label in own}
    undecided = {**found.undecided, **at_kinks(tensors), **batch_means(evidence, tensors)}
    wrong = [label for label, t in tensors.items() if not t.ok and label not in undecided and label not in added]
    mistakes = [
        *ignored_inputs(evidence),
        *unused_parameters(evidence, found.unused),
        *not_reset(gradients),
        *wrong_shapes(gradients.own, shapes, len(inputs)),
        *grouped((label, "something is added that does not depend on dvalues") for label in added),
        *name_mistakes(evidence, [label for label in wrong if tensors[label].checked]),
    ]
    if "dinputs" in tensors and tensors["dinputs"].ok:
        mistakes += tied_inputs(evidence)
    return GradientCheck(tensors, tuple(mistakes), str(layer.dtype), aside, undecided)


def _numeric(
    layer: LayerUnderTest, found: Discovery, inputs: Array, dvalues: Array, entries: int, generator: np.random.Generator
) -> dict[str, NumericGradient]:
    """Finite differences by the inputs and by each parameter, by the parameters' names."""
    precision = precision_of(layer.dtype)

    def by_inputs(tensor: Array) -> tuple[Array, Array]:
        return layer.run(tensor), tensor

    def by_parameter(tensor: Array, name: str) -> tuple[Array, Array]:
        output = layer.run(inputs, {name: tensor})
        return output, layer.in_effect(name)

    numeric = {}
    if "dinputs" in layer.sources or "inputs" in found.unnamed:
        chosen = choose(inputs.size, entries, generator)
        numeric["inputs"] = differences(by_inputs, inputs, dvalues, chosen, precision)
    for name, value in layer.parameters.items():
        chosen = choose(value.size, entries, generator)
        numeric[name] = differences(partial(by_parameter, name=name), value, dvalues, chosen, precision)
    return numeric
