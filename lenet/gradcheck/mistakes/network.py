"""Names the mistakes in the gradients of a whole network, and where to look for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lenet.gradcheck.compare import plain_mistake
from lenet.gradcheck.differences import Array, NumericGradient
from lenet.gradcheck.mistakes.naming import is_penalty, wrong_shapes
from lenet.gradcheck.wording import grouped, number

# The relative difference up to which a multiple of the right gradient, or a penalty, is recognised.
TOLERANCE = 1e-3
LEFT_OUT = "not decided: it contains the gradient of a penalty on the weights, which the loss leaves out"


def name_differences(
    values: Mapping[str, Array], own: Mapping[str, Array], numeric: Mapping[str, NumericGradient], wrong: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """Sentences about the gradients whose names are in ``wrong``, and about what is undecided.

    The names come in the order in which the forward pass meets the parameters.
    """
    found = {
        name: _difference(values[name], own[name], numeric[name])
        for name in wrong
        if own[name].shape == values[name].shape
    }
    undecided = {name: sentence for name, sentence in found.items() if sentence == LEFT_OUT}
    sentences = grouped((name, text) for name, text in found.items() if text and name not in undecided)
    shapes = wrong_shapes(own, {name: value.shape for name, value in values.items()})
    return [*shapes, *sentences, *_where_to_look(list(values), [n for n in wrong if n not in undecided])], undecided


def _difference(value: Array, own: Array, numeric: NumericGradient) -> str | None:
    """The mistake in a gradient; None where it is of no known kind."""
    if own.any() and np.linalg.norm(numeric.values) <= np.linalg.norm(numeric.uncertainty):
        return "the loss does not depend on it: the network uses another array, or none"
    if plain := plain_mistake(own, numeric, TOLERANCE, _reason):
        return plain
    off, at = own.ravel()[numeric.entries] - numeric.values, value.ravel()[numeric.entries]
    if is_penalty(off, at, tolerance=TOLERANCE):
        return LEFT_OUT
    return (
        "the gradient of the penalty that the loss contains is missing"
        if is_penalty(-off, at, tolerance=TOLERANCE)
        else None
    )


def _reason(factor: float) -> str | None:
    """A sentence about a whole factor, which may be the batch size."""
    samples = number(factor).removeprefix("1/")
    if not samples.isdecimal():
        return "its sign is wrong" if samples == "-1" else None
    how = "not divided out" if factor > 1 else "divided out once too often"
    return f"if the batch has {samples} samples, its size is {how}"


def _where_to_look(names: Sequence[str], wrong: Sequence[str]) -> list[str]:
    """Where to look: gradients go through the network backwards, so all after the last wrong one are right."""
    if not wrong:
        return []
    last = names.index(wrong[-1])
    if last + 1 < len(names):
        return [f"look between {names[last]} and {names[last + 1]}: the gradients from {names[last + 1]} on are right"]
    return [f"look at the last layer and the loss: {names[last]}, the first that the gradient reaches, is wrong"]
