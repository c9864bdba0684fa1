"""Activation functions: ReLU, sigmoid, tanh and softmax, with their derivatives.

Each backward pass is written with the *output* y, so no other array is kept:

    ReLU     y = max(x, 0)          dx = d where y > 0, else 0
    sigmoid  y = 1 / (1 + e^-x)     dx = d y (1 - y)
    tanh     y = tanh x             dx = d (1 - y^2)
    softmax  y_k = e^{x_k} / sum    dx = y (d - sum_k d_k y_k)
"""

from __future__ import annotations

import numpy as np

from lenet.errors import ShapeError
from lenet.layers.base import Layer
from lenet.layers.workspace import Array, Shape, Workspace, WorkspaceSpec


class Activation(Layer):
    """Base of the activation functions, whose output has the shape of their input."""

    function = ""
    _arithmetic: type[ActivationWorkspace]

    def output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return tuple(input_shape)

    def workspace(self, spec: WorkspaceSpec) -> Workspace:
        """The function and its derivative for one shard; ``spec.output`` may be the array the input comes in."""
        return self._arithmetic(spec)


class ActivationWorkspace(Workspace):
    """The output, and the arrays that the derivative needs; the input x may be the output array itself."""

    keeps_output = True

    def __init__(self, spec: WorkspaceSpec) -> None:
        self.output = spec.keep(spec.input_shape) if spec.output is None else spec.output


class ReLUWorkspace(ActivationWorkspace):
    """y = max(x, 0)."""

    def __init__(self, spec: WorkspaceSpec) -> None:
        super().__init__(spec)
        output = self.output
        self.positive = spec.memory.share(output.shape, bool)
        # NumPy's maximum of two arrays is three times faster than that of an array and the number 0, for long rows.
        self.rows = output.reshape(len(output), -1) if output.ndim == 4 else output.reshape(1, -1)
        self.zeros = np.zeros(self.rows.shape[1], output.dtype)

    def forward(self, x: Array) -> Array:
        np.maximum(x.reshape(self.rows.shape), self.zeros, out=self.rows)
        np.greater(self.output, 0, out=self.positive)  # here and not in backward: the output is still in the cache
        return self.output

    def backward(self, d: Array) -> Array:
        d *= self.positive
        return d


class SigmoidWorkspace(ActivationWorkspace):
    """y = 1 / (1 + e^-x), computed as (1 + tanh(x / 2)) / 2, which never overflows."""

    def __init__(self, spec: WorkspaceSpec) -> None:
        super().__init__(spec)
        self.slope = spec.share(spec.input_shape)

    def forward(self, x: Array) -> Array:
        y = np.multiply(x, 0.5, out=self.output)
        np.tanh(y, out=y)
        y += 1
        y *= 0.5
        return y

    def backward(self, d: Array) -> Array:
        np.subtract(1, self.output, out=self.slope)
        self.slope *= self.output
        d *= self.slope
        return d


class TanhWorkspace(ActivationWorkspace):
    """y = tanh x."""

    def __init__(self, spec: WorkspaceSpec) -> None:
        super().__init__(spec)
        self.slope = spec.share(spec.input_shape)

    def forward(self, x: Array) -> Array:
        return np.tanh(x, out=self.output)

    def backward(self, d: Array) -> Array:
        np.multiply(self.output, self.output, out=self.slope)
        np.subtract(1, self.slope, out=self.slope)
        d *= self.slope
        return d


class SoftmaxWorkspace(ActivationWorkspace):
    """y_k = e^{x_k} / sum e^{x_j}. The largest x is subtracted first, so that no exponential overflows."""

    def forward(self, x: Array) -> Array:
        y = np.subtract(x, np.maximum.reduce(x, axis=0), out=self.output)
        np.exp(y, out=y)
        y /= np.add.reduce(y, axis=0)
        return self.output

    def backward(self, d: Array) -> Array:
        d -= (d * self.output).sum(axis=0)
        d *= self.output
        return d


class ActivationReLU(Activation):
    """max(x, 0)."""

    prefix, function, _arithmetic = "relu", "relu", ReLUWorkspace


class ActivationSigmoid(Activation):
    """1 / (1 + e^-x)."""

    prefix, function, _arithmetic = "sigmoid", "sigmoid", SigmoidWorkspace


class ActivationTanh(Activation):
    """The hyperbolic tangent."""

    prefix, function, _arithmetic = "tanh", "tanh", TanhWorkspace


class ActivationSoftmax(Activation):
    """e^{x_k} / sum e^{x_j}: the probabilities of the classes, (N, classes)."""

    prefix, function, _arithmetic = "softmax", "softmax", SoftmaxWorkspace

    def output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape, (classes,). Raises ShapeError for any other shape."""
        if len(input_shape) != 1:
            raise ShapeError(f"{self.title}: received input {tuple(input_shape)}, expected (classes,)")
        return tuple(input_shape)
