"""Shards: the parts of a batch that are computed one by one, each with its own workspaces.

A batch of 32 samples or more is cut into at least two shards, of at most 64 samples each.
The cut depends on the size of the batch alone. A portion is the shards of at most 1,024
samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lenet.layers.activations import Activation
from lenet.layers.base import Layer, TrainableLayer
from lenet.layers.memory import Blocks, Memory, Scratch
from lenet.layers.workspace import (
    Array,
    Shape,
    TrainableWorkspace,
    Workspace,
    WorkspaceSpec,
    batch_first,
    batch_last,
    batch_last_shape,
)
from lenet.parameters import Parameters, read_only

PORTION = 1024
SHARD = 64
SMALLEST_SHARD = 16

Outputs = Mapping[str, tuple[Array, ...]]
Rows = slice | NDArray[np.intp]


def shard_sizes(samples: int) -> list[int]:
    """Sizes of the shards of a portion; they differ by one at most, and the larger come first."""
    count = 1 if samples < 2 * SMALLEST_SHARD else max(2, -(-samples // SHARD))
    small, larger = divmod(samples, count)
    return [small + 1] * larger + [small] * (count - larger)


class Shard:
    """The workspaces of all layers for one shard of a batch, and their gradient buffer.

    ``watched`` are the outputs that hooks see: the input, and each trainable layer after its activation function.

    Args:
        layers: the layers of the network, in order.
        parameters: the flat buffers that the workspaces read from.
        input_shape: shape of one input sample.
        samples: the size of the shard.
        memory: gives its arrays.
    """

    def __init__(
        self, layers: Sequence[Layer], parameters: Parameters, input_shape: Shape, samples: int, memory: Memory
    ) -> None:
        dtype = parameters.values.dtype
        self.samples = samples
        self.input = memory.keep(batch_last_shape(input_shape, samples), dtype)
        self.gradients = np.zeros_like(parameters.values)
        self.workspaces = []
        self.watched = {"input": read_only(batch_first(self.input))}
        shape, trainable_before, watched_layer = input_shape, False, ""
        previous: Workspace | None = None
        for layer in layers:
            # An activation function that works in place reads and writes half the memory.
            is_in_place = isinstance(layer, Activation) and previous is not None and not previous.keeps_output
            output = previous.output if previous is not None and is_in_place else None
            spec = WorkspaceSpec(shape, samples, dtype, memory, input_gradient=trainable_before, output=output)
            workspace = previous = layer.workspace(spec)
            if isinstance(workspace, TrainableWorkspace):
                workspace.bind(
                    parameters.views(parameters.values, layer.name), parameters.views(self.gradients, layer.name)
                )
                trainable_before, watched_layer = True, layer.name
            # An activation function directly after a trainable layer replaces the output that hooks see.
            if isinstance(layer, TrainableLayer) or (isinstance(layer, Activation) and watched_layer):
                self.watched[watched_layer] = read_only(batch_first(workspace.output))
            else:
                watched_layer = ""
            self.workspaces.append(workspace)
            shape = layer.output_shape(shape)

    def load(self, X: Array, rows: Rows) -> None:
        """Copy samples X[rows], (N, ...), into the input, batch last."""
        np.copyto(self.input, batch_last(X[rows]))

    def forward(self) -> Array:
        """Probabilities (classes, N) of the loaded samples."""
        x = self.input
        for workspace in self.workspaces:
            x = workspace.forward(x)
        return x

    def backward(self, d: Array) -> None:
        """Fill the gradient buffer, for d (classes, N) by the input of the last layer."""
        gradient: Array | None = d
        for workspace in reversed(self.workspaces[:-1]):
            if gradient is None:
                return
            gradient = workspace.backward(gradient)


class Portion:
    """The shards for a portion of so many samples, and the views that hooks get of them."""

    def __init__(
        self, layers: Sequence[Layer], parameters: Parameters, input_shape: Shape, samples: int, threads: int
    ) -> None:
        blocks = Blocks()
        scratches: dict[tuple[int, int], Scratch] = {}
        self.shards = []
        for number, size in enumerate(shard_sizes(samples)):
            # Shards on one thread are computed one after the other, and share scratch arrays if they have one size.
            scratch = scratches.setdefault((number % threads, size), Scratch(blocks)).rewind()
            self.shards.append(Shard(layers, parameters, input_shape, size, Memory(scratch, blocks)))
        ends = np.cumsum([shard.samples for shard in self.shards])
        self.places = [slice(int(end) - s.samples, int(end)) for end, s in zip(ends, self.shards, strict=True)]
        names = self.shards[0].watched
        self.outputs: Outputs = MappingProxyType(
            {name: tuple(shard.watched[name] for shard in self.shards) for name in names}
        )
