"""The outputs of a network that a user wrote, as hooks get them: checked, and in portions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.arguments import expect_unmasked
from lenet.errors import ShapeError
from lenet.layers.workspace import Array
from lenet.training.custom_layer import ObservedLayer
from lenet.training.shards import PORTION

INPUT = "input"
"""The name of the batch among the outputs of an event."""
KEPT_PORTIONS = 4
"""How many sizes of portions are kept."""


class ObservedOutputs:
    """Reads what the layers of a user's network put out.

    Args:
        layers: the layers, in the order of the forward pass.
    """

    def __init__(self, layers: Sequence[ObservedLayer]) -> None:
        self._layers = layers
        self._portions: dict[int, dict[str, tuple[Array]]] = {}

    def seen(self) -> list[tuple[ObservedLayer, Array]]:
        """The layers whose outputs are known, and the outputs."""
        outputs = ((layer, layer.output()) for layer in self._layers)
        return [(layer, output) for layer, output in outputs if output is not None]

    def with_batch(self, inputs: NDArray[Any]) -> dict[str, Array]:
        """The batch and the outputs, by name. Raises ShapeError where they are not of the same samples."""
        outputs = {INPUT: _batch(inputs), **{layer.name: output for layer, output in self.seen()}}
        sizes = {name: len(output) for name, output in outputs.items()}
        if len(set(sizes.values())) > 1:
            words = ", ".join(f"{size} from {name}" for name, size in sizes.items())
            raise ShapeError(f"outputs: received {words} samples, expected the same batch from all layers")
        return outputs

    def portions(
        self, outputs: Mapping[str, Array], samples: int
    ) -> Iterator[tuple[dict[str, tuple[Array]], int, int]]:
        """The outputs in portions, each with its first sample and its size.

        Portions of one size have the same arrays at every step.
        """
        for first in range(0, samples, PORTION):
            size = min(PORTION, samples - first)
            if size not in self._portions:
                if len(self._portions) == KEPT_PORTIONS:
                    self._portions.clear()
                self._portions[size] = {name: (np.empty((size, *x.shape[1:]), x.dtype),) for name, x in outputs.items()}
            portion = self._portions[size]
            for name, output in outputs.items():
                kept = portion[name][0]
                if kept.shape[1:] != output.shape[1:]:
                    raise ShapeError(
                        f"{name}: received an output of {output.shape[1:]}, before it was {kept.shape[1:]}"
                    )
                kept[...] = output[first : first + size]
            yield portion, first, size


def _batch(inputs: NDArray[Any]) -> Array:
    """The batch as (N, F) or (N, H, W, C). Raises ShapeError for any other shape."""
    expect_unmasked("before_update: inputs", inputs)
    batch = np.asarray(inputs)
    if batch.ndim == 3:
        batch = batch[..., np.newaxis]
    if batch.ndim not in (2, 4) or batch.dtype.kind not in "fiub":
        what = f"an array of {batch.dtype}, shape {batch.shape}"
        raise ShapeError(f"before_update: inputs: received {what}, expected numbers, (N, F), (N, H, W) or (N, H, W, C)")
    return batch
