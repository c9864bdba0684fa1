"""Layers with one mistake each, and what the gradient check has to say of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lenet.gradcheck import GradientCheck
from tests.helpers import plain_layers as ref
from tests.helpers.plain_layers import Array


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def dense(kind: type[ref.Dense] = ref.Dense, inputs: int = 5, neurons: int = 4) -> ref.Dense:
    return kind(draw(inputs, neurons, seed=1), draw(neurons, seed=2))


def convolution(
    kind: type[Any] = ref.Convolution, kernel: tuple[int, int] = (3, 3), c: int = 2, f: int = 3, padding: str = "valid"
) -> Any:
    return kind(draw(*kernel, c, f, seed=1), draw(f, seed=2), padding)


IMAGES = draw(3, 6, 6, 2, seed=3)
ROWS = draw(4, 5, seed=4)


class Halved(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights / 2


class BatchTwice(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights / len(dvalues)


class BatchMultiplied(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs = self.dinputs * len(dvalues)


class SignFlipped(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dbiases = -self.dbiases


class Accumulating(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        before = getattr(self, "dweights", 0)
        super().backward(dvalues)
        self.dweights = self.dweights + before


class TransposedShape(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights.T


class TransposedWeights(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs = dvalues @ self.weights


class NothingPassedOn(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs = np.zeros_like(self.dinputs)


class NotFinite(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights / 0.0


class BiasesShared(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dbiases = np.full_like(self.dbiases, dvalues.sum())


class SecondHalfIgnored(ref.Dense):
    def forward(self, inputs: Array) -> None:
        self.inputs = inputs.copy()
        self.inputs[:, 3:] = 0
        self.output = self.inputs @ self.weights + self.biases

    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs[:, 3:] = 0


class Noisy(ref.Dense):
    def forward(self, inputs: Array) -> None:
        super().forward(inputs)
        self.calls = getattr(self, "calls", 0) + 1
        self.output = self.output * self.calls


class Scrambled(ref.Dense):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = np.sin(self.dweights)


DENSE_MISTAKES = {
    Halved: "dweights: the right gradient times 1/2",
    BatchTwice: "dweights: the right gradient times 1/4 (the batch size is divided out once too often)",
    BatchMultiplied: "dinputs: the right gradient times 4 (the batch size is multiplied in)",
    SignFlipped: "dbiases: the right gradient times -1 (its sign is wrong)",
    Accumulating: "dweights: not reset between calls, each call adds to what the call before left",
    TransposedShape: "dweights: has shape (4, 5), expected (5, 4): transposed",
    NothingPassedOn: "dinputs: zero everywhere, no gradient is passed on",
    NotFinite: "dweights: not finite",
    BiasesShared: "dbiases: one value repeated over all of them",
    SecondHalfIgnored: "the output ignores inputs 3 to 4 of 5: changing them changes nothing",
    Noisy: "the output differs between two calls with the same inputs: something is not reset between calls",
    Scrambled: None,
}


class RotatedGradient(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights[::-1, ::-1]


class TransposedGradient(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights.swapaxes(0, 1)


class QuarterTurn(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = np.rot90(self.dweights)


class RotatedAndScaled(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights[::-1, ::-1] / len(dvalues)


class OtherKernel(ref.Convolution):
    """Backward with a changed kernel."""

    def change(self, weights: Array) -> Array:
        raise NotImplementedError

    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        kept, self.weights = self.weights, self.change(self.weights)
        right = self.dweights, self.dbiases
        super().backward(dvalues)
        self.weights = kept
        self.dweights, self.dbiases = right


class RotatedKernel(OtherKernel):
    def change(self, weights: Array) -> Array:
        return weights[::-1, ::-1]


class QuarterTurnedKernel(OtherKernel):
    def change(self, weights: Array) -> Array:
        return np.rot90(weights)


class MirroredKernel(OtherKernel):
    def change(self, weights: Array) -> Array:
        return weights[:, ::-1]


class ExchangedChannels(OtherKernel):
    def change(self, weights: Array) -> Array:
        return weights.swapaxes(2, 3)


class ShiftedInputChannels(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs = np.roll(self.dinputs, 1, axis=3)


class ReversedFilters(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = self.dweights[..., ::-1]


class FirstFilterForAll(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = np.repeat(self.dweights.sum(axis=3, keepdims=True), 3, axis=3)


class RepeatedOverKernel(ref.Convolution):
    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dweights = np.broadcast_to(self.dweights.mean(axis=(0, 1), keepdims=True), self.weights.shape)


class LastChannelOnly(ref.Convolution):
    def forward(self, inputs: Array) -> None:
        only = inputs.copy()
        only[..., :-1] = 0
        super().forward(only)

    def backward(self, dvalues: Array) -> None:
        super().backward(dvalues)
        self.dinputs[..., :-1] = 0


CONVOLUTION_MISTAKES = {
    RotatedGradient: "dweights: its kernels are rotated by 180 degrees",
    TransposedGradient: "dweights: its kernels are transposed (rows and columns exchanged)",
    QuarterTurn: "dweights: its kernels are rotated by 90 degrees",
    RotatedAndScaled: "dweights: its kernels are rotated by 180 degrees; "
    "dweights: the batch size (3) is divided out once too often",
    RotatedKernel: "dinputs: uses the kernel rotated by 180 degrees",
    QuarterTurnedKernel: "dinputs: uses the kernel rotated by 90 degrees",
    MirroredKernel: "dinputs: uses the kernel mirrored left to right",
    ExchangedChannels: "dinputs: channels paired wrongly: input and output channels of the kernel are exchanged",
    ShiftedInputChannels: "dinputs: channels paired wrongly: what belongs to input channel 0 is given to 1",
    ReversedFilters: "dweights: channels paired wrongly: the gradient of output channel 0 reaches "
    "the kernels of output channel 2 (expected: 0)",
    FirstFilterForAll: "dweights: channels paired wrongly: the gradient of output channel 0 reaches "
    "the kernels of output channels 0 to 2 (expected: 0)",
    RepeatedOverKernel: "dweights: one value repeated over all elements of a kernel",
    LastChannelOnly: "the output ignores input channel 0 of 2: changing it changes nothing",
}


def mistake_of(result: GradientCheck) -> str:
    assert result.mistake is not None
    return result.mistake
