"""Finds mistakes that no comparison at one point shows: inputs that are ignored, and inputs that are tied."""

from __future__ import annotations

import numpy as np

from lenet.gradcheck.differences import Array, differences, precision_of
from lenet.gradcheck.foreign.calls import NotComparable
from lenet.gradcheck.mistakes.evidence import GradientEvidence
from lenet.gradcheck.wording import number, spans

MOST_CHANNELS = 64
MOST_DRAWS = 100


def ignored_inputs(evidence: GradientEvidence) -> list[str]:
    """A sentence about the input channels, or inputs of a dense layer, that do not change the output."""
    layer, axes, inputs = evidence.layer, evidence.axes, evidence.inputs
    generator = np.random.default_rng(0)
    if axes is None and evidence.dvalues.ndim > 2 and evidence.dvalues.shape[-1] != inputs.shape[-1]:
        return []  # it is not known which axis the channels are on
    axis = axes.image_axes[-1] if axes else inputs.ndim - 1
    channels = inputs.shape[axis]
    tried = np.sort(generator.permutation(channels)[:MOST_CHANNELS]).tolist()
    # Weights that are zero by chance are no fault of the layer, so new ones are drawn.
    drawn = {name: generator.standard_normal(value.shape) for name, value in layer.parameters.items()}
    # A unit that is 0 for a small input, or hidden behind a larger one, may respond to a large input.
    reach = 1e3 * max(1.0, float(np.abs(inputs).max()))
    sizes = (1.0, -1.0, 10.0, -10.0, reach, -reach)

    def is_silent(channel: int) -> bool:
        base = layer.run(inputs, drawn)
        for size in sizes:
            changed = np.moveaxis(inputs.copy(), axis, 0)
            changed[channel] = size * (1 + np.abs(generator.standard_normal(changed[channel].shape)))
            if not np.array_equal(layer.run(np.moveaxis(changed, 0, axis), drawn), base):
                return False
        return True

    try:
        silent = [channel for channel in tried if is_silent(channel)]
        for _ in range(MOST_DRAWS):  # dropout ignores other inputs in each call
            if silent and layer.draw_anew():
                silent = [channel for channel in silent if is_silent(channel)]
    except NotComparable:  # some layers refuse some numbers
        return []
    # A softmax over one class, or a mean taken off a batch of one, is constant and right.
    if not silent or channels == 1 or (len(silent) == channels and evidence.batch_size == 1):
        return []
    what = "input channel" if inputs.ndim > 2 else "input"
    plural, they = ("s", "them") if len(silent) > 1 else ("", "it")
    return [f"the output ignores {what}{plural} {spans(silent)} of {channels}: changing {they} changes nothing"]


def tied_inputs(evidence: GradientEvidence) -> list[str]:
    """A sentence about a maximum that passes the whole gradient to each of several equal inputs.

    Where inputs are equal there is no derivative by one of them. There is one if all grow by
    the same amount, and the parts that ``backward`` passes to them have to sum to it, however
    it shares them out.
    """
    layer, dvalues = evidence.layer, evidence.dvalues
    tied = np.full_like(evidence.inputs, 0.7390851)  # no usual function has a kink at this number

    def all_grow(amount: Array) -> tuple[Array, Array]:
        return layer.run(tied + amount), amount

    try:
        precision = precision_of(layer.dtype)
        slope = differences(all_grow, np.zeros(1), dvalues, np.zeros(1, np.intp), precision)
        parts = layer.gradients(tied, dvalues).own["dinputs"]
    except (NotComparable, KeyError):
        return []
    total, size = float(parts.sum()), float(np.abs(parts).sum())
    if not slope.values.size or not np.isfinite(size):
        return []
    expected = float(slope.values[0])
    if abs(total - expected) <= precision.tolerance * max(size, abs(expected)) + slope.uncertainty[0]:
        return []
    sums = f"{number(total / expected)} times what they should" if expected else f"{number(total)}, expected 0"
    return [
        f"dinputs: the parts of the gradient at equal inputs sum to {sums}: a maximum has to pass its gradient "
        "to one of several equal inputs, or to share it among them"
    ]
