"""Parts of the input that the output ignores, which no comparison of gradients can see."""

from __future__ import annotations

import numpy as np

from lenet.gradcheck.evidence import Evidence
from lenet.gradcheck.wording import spans

MOST_CHANNELS = 64


def ignored_inputs(evidence: Evidence, generator: np.random.Generator) -> list[str]:
    """A sentence about the input channels, or inputs of a dense layer, whose change changes nothing."""
    layer, axes, inputs = evidence.layer, evidence.axes, evidence.inputs
    if axes is None and evidence.dvalues.ndim > 2 and evidence.dvalues.shape[-1] != inputs.shape[-1]:
        return []  # it is not known which axis the channels are on
    axis = axes.image_axes[-1] if axes else inputs.ndim - 1
    channels = inputs.shape[axis]
    tried = np.sort(generator.permutation(channels)[:MOST_CHANNELS]).tolist()
    # Weights that happen to be zero are no fault of the layer: new ones are drawn.
    drawn = {name: generator.standard_normal(value.shape) for name, value in layer.parameters.items()}
    base = layer.run(inputs, drawn)
    # A unit that is off for a small input, or hidden behind a larger one, may answer to a large one.
    reach = 1e3 * max(1.0, float(np.abs(inputs).max()))
    sizes = (1.0, -1.0, 10.0, -10.0, reach, -reach)

    def is_silent(channel: int) -> bool:
        for size in sizes:
            changed = np.moveaxis(inputs.copy(), axis, 0)
            changed[channel] = size * (1 + np.abs(generator.standard_normal(changed[channel].shape)))
            if not np.array_equal(layer.run(np.moveaxis(changed, 0, axis), drawn), base):
                return False
        return True

    silent = [channel for channel in tried if is_silent(channel)]
    # A softmax over one class, or a mean taken off a batch of one, is constant and right.
    if not silent or channels == 1 or (len(silent) == channels and evidence.batch_size == 1):
        return []
    what = "input channel" if inputs.ndim > 2 else "input"
    plural, they = ("s", "them") if len(silent) > 1 else ("", "it")
    return [f"the output ignores {what}{plural} {spans(silent)} of {channels}: changing {they} changes nothing"]
