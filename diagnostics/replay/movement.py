"""Why the units of a layer moved in one step: their own bias, their own weights, or the layers below.

The preactivation of a unit is z = b + w a. It is linear in the bias b, in the weights w, and in
the outputs a of the layers below (for a convolution: at every position). One step moves its mean
over a batch from z0 to z1:

    z1 - z0  =  (b1 - b0)  +  (w1 - w0) (a0 + a1) / 2  +  (w0 + w1) / 2 (a1 - a0)

The sum is exact: each of the last two terms has half of the mixed term (w1 - w0) (a1 - a0).
With f(w, a) for the mean without the step of the bias, the last two terms are half of
f(w1, a0) - f(w0, a0) + f(w1, a1) - f(w0, a1), and half of f(w0, a1) - f(w0, a0) + f(w1, a1) - f(w1, a0).
Each f is a forward pass with some parameters from before the step and some from after it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnostics.replay.batch import Batch
from diagnostics.replay.subject import Float64, Subject
from lenet.hooks import FloatArray


def why_units_moved(subject: Subject, before: FloatArray, after: FloatArray, batch: Batch, layer: str) -> pd.DataFrame:
    """The parts of the change, for every unit of a layer.

    Args:
        subject: the network.
        before: all parameters before the step, (P,).
        after: all parameters after it, (P,).
        batch: the batch.
        layer: the layer's name.

    Returns:
        Index ``unit``; columns ``before``, ``after``, ``by_bias``, ``by_weights``, ``by_layers_below``.
    """
    names = [one.name for one in subject.layers]
    below = set(names[: names.index(layer)])
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)

    def mean(weights_moved: bool, below_moved: bool, bias_moved: bool = False) -> Float64:
        """The mean preactivation of each unit, with these parts of the network as they are after the step."""
        values = before.copy()
        for tensor in subject.tensors:
            own = tensor.layer == layer and (weights_moved if tensor.tensor == "weights" else bias_moved)
            if own or (tensor.layer in below and below_moved):
                place = slice(tensor.offset, tensor.offset + tensor.size)
                values[place] = after[place]
        return subject.mean_preactivations(values, batch, layer)

    bias = next(t for t in subject.tensors if t.layer == layer and t.tensor == "biases")
    by_bias = (after - before)[bias.offset : bias.offset + bias.size]
    at_start, weights_alone, below_alone = mean(False, False), mean(True, False), mean(False, True)
    at_end = mean(True, True, True)
    both = at_end - by_bias
    table = {
        "before": at_start,
        "after": at_end,
        "by_bias": by_bias,
        "by_weights": 0.5 * ((weights_alone - at_start) + (both - below_alone)),
        "by_layers_below": 0.5 * ((below_alone - at_start) + (both - weights_alone)),
    }
    return pd.DataFrame(table, index=pd.RangeIndex(len(at_start), name="unit"))
