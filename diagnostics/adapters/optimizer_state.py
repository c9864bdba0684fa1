"""What an optimizer keeps beside the tensors where its updates are not the learning rate times the gradient."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.stages import has_batch
from diagnostics.adapters.tensor_search import shape_of
from diagnostics.adapters.walk import arrays_of
from lenet.gradcheck.foreign.locations import Location

WORDS = {"velocity", "velocities", "vel", "momentum", "momentums", "adam", "rmsprop", "adagrad", "adadelta"}
LETTERS = {"m", "v", "s", "r", "vd", "sd", "md", "mt", "vt"}
"""The words of names such as v_W, self.v["W1"] and m[0]."""
CLASSES = re.compile(r"adam|rmsprop|adagrad|adadelta|momentum|nesterov", re.IGNORECASE)


def optimizer_state(network: Any, tensors: Sequence[NDArray[Any]], samples: int) -> list[Location]:
    """Where a network keeps momentum or moments of its gradients, once it was updated; none for plain SGD.

    tensors: those of the network. samples: the size of the batch, which tells the scores s of a batch from the sums s.
    """
    shapes = {shape_of(tensor) for tensor in tensors}
    return [
        held.location
        for held in arrays_of(network)
        if shape_of(held.value) in shapes
        and not any(np.may_share_memory(held.value, tensor) for tensor in tensors)
        and _says_state(held.location, network, may_be_letters=samples == 1 or not has_batch(held.value, samples))
        and held.value.any()
    ]


def _says_state(location: Location, network: Any, may_be_letters: bool) -> bool:
    """Whether the words of a place say that an optimizer keeps it, or the class of an object on the way to it."""
    words = location.words
    if WORDS.intersection(words) or (may_be_letters and len(words) > 1 and LETTERS.intersection(words)):
        return True
    steps = location.steps
    return any(CLASSES.search(type(Location(steps[:n]).get(network)).__name__) for n in range(1, len(steps)))
