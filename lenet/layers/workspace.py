"""Workspaces: the implementation of a layer that training uses, with the batch last.

A workspace holds the arrays that one layer needs for one shard of the batch, and does the
arithmetic on them. The batch comes last, (H, C, W, N) or (F, N), so that each operation on
one number of a sample works on a long contiguous row with this number of all samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lenet.layers.memory import Memory

Array = NDArray[np.floating[Any]]
Shape = tuple[int, ...]


def batch_last(array: Array) -> Array:
    """(N, H, W, C) -> (H, C, W, N), or (N, F) -> (F, N): a view."""
    return array.transpose(1, 3, 2, 0) if array.ndim == 4 else array.T


def batch_first(array: Array) -> Array:
    """(H, C, W, N) -> (N, H, W, C), or (F, N) -> (N, F): a view."""
    return array.transpose(3, 0, 2, 1) if array.ndim == 4 else array.T


def batch_last_shape(shape: Shape, samples: int) -> Shape:
    """The batch-last shape of ``samples`` samples of ``shape``, (H, W, C) or (F,)."""
    if len(shape) == 3:
        height, width, channels = shape
        return (height, channels, width, samples)
    return (*shape, samples)


@dataclass(frozen=True)
class WorkspaceSpec:
    """The shapes, precision and memory for which a workspace is made.

    Args:
        input_shape: shape of one input sample, (H, W, C) or (F,).
        samples: size N of the shard.
        dtype: float32 or float64.
        memory: gives the arrays; by default each workspace gets new ones.
        input_gradient: whether ``backward`` has to return the gradient by the input, default True.
        output: an array that an activation function may write its output to, (H, C, W, N) or
            (F, N); None (default) for a new one.
    """

    input_shape: Shape
    samples: int
    dtype: DTypeLike
    memory: Memory = field(default_factory=Memory)
    input_gradient: bool = True
    output: Array | None = None

    def keep(self, shape: Shape) -> Array:
        """An array for samples of ``shape``, (H, W, C) or (F,), batch last; see :meth:`Memory.keep`."""
        return self.memory.keep(batch_last_shape(shape, self.samples), self.dtype)

    def share(self, shape: Shape) -> Array:
        """An array for samples of ``shape``, (H, W, C) or (F,), batch last; see :meth:`Memory.share`."""
        return self.memory.share(batch_last_shape(shape, self.samples), self.dtype)


class Workspace:
    """The arrays of one layer for one shard of the batch, all batch last.

    ``forward(x)`` fills and returns ``output``. ``backward(d)`` takes the gradient by the
    output and returns the gradient by the input, or None where the spec asks for none; it
    may overwrite ``d``.
    """

    output: Array
    # Whether backward needs the output; where it does not, an activation function may overwrite it.
    keeps_output = False

    def forward(self, x: Array) -> Array:
        raise NotImplementedError

    def backward(self, d: Array) -> Array | None:
        raise NotImplementedError


class TrainableWorkspace(Workspace):
    """A workspace that reads ``weights`` and ``biases`` and overwrites ``dweights`` and ``dbiases``.

    ``bind`` says which arrays these are; what ``backward`` writes is this shard's part of the gradient.
    """

    weights: Array
    biases: Array
    dweights: Array
    dbiases: Array

    def bind(self, parameters: dict[str, Array], gradients: dict[str, Array]) -> None:
        """Use these arrays from now on, ``weights`` and ``biases`` of each."""
        self.weights, self.biases = parameters["weights"], parameters["biases"]
        self.dweights, self.dbiases = gradients["weights"], gradients["biases"]
        self.prepare()

    def prepare(self) -> None:
        """Make the views of the bound arrays that every step needs; here none."""
