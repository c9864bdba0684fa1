"""Settles what finite differences of one layer alone cannot decide."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lenet.gradcheck.compare import compare, factor_of, in_shape
from lenet.gradcheck.differences import Array, NumericGradient
from lenet.gradcheck.foreign.calls import LEARNING_RATES
from lenet.gradcheck.foreign.layer import GradientSource, LayerUnderTest
from lenet.gradcheck.foreign.locations import locations_of
from lenet.gradcheck.foreign.sources import Discovery
from lenet.gradcheck.mistakes.evidence import GradientEvidence
from lenet.gradcheck.result import TensorCheck
from lenet.gradcheck.wording import number


def settle_unnamed(
    layer: LayerUnderTest,
    inputs: Array,
    dvalues: Array,
    numeric: Mapping[str, NumericGradient],
    found: Discovery,
    bound: float,
) -> None:
    """Find gradients without a telling name by their values.

    An array with the right values is the gradient. An array that ``backward`` returns is a
    gradient also where it is wrong. Any other array that is wrong counts as no gradient.
    """
    sources = dict(layer.sources)

    def is_free(source: GradientSource) -> bool:
        return all((source.where, source.location) != (other.where, other.location) for other in sources.values())

    def is_right(source: GradientSource) -> bool:
        layer.sources = {source.label: source}
        shape = inputs.shape if source.of == "inputs" else layer.parameters[source.of].shape
        own = in_shape(layer.gradients(inputs, dvalues).own[source.label], shape)
        return compare(own, shape, numeric[source.of], bound).ok

    for offers in found.unnamed.values():
        if right := next((source for source in offers if is_free(source) and is_right(source)), None):
            sources[right.label] = right
    missing = set(found.unnamed) - {source.of for source in sources.values()}
    for name in [name for name in found.unnamed if name in missing]:
        offers = [source for source in found.unnamed[name] if is_free(source)]
        if offers and offers[0].where == "returned":
            sources[offers[0].label] = offers[0]
        elif name == "inputs" and not offers:
            found.undecided["dinputs"] = "not compared: backward gives no gradient by the inputs"
        else:
            found.undecided[name] = (
                "not compared: the output depends on it, and no gradient of it was found after backward; "
                f"gradients={{{name!r}: 'NAME'}} says where it is, gradients={{{name!r}: None}} that there is none"
            )
    layer.sources = dict(sorted(sources.items(), key=lambda item: item[1].of != "inputs"))


def settle_rates(evidence: GradientEvidence, own: dict[str, Array], found: Discovery) -> None:
    """Divide gradients that were read from the change of a parameter by the layer's own learning rate.

    A layer that updates itself without getting a learning rate has its own. If one factor
    relates the changes of all its parameters to the gradients, it is that rate.
    """
    layer = evidence.layer
    changed = [label for label, source in layer.sources.items() if source.where == "change"]
    if not changed or layer.learning_rate is not None:
        return
    scales = {
        label: factor_of(own[label], evidence.numeric[label], evidence.tolerance)
        for label in changed
        if own[label].any()
    }
    factors = [abs(scale) for scale in scales.values() if scale is not None]
    rates = {
        float(value)
        for location, value in locations_of(layer.layer).items()
        if location.words and "_".join(location.words) in LEARNING_RATES and np.ndim(value) == 0
    }
    fits = len(factors) == len(scales) and np.allclose(factors, factors[:1], rtol=1e-3)
    known = not rates or any(np.allclose(factors, rate, rtol=1e-3) for rate in rates)
    if fits and known:
        for label in scales:
            own[label] = own[label] / factors[0]
        return
    said = ", ".join(f"{label} {'no multiple' if s is None else number(s) + ' times'}" for label, s in scales.items())
    for label in changed:
        found.undecided[label] = (
            f"not decided: backward changes the parameters itself, by no common learning rate ({said} of the gradient)"
        )


def batch_means(evidence: GradientEvidence, tensors: Mapping[str, TensorCheck]) -> dict[str, str]:
    """Parameters whose gradients are all the mean over the batch, while the gradient by the inputs is not.

    That is right where the loss returns gradients of single samples. Where the loss has
    divided by the batch size already, it divides twice.
    """
    of_parameters = [label for label in tensors if label != "dinputs"]
    size = evidence.batch_size
    if size == 1 or not of_parameters or not ("dinputs" not in tensors or tensors["dinputs"].ok):
        return {}
    for label in of_parameters:
        own = evidence.own[label]
        scale = factor_of(own, evidence.numeric[label], evidence.tolerance) if tensors[label].checked else None
        if scale is None or abs(scale * size - 1) > 1e-4 or evidence.batch_powers[label] != -1:
            return {}
    text = (
        f"the mean over the {size} samples: right where the loss does not divide by the batch size, "
        f"{number(1 / size)} of the right gradient where it does; check_network tells which"
    )
    return dict.fromkeys(of_parameters, text)
