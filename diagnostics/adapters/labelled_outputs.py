"""LabelledOutputs: outputs that are kept under the number or the word of their layer, as A1 and hidden_output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.array_names import named_step, says_gradient
from diagnostics.adapters.stages import OUTPUTS, has_batch
from diagnostics.adapters.walk import HeldArray, arrays_of
from lenet.gradcheck.foreign.locations import Location

NUMBERED = ("layer", "l")
"""Names of outputs that have a number, besides those of other outputs: layer1 and l1."""


class LabelledOutputs:
    """The outputs in a network, or in what a step hands over.

    Args:
        root: what holds them.
        batch: the inputs of the network, samples first. Outputs that begin with these have one number more than layers.
        labels: the numbers or the words of all layers.
    """

    def __init__(self, root: Any, batch: NDArray[Any], labels: Sequence[str]) -> None:
        self._kept: dict[tuple[str, str], HeldArray] = {}
        for held in arrays_of(root):
            if says_gradient(held.location):
                continue
            words = Location(held.location.steps[max(named_step(held.location), 0) :]).words[-2:]
            for name, label in (words, words[::-1]) if len(words) == 2 else ():
                if name in (*OUTPUTS, *NUMBERED) and has_batch(held.value, len(batch)):
                    self._kept.setdefault((name, label), held)
        names = dict.fromkeys(name for name, _ in self._kept)
        self._distances = {name: self._distance(name, batch, labels) for name in names}

    def of(self, label: str) -> Location | None:
        """Where the outputs of the layer with this label are."""
        for name, distance in self._distances.items():
            number = str(int(label) + distance) if distance and label.isdigit() else label
            if held := self._kept.get((name, number)):
                return held.location
        return None

    def _distance(self, name: str, batch: NDArray[Any], labels: Sequence[str]) -> int:
        """From the number of a layer to that of its outputs: 1 where weights[0] makes activations[1] of the inputs."""
        numbers = sorted(int(label) for kept, label in self._kept if kept == name and label.isdigit())
        if not numbers or not labels[0].isdigit():
            return 0
        first = self._kept.get((name, str(numbers[0])))
        if first is None:
            return 0
        is_list = isinstance(first.location.steps[-1][1], int)
        begins_with_inputs = are_inputs(first.value, batch) or (is_list and len(numbers) == len(labels) + 1)
        return numbers[0] + begins_with_inputs - int(labels[0]) if begins_with_inputs or is_list else 0


def are_inputs(array: NDArray[Any], batch: NDArray[Any]) -> bool:
    """Whether an array is the batch itself, in rows or columns, also with a 1 before or after those of a sample."""
    rows = batch.reshape(len(batch), -1)
    for samples in (array.reshape(len(array), -1), array.reshape(-1, array.shape[-1]).T):
        more = samples.shape[1] - rows.shape[1]
        if len(samples) == len(rows) and more in (0, 1):
            return any(np.allclose(samples[:, n : n + rows.shape[1]], rows) for n in range(more + 1))
    return False
