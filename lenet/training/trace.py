"""The inputs, outputs and gradients of each layer for one batch.

Training computes in place and overwrites its arrays; a trace keeps copies of them. It cuts
the batch into the same shards and computes in the same order, so its numbers are those of
the training step, bit for bit.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from lenet.layers.base import TrainableLayer
from lenet.layers.memory import Memory
from lenet.layers.workspace import Array, TrainableWorkspace, WorkspaceSpec, batch_first, batch_last
from lenet.losses import CLIP, Labels, LossCategoricalCrossEntropy
from lenet.network import Network
from lenet.training.engine import single_threaded_blas
from lenet.training.shards import PORTION, Shard, shard_sizes


@dataclass(frozen=True)
class LayerTrace:
    """Inputs, outputs and gradients of one trainable layer, for n samples.

    Args:
        inputs: the inputs of the layer, (n, H, W, C) or (n, F).
        preactivations: its outputs before the activation function, (n, H, W, C) or (n, F).
        outputs: its outputs after the activation function.
        gradients: the gradient of the loss by ``preactivations``, of the same shape; the loss is the mean
            over the batch. Empty where only the forward pass was asked for.
    """

    inputs: Array
    preactivations: Array
    outputs: Array
    gradients: Array


@dataclass(frozen=True)
class Trace:
    """The result of one batch through a network.

    Args:
        losses: loss of each sample, (n,), nats.
        probabilities: the outputs of the network, (n, classes).
        layers: by name, for the layers that were asked for.
    """

    losses: Array
    probabilities: Array
    layers: dict[str, LayerTrace]


class Tracer:
    """Traces samples through a finalized network, which is not changed.

    ``network``: the network, in its state at each call.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._shards: dict[int, Shard] = {}

    def follow(
        self,
        X: Array,
        labels: Labels,
        layers: Collection[str] = (),
        *,
        backward: bool = False,
        batch_samples: int | None = None,
    ) -> Trace:
        """The trace of these samples.

        Args:
            X: the samples, (n, H, W, C) or (n, F).
            labels: their classes, (n,).
            layers: names of the trainable layers to keep copies of.
            backward: whether the gradients are wanted too.
            batch_samples: the size of the batch whose mean loss the gradients are of, where the samples are
                only part of it; None (default) for n.
        """
        batch = batch_samples or len(X)
        parts = []
        with single_threaded_blas():
            for first in range(0, len(X), PORTION):
                start = first
                for size in shard_sizes(min(PORTION, len(X) - first)):
                    rows = slice(start, start + size)
                    parts.append(self._follow_shard(X, labels[rows], rows, layers, backward, batch))
                    start += size
        return Trace(
            np.concatenate([one.losses for one in parts]),
            np.concatenate([one.probabilities for one in parts]),
            {name: _joined([one.layers[name] for one in parts]) for name in parts[0].layers},
        )

    def _follow_shard(
        self, X: Array, labels: Labels, rows: slice, layers: Collection[str], backward: bool, batch: int
    ) -> Trace:
        shard = self._shard(len(labels))
        shard.load(X, rows)
        wanted = {
            position: layer.name
            for position, layer in enumerate(self._network.layers)
            if isinstance(layer, TrainableLayer) and layer.name in layers
        }
        inputs, preactivations, gradients = {}, {}, {}
        x = shard.input
        for position, workspace in enumerate(shard.workspaces):
            name = wanted.get(position)
            if name is not None:
                inputs[name] = batch_first(x).copy()
            x = workspace.forward(x)
            if name is not None:
                preactivations[name] = batch_first(x).copy()
        outputs = {name: shard.watched[name].copy() for name in wanted.values()}
        probabilities = x.T.copy()
        if backward:
            d: Array | None = LossCategoricalCrossEntropy().shard_gradient(x, labels, batch)
            for position in range(len(shard.workspaces) - 2, -1, -1):
                if d is None:
                    break
                if position in wanted:
                    gradients[wanted[position]] = batch_first(d).copy()
                d = shard.workspaces[position].backward(d)
        chosen = np.clip(probabilities[np.arange(len(labels)), labels], CLIP, 1 - CLIP)
        none = np.empty(0, probabilities.dtype)
        return Trace(
            -np.log(chosen),
            probabilities,
            {n: LayerTrace(inputs[n], preactivations[n], outputs[n], gradients.get(n, none)) for n in inputs},
        )

    def _shard(self, samples: int) -> Shard:
        """Workspaces for so many samples; those of one size are kept."""
        if samples not in self._shards:
            network = self._network
            memory = Memory()
            self._shards[samples] = Shard(network.layers, network.parameters, network.input_shape, samples, memory)
        return self._shards[samples]


def _joined(parts: list[LayerTrace]) -> LayerTrace:
    names = ("inputs", "preactivations", "outputs", "gradients")
    return LayerTrace(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class LayerGradient:
    """The gradient of the loss by the parameters of one layer, for some of the samples of a batch.

    Args:
        layer: a trainable layer of a finalized network.
        samples: the number of samples in a call of :meth:`of`.
        batch_samples: the size of the batch.
    """

    def __init__(self, layer: TrainableLayer, samples: int, batch_samples: int) -> None:
        parameters = {"weights": layer.weights, "biases": layer.biases}
        sizes = [array.size for array in parameters.values()]
        self.flat = np.zeros(sum(sizes), layer.weights.dtype)
        gradients = {
            name: part.reshape(array.shape)
            for part, (name, array) in zip(np.split(self.flat, [sizes[0]]), parameters.items(), strict=True)
        }
        self._layer, self._samples, self._parameters, self._gradients = layer, samples, parameters, gradients
        self._factor = layer.gradient_factor(batch_samples)
        self._workspace: TrainableWorkspace | None = None

    def of(self, inputs: Array, gradients: Array) -> Array:
        """The gradient, (parameters,): weights in C order, then biases; overwritten by the next call.

        Args:
            inputs: the inputs of the layer, as in :class:`LayerTrace`.
            gradients: the gradient of the batch's loss by its outputs before the activation function.
        """
        if self._workspace is None:
            spec = WorkspaceSpec(inputs.shape[1:], self._samples, self.flat.dtype, input_gradient=False)
            workspace = self._layer.workspace(spec)
            assert isinstance(workspace, TrainableWorkspace)
            workspace.bind(self._parameters, self._gradients)
            self._workspace = workspace
        self._workspace.forward(np.ascontiguousarray(batch_last(inputs)))
        self._workspace.backward(np.array(batch_last(gradients), order="C"))
        if self._factor != 1.0:
            self.flat *= self.flat.dtype.type(self._factor)
        return self.flat
