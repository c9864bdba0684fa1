"""Names what is wrong with the gradients of a whole network, and where to look for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lenet.gradcheck.differences import Array, NumericGradient
from lenet.gradcheck.mistakes.naming import is_penalty, wrong_shapes
from lenet.gradcheck.wording import grouped, number

# A multiple of the right gradient, or a penalty, is recognised up to this.
TOLERANCE = 1e-3
LEFT_OUT = "not decided: it contains the gradient of a penalty on the weights, which the loss leaves out"


def name_differences(
    values: Mapping[str, Array], own: Mapping[str, Array], numeric: Mapping[str, NumericGradient], wrong: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """Sentences about the gradients whose names are in ``wrong``, and what is left undecided about them.

    The names come in the order in which the forward pass meets the parameters.
    """
    found = {
        name: _difference(values[name], own[name].ravel()[numeric[name].entries], numeric[name])
        for name in wrong
        if own[name].shape == values[name].shape
    }
    undecided = {name: sentence for name, sentence in found.items() if sentence == LEFT_OUT}
    sentences = grouped((name, text) for name, text in found.items() if text and name not in undecided)
    shapes = wrong_shapes(own, {name: value.shape for name, value in values.items()})
    return [*shapes, *sentences, *_where_to_look(list(values), [n for n in wrong if n not in undecided])], undecided


def _difference(value: Array, found: Array, numeric: NumericGradient) -> str:
    """What is wrong with the entries of a gradient that were compared; empty where it is wrong in no known way."""
    expected, value = numeric.values, value.ravel()[numeric.entries]
    size = np.linalg.norm(expected)
    if not np.isfinite(found).all():
        return "not finite"
    if not found.any():
        return "zero everywhere, while the loss depends on it"
    if size <= np.linalg.norm(numeric.uncertainty):
        return "the loss does not depend on it: the network uses another array, or none"
    scale = float(np.vdot(found, found) / np.vdot(found, expected))
    if np.linalg.norm(found / scale - expected) <= TOLERANCE * size:
        return _scaled(scale)
    if is_penalty(found - expected, value, TOLERANCE):
        return LEFT_OUT
    return "the gradient of the penalty that the loss contains is missing" * is_penalty(
        expected - found, value, TOLERANCE
    )


def _scaled(scale: float) -> str:
    """A factor, which may be the batch size."""
    times = number(scale)
    samples = times.removeprefix("1/")
    why = ""
    if times == "-1":
        why = " (its sign is wrong)"
    elif samples.isdecimal():
        how = "divided out once too often" if times != samples else "not divided out"
        why = f" (if the batch has {samples} samples, its size is {how})"
    return f"the right gradient times {times}{why}"


def _where_to_look(names: Sequence[str], wrong: Sequence[str]) -> list[str]:
    """A gradient goes through the network backwards, so what comes after the last wrong one is right."""
    if not wrong:
        return []
    last = names.index(wrong[-1])
    if last + 1 < len(names):
        return [f"look between {names[last]} and {names[last + 1]}: the gradients from {names[last + 1]} on are right"]
    return [f"look at the last layer and the loss: {names[last]}, the first that the gradient reaches, is wrong"]
