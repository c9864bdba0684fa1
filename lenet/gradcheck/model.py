"""The check of a whole model, layer by layer, with the real inputs of each layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lenet.gradcheck.check import check
from lenet.gradcheck.foreign.calls import NotComparable
from lenet.gradcheck.foreign.layer import LayerUnderTest
from lenet.gradcheck.loss import check_loss
from lenet.gradcheck.result import GradientCheck
from lenet.losses import LossCategoricalCrossEntropy


def check_model(
    layers: Any, inputs: ArrayLike, labels: ArrayLike, *, seed: int = 0, entries: int = 256
) -> dict[str, GradientCheck]:
    """Check every layer at the outputs of the layers before it, and the loss at the end.

    Args:
        layers: a finalized model, or a list of layers that has been given parameters.
        inputs: a small batch for the first layer, (N, H, W, C) or (N, F).
        labels: its labels, (N,).
        seed: decides the random projection, and which entries are compared; default 0.
        entries: the largest number of compared entries of each tensor; default 256.

    Returns:
        The result of each layer by its name, in order, and that of ``loss``; up to the
        first layer that raises an error, if one does.
    """
    values = np.array(inputs, dtype=np.float64)
    results: dict[str, GradientCheck] = {}
    for position, layer in enumerate(getattr(layers, "layers", layers)):
        name = getattr(layer, "name", "") or f"{type(layer).__name__}{position + 1}"
        results[name] = check(layer, values, seed=seed, entries=entries)
        under_test = LayerUnderTest(layer, {})
        try:
            values = under_test.run(values)
        except NotComparable:
            return results
        finally:
            under_test.give_back()
    # A probability close to 0 or 1 is beyond the clip of the loss, where the loss has no slope.
    spread = 0.9 * values + 0.1 / values.shape[1]
    results["loss"] = check_loss(LossCategoricalCrossEntropy(), spread, labels, seed=seed, entries=entries)
    return results
