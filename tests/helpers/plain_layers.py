"""Layers by plain loops and windows: slow, and simple enough to be believed.

They follow the convention of "Neural Networks from Scratch" (forward sets output,
backward sets dinputs, dweights, dbiases), batch first, kernels (kh, kw, C, F), all
in float64. The fast layers are tested against them.

Padding for stride 1 and a kernel of k: valid none; same (k-1)//2 before and k//2
after; full k-1 on both sides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def pads(size: int, padding: str) -> tuple[int, int]:
    return {"valid": (0, 0), "same": ((size - 1) // 2, size // 2), "full": (size - 1, size - 1)}[padding]


def correlate(images: Array, kernel: Array, padding: str) -> Array:
    """Correlation of (..., H, W) images and kernels, as SciPy's correlate2d."""
    kh, kw = kernel.shape[-2:]
    height, width = images.shape[-2:]
    if padding == "valid" and (kh > height or kw > width):
        return correlate(kernel, images, padding)[..., ::-1, ::-1]  # SciPy exchanges and turns them
    if padding != "valid":
        images = np.pad(images, [(0, 0)] * (images.ndim - 2) + [pads(kh, padding), pads(kw, padding)])
    windows = np.lib.stride_tricks.sliding_window_view(images, (kh, kw), axis=(-2, -1))
    return np.sum(windows * kernel[..., None, None, :, :], axis=(-2, -1))


def convolve(images: Array, kernel: Array, padding: str) -> Array:
    """Convolution: correlation with the kernel rotated by 180 degrees; as SciPy's convolve2d for all kernels."""
    if padding != "same":
        return correlate(images, kernel[..., ::-1, ::-1], padding)
    top, left = ((size - 1) // 2 for size in kernel.shape[-2:])  # the middle of the full one
    whole = correlate(images, kernel[..., ::-1, ::-1], "full")
    return whole[..., top : top + images.shape[-2], left : left + images.shape[-1]]


class Dense:
    def __init__(self, weights: Array, biases: Array) -> None:
        self.weights, self.biases = weights, biases

    def forward(self, inputs: Array) -> None:
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues: Array) -> None:
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0)
        self.dinputs = dvalues @ self.weights.T


class Convolution:
    """The exact one."""

    def __init__(self, weights: Array, biases: Array, padding: str = "valid") -> None:
        self.weights, self.biases, self.padding = weights, biases, padding

    def pad(self, inputs: Array) -> Array:
        if self.padding == "valid":
            return inputs
        kh, kw = self.weights.shape[:2]
        return np.pad(inputs, ((0, 0), pads(kh, self.padding), pads(kw, self.padding), (0, 0)))

    def forward(self, inputs: Array) -> None:
        self.inputs = inputs
        kh, kw, _, filters = self.weights.shape
        padded = self.pad(inputs)
        shape = (len(inputs), padded.shape[1] - kh + 1, padded.shape[2] - kw + 1, filters)
        self.output = np.zeros(shape)
        for i in range(shape[1]):
            for j in range(shape[2]):
                window = padded[:, i : i + kh, j : j + kw]
                self.output[:, i, j] = np.einsum("nuvc,uvcf->nf", window, self.weights) + self.biases

    def backward(self, dvalues: Array) -> None:
        kh, kw = self.weights.shape[:2]
        padded = self.pad(self.inputs)
        dpadded = np.zeros_like(padded)
        self.dweights = np.zeros_like(self.weights)
        for i in range(dvalues.shape[1]):
            for j in range(dvalues.shape[2]):
                window, d = padded[:, i : i + kh, j : j + kw], dvalues[:, i, j]
                self.dweights += np.einsum("nuvc,nf->uvcf", window, d)
                dpadded[:, i : i + kh, j : j + kw] += np.einsum("nf,uvcf->nuvc", d, self.weights)
        self.dbiases = dvalues.sum(axis=(0, 1, 2))
        above, left = pads(kh, self.padding)[0], pads(kw, self.padding)[0]
        height, width = self.inputs.shape[1:3]
        self.dinputs = dpadded[:, above : above + height, left : left + width]


class ReportConvolution:
    """The arithmetic of the paper's convolution layer, with what it carries from call to call."""

    def __init__(self, weights: Array, biases: Array, padding: str = "valid") -> None:
        self.weights, self.biases, self.padding = weights, biases, padding
        self.dweights = np.zeros(weights.shape)
        self.dbiases = np.zeros(biases.shape)

    def forward(self, inputs: Array) -> None:
        self.inputs = inputs
        channels, filters = self.weights.shape[2:]
        maps = []
        for f in range(filters):
            for c in range(channels):  # each channel overwrites the one before
                result = correlate(inputs[..., c], self.weights[:, :, c, f], self.padding)
            maps.append(result + self.biases[f])
        self.output = np.stack(maps, axis=-1)

    def backward(self, dvalues: Array) -> None:
        samples = len(self.inputs)
        channels, filters = self.weights.shape[2:]
        mode = {"valid": "full", "same": "same", "full": "valid"}[self.padding]
        self.dinputs = np.zeros(self.inputs.shape)
        for f in range(filters):
            for c in range(channels):
                x, d = self.inputs[..., c], dvalues[..., c]
                self.dweights[:, :, c, f] += correlate(x, d, "valid").sum(axis=0)
                self.dinputs[..., c] += convolve(d, self.weights[::-1, ::-1, c, f], mode)
        self.dweights /= samples
        self.dbiases = (self.dbiases + dvalues.sum(axis=(0, 1, 2))) / samples


class AveragePool:
    def __init__(self, window: tuple[int, int] = (2, 2), stride: tuple[int, int] = (2, 2)) -> None:
        self.window, self.stride = window, stride

    def windows(self, shape: tuple[int, ...]) -> list[tuple[int, int, slice, slice]]:
        rows = range((shape[1] - self.window[0]) // self.stride[0] + 1)
        columns = range((shape[2] - self.window[1]) // self.stride[1] + 1)
        return [(i, j, self.span(0, i), self.span(1, j)) for i in rows for j in columns]

    def span(self, axis: int, index: int) -> slice:
        start = index * self.stride[axis]
        return slice(start, start + self.window[axis])

    def forward(self, inputs: Array) -> None:
        self.inputs = inputs
        windows = self.windows(inputs.shape)
        self.output = np.zeros((len(inputs), windows[-1][0] + 1, windows[-1][1] + 1, inputs.shape[3]))
        for i, j, rows, columns in windows:
            self.output[:, i, j] = inputs[:, rows, columns].mean(axis=(1, 2))

    def backward(self, dvalues: Array) -> None:
        self.dinputs = np.zeros(self.inputs.shape)
        for i, j, rows, columns in self.windows(self.inputs.shape):
            share = dvalues[:, i, j] / (self.window[0] * self.window[1])
            self.dinputs[:, rows, columns] += share[:, None, None]


class MaxPool(AveragePool):
    """Of several equal largest inputs the first gets the gradient."""

    def forward(self, inputs: Array) -> None:
        super().forward(inputs)
        for i, j, rows, columns in self.windows(inputs.shape):
            self.output[:, i, j] = inputs[:, rows, columns].max(axis=(1, 2))

    def backward(self, dvalues: Array) -> None:
        self.dinputs = np.zeros(self.inputs.shape)
        for i, j, rows, columns in self.windows(self.inputs.shape):
            window = self.inputs[:, rows, columns]
            for n, c in np.ndindex(window.shape[0], window.shape[3]):
                row, column = divmod(int(window[n, :, :, c].argmax()), window.shape[2])
                self.dinputs[n, rows.start + row, columns.start + column, c] += dvalues[n, i, j, c]


class ReLU:
    def forward(self, inputs: Array) -> None:
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues: Array) -> None:
        self.dinputs = np.where(self.inputs > 0, dvalues, 0)


class Sigmoid:
    def forward(self, inputs: Array) -> None:
        self.output = 1 / (1 + np.exp(-inputs))

    def backward(self, dvalues: Array) -> None:
        self.dinputs = dvalues * self.output * (1 - self.output)


class Softmax:
    def forward(self, inputs: Array) -> None:
        raised = np.exp(inputs - inputs.max(axis=1, keepdims=True))
        self.output = raised / raised.sum(axis=1, keepdims=True)

    def backward(self, dvalues: Array) -> None:
        self.dinputs = np.zeros_like(dvalues)
        for n, (y, d) in enumerate(zip(self.output, dvalues, strict=True)):
            self.dinputs[n] = (np.diagflat(y) - np.outer(y, y)) @ d


class CrossEntropy:
    """Mean negative log-probability of the labels (N,), clipped at 1e-7."""

    def forward(self, predictions: Array, labels: NDArray[Any]) -> Array:
        chosen = np.array([p[k] for p, k in zip(predictions, labels, strict=True)])
        return -np.log(np.clip(chosen, 1e-7, 1 - 1e-7))

    def calculate(self, predictions: Array, labels: NDArray[Any]) -> float:
        return float(np.mean(self.forward(predictions, labels)))

    def backward(self, dvalues: Array, labels: NDArray[Any]) -> None:
        self.dinputs = np.zeros_like(dvalues)
        for n, k in enumerate(labels):
            self.dinputs[n, k] = -1 / dvalues[n, k] / len(labels)
