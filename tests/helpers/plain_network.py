"""A whole network by the plain layers, in float64, with the parameters of a moment: one sample at a time if need be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet import Model
from lenet.hooks import TensorInfo
from lenet.layers.activations import ActivationReLU, ActivationSigmoid, ActivationSoftmax, ActivationTanh
from lenet.layers.convolution import ConvolutionLayer
from lenet.layers.dense import DenseLayer
from lenet.layers.flatten import Flatten
from lenet.layers.pooling import AveragePooling
from lenet.layers.report_convolution import ReportConvolutionLayer
from tests.helpers import plain_layers as plain

Array = NDArray[np.float64]


class Flat:
    def forward(self, inputs: Array) -> None:
        self.shape = inputs.shape
        self.output = inputs.reshape(len(inputs), -1)

    def backward(self, dvalues: Array) -> None:
        self.dinputs = dvalues.reshape(self.shape)


class Tanh:
    def forward(self, inputs: Array) -> None:
        self.output = np.tanh(inputs)

    def backward(self, dvalues: Array) -> None:
        self.dinputs = dvalues * (1 - self.output**2)


class PlainNetwork:
    """``model``'s layers with the parameters in ``values``."""

    def __init__(self, model: Model, values: NDArray[Any]) -> None:
        tensors = {(t.layer, t.tensor): take(values, t) for t in model.parameters.tensors}
        self.tensors = model.parameters.tensors
        self.layers: list[Any] = []
        self.named: dict[str, Any] = {}
        for layer in model.layers:
            own: Any
            if isinstance(layer, ReportConvolutionLayer | ConvolutionLayer | DenseLayer):
                parts = tensors[layer.name, "weights"], tensors[layer.name, "biases"]
                if isinstance(layer, ReportConvolutionLayer):
                    own = plain.ReportConvolution(*parts, layer.padding)
                elif isinstance(layer, ConvolutionLayer):
                    own = plain.Convolution(*parts, layer.padding)
                else:
                    own = plain.Dense(*parts)
                self.named[layer.name] = own
            elif isinstance(layer, AveragePooling):
                own = plain.AveragePool(layer.window_size, layer.stride)
            else:
                kinds = {
                    Flatten: Flat,
                    ActivationReLU: plain.ReLU,
                    ActivationSigmoid: plain.Sigmoid,
                    ActivationTanh: Tanh,
                    ActivationSoftmax: plain.Softmax,
                }
                own = kinds[type(layer)]()
            self.layers.append(own)

    def losses(self, X: Array, y: Sequence[int]) -> Array:
        """Loss of each sample."""
        x = np.asarray(X, np.float64)
        for layer in self.layers:
            layer.forward(x)
            x = layer.output
        return -np.log(np.clip(x[np.arange(len(y)), y], 1e-7, 1 - 1e-7))

    def gradient(self, X: Array, y: Sequence[int], batch: int) -> Array:
        """What these samples add to the flat gradient of the mean loss over ``batch`` samples."""
        self.losses(X, y)
        d = self.layers[-1].output.copy()
        d[np.arange(len(y)), y] -= 1
        d /= batch
        for layer in reversed(self.layers[:-1]):
            layer.backward(d)
            d = layer.dinputs
        parts = [getattr(self.named[t.layer], f"d{t.tensor}").ravel() for t in self.tensors]
        return np.concatenate(parts)


def take(values: NDArray[Any], tensor: TensorInfo) -> Array:
    """One tensor of flat parameters."""
    part = values[tensor.offset : tensor.offset + tensor.size]
    return np.asarray(part, np.float64).reshape(tensor.shape)
