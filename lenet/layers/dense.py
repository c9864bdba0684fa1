"""The dense layer: every neuron sums all inputs.

    o[n, k] = b[k] + sum_i x[n, i] w[i, k]

Backward, with d = dLoss/do (N, K):

    dLoss/dw = x^T d        dLoss/db = sum_n d[n]        dLoss/dx = d w^T
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lenet.errors import SettingsError, ShapeError
from lenet.initializers import Initializer
from lenet.layers.base import Array, Shape, TrainableLayer, Workspace
from lenet.memory import Memory


class DenseLayer(TrainableLayer):
    """``n_neurons`` neurons on ``n_inputs`` inputs. Weights (n_inputs, n_neurons), biases (n_neurons,)."""

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
        if n_inputs < 1 or n_neurons < 1:
            raise SettingsError(
                f"DenseLayer: received n_inputs={n_inputs}, n_neurons={n_neurons}, expected at least 1 of each"
            )
        self.n_inputs = int(n_inputs)
        self.n_neurons = int(n_neurons)

    def describe(self) -> dict[str, Any]:
        """The layer's class and arguments, in plain types."""
        return {"layer": "DenseLayer", "n_inputs": self.n_inputs, "n_neurons": self.n_neurons}

    def parameter_shapes(self) -> dict[str, Shape]:
        """(n_inputs, n_neurons) and (n_neurons,)."""
        return {"weights": (self.n_inputs, self.n_neurons), "biases": (self.n_neurons,)}

    def output_shape(self, input_shape: Shape) -> Shape:
        """(n_neurons,). Raises ShapeError where the input is not (n_inputs,)."""
        if tuple(input_shape) != (self.n_inputs,):
            hint = "; put a Flatten before it" if len(input_shape) == 3 else ""
            raise ShapeError(f"{self.title}: received input {tuple(input_shape)}, expected ({self.n_inputs},){hint}")
        return (self.n_neurons,)

    def workspace(
        self,
        input_shape: Shape,
        samples: int,
        dtype: DTypeLike,
        memory: Memory | None = None,
        *,
        input_gradient: bool = True,
    ) -> Workspace:
        """The three matrix products for one shard."""
        return DenseWorkspace(self, samples, dtype, memory or Memory(), input_gradient)


class DenseWorkspace(Workspace):
    """The arithmetic of the module's docstring on (F, N) arrays."""

    def __init__(self, layer: DenseLayer, samples: int, dtype: DTypeLike, memory: Memory, input_gradient: bool) -> None:
        self.layer = layer
        self.output = memory.keep((layer.n_neurons, samples), dtype)
        self.dweights = np.empty((layer.n_inputs, layer.n_neurons), dtype)
        self.dbiases = np.empty(layer.n_neurons, dtype)
        self.ones = np.ones(samples, dtype)
        self.dinputs = memory.share((layer.n_inputs, samples), dtype) if input_gradient else None

    def forward(self, x: Array) -> Array:
        self.x = x
        np.matmul(self.layer.weights.T, x, out=self.output)
        self.output += self.layer.biases[:, None]
        return self.output

    def backward(self, d: Array) -> Array | None:
        # A transposed copy of d is a fraction of the work, and the product with it is faster.
        np.matmul(self.x, np.ascontiguousarray(d.T), out=self.dweights)
        np.matmul(d, self.ones, out=self.dbiases)
        if self.dinputs is None:
            return None
        return np.matmul(self.layer.weights, d, out=self.dinputs)
