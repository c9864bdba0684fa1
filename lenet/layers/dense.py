"""The dense layer: every neuron is a weighted sum of all inputs.

    o[n, k] = b[k] + sum_i x[n, i] w[i, k]

Backward, with d = dLoss/do (N, K):

    dLoss/dw = x^T d        dLoss/db = sum_n d[n]        dLoss/dx = d w^T
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lenet.arguments import expect_whole
from lenet.errors import ShapeError
from lenet.layers.base import Layer, TrainableLayer
from lenet.layers.initializers import Initializer
from lenet.layers.products import in_rows, parts
from lenet.layers.workspace import Array, Shape, TrainableWorkspace, Workspace, WorkspaceSpec

# Multiplications from which on one product is faster than several small ones (measured).
LARGE_PRODUCT = 8_000_000


class DenseLayer(TrainableLayer):
    """A fully connected layer; weights (n_inputs, n_neurons), biases (n_neurons,).

    Args:
        n_inputs: the number of inputs, 1 or more.
        n_neurons: the number of neurons, 1 or more.
        initializer: how the weights start, an :class:`Initializer` or the name of its scheme;
            None (default) for the model's.
        l1: strength of the L1 penalty of this layer's weights, 0 or more, default 0; added to the model's.
        l2: strength of the L2 penalty of this layer's weights, 0 or more, default 0; added to the model's.
        seed: the seed of the weights of a layer that is in no model, 0 or more, default 0.

    Raises:
        SettingsError: an argument out of its range.
    """

    prefix = "dense"

    def __init__(
        self,
        n_inputs: int,
        n_neurons: int,
        *,
        initializer: Initializer | str | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(initializer, l1, l2, seed)
        expect_whole("DenseLayer: n_inputs", n_inputs, 1)
        expect_whole("DenseLayer: n_neurons", n_neurons, 1)
        self.n_inputs = int(n_inputs)
        self.n_neurons = int(n_neurons)

    def describe(self) -> dict[str, Any]:
        """The layer's class and arguments, in plain types."""
        return {"layer": "DenseLayer", "n_inputs": self.n_inputs, "n_neurons": self.n_neurons}

    def parameter_shapes(self) -> dict[str, Shape]:
        """(n_inputs, n_neurons) and (n_neurons,)."""
        return {"weights": (self.n_inputs, self.n_neurons), "biases": (self.n_neurons,)}

    def known_input_shape(self, following: Layer | None) -> Shape | None:
        """(n_inputs,)."""
        return (self.n_inputs,)

    def output_shape(self, input_shape: Shape) -> Shape:
        """(n_neurons,). Raises ShapeError where the input is not (n_inputs,)."""
        if tuple(input_shape) != (self.n_inputs,):
            hint = "; put a Flatten before it" if len(input_shape) == 3 else ""
            raise ShapeError(f"{self.title}: received input {tuple(input_shape)}, expected ({self.n_inputs},){hint}")
        return (self.n_neurons,)

    def workspace(self, spec: WorkspaceSpec) -> Workspace:
        """The three matrix products for one shard."""
        return DenseWorkspace(self, spec)


class DenseWorkspace(TrainableWorkspace):
    """The formulas above on (F, N) arrays."""

    def __init__(self, layer: DenseLayer, spec: WorkspaceSpec) -> None:
        self.output = spec.keep((layer.n_neurons,))
        self.ones = np.ones(spec.samples, spec.dtype)
        self.dinputs = spec.share(spec.input_shape) if spec.input_gradient else None
        multiplications = layer.n_inputs * layer.n_neurons * spec.samples
        is_large = multiplications > LARGE_PRODUCT
        self.neuron_parts = 1 if is_large else parts(layer.n_neurons, multiplications)
        self.input_parts = 1 if is_large else parts(layer.n_inputs, multiplications)

    def prepare(self) -> None:
        inputs = len(self.weights)
        self.neurons = self.weights.reshape(inputs, self.neuron_parts, -1).transpose(1, 2, 0)
        self.outputs = in_rows(self.output, self.neuron_parts)
        self.bias_column = self.biases[:, None]
        self.dweight_rows = in_rows(self.dweights, self.input_parts)
        if self.dinputs is not None:
            self.weight_rows = in_rows(self.weights, self.input_parts)
            self.dinput_rows = in_rows(self.dinputs, self.input_parts)

    def forward(self, x: Array) -> Array:
        self.x = x
        np.matmul(self.neurons, x, out=self.outputs)
        return np.add(self.output, self.bias_column, out=self.output)

    def backward(self, d: Array) -> Array | None:
        # The product with a transposed copy of d is faster, by more than the copy costs.
        np.matmul(in_rows(self.x, self.input_parts), d.T.copy(), out=self.dweight_rows)
        np.matmul(d, self.ones, out=self.dbiases)
        if self.dinputs is not None:
            np.matmul(self.weight_rows, d, out=self.dinput_rows)
        return self.dinputs
