"""The data for the search for mistakes: the layer, its gradients, and their finite differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lenet.gradcheck.differences import Array, NumericGradient
from lenet.gradcheck.foreign.calls import NotComparable
from lenet.gradcheck.foreign.layer import LayerUnderTest
from lenet.gradcheck.mistakes.axes import AxisOrder, axis_order

# A gradient that a layer keeps in float32 is no more exact than this.
EXACT = 1e-6


@dataclass(frozen=True)
class GradientEvidence:
    """The measured gradients of one layer.

    Attributes:
        layer: the layer, for further runs.
        inputs: the inputs at which everything was computed, (N, ...).
        dvalues: the gradient by the output that ``backward`` was given, shaped like the output.
        own: the gradients of ``backward`` by name.
        numeric: their finite differences by name.
        tolerance: the relative difference up to which two gradients count as equal.
    """

    layer: LayerUnderTest
    inputs: Array
    dvalues: Array
    own: Mapping[str, Array]
    numeric: Mapping[str, NumericGradient]
    tolerance: float

    @property
    def batch_size(self) -> int:
        """Number of samples."""
        return len(self.inputs)

    @cached_property
    def kernel(self) -> str:
        """The name of the parameter that is the weights of a dense or a convolution layer; "" where none is."""
        shapes = ((name, value.shape) for name, value in self.layer.parameters.items())
        return next((name for name, shape in shapes if axis_order(self.inputs.shape, self.dvalues.shape, shape)), "")

    @cached_property
    def axes(self) -> AxisOrder | None:
        """The order of axes; None where it cannot be told."""
        weights = self.layer.parameters.get(self.kernel)
        return None if weights is None else axis_order(self.inputs.shape, self.dvalues.shape, weights.shape)

    def is_of_kernel(self, name: str) -> bool:
        """Whether this is the gradient by :attr:`kernel`."""
        return self.kernel != "" and self.layer.sources[name].of == self.kernel

    @cached_property
    def batch_powers(self) -> Mapping[str, int]:
        """For each gradient -1 where it is divided by the batch size, 1 where multiplied, 0 where neither.

        The test adds samples whose output gradient is zero. They have no part in the right
        gradient, so only a factor of the batch size can change it.
        """
        inputs = np.concatenate([self.inputs, 0.9 * self.inputs])
        dvalues = np.concatenate([self.dvalues, np.zeros_like(self.dvalues)])
        try:
            doubled, constant = (self.layer.gradients(inputs, d).own for d in (dvalues, np.zeros_like(dvalues)))
            first = self.layer.run(inputs)[: len(self.inputs)]
        except NotComparable:  # a layer may accept only its own batch size
            return dict.fromkeys(self.own, 0)
        if not np.allclose(first, self.layer.run(self.inputs)):  # the samples depend on one another
            return dict.fromkeys(self.own, 0)
        powers = {}
        for name, own in self.own.items():
            linear = (doubled[name] - constant[name]).ravel()
            same = linear[: own.size] if name == "dinputs" else linear
            fits = (power for power in (-1, 1) if same.size == own.size and close(same, own.ravel() * 2.0**power))
            powers[name] = next(fits, 0)
        return powers


def close(first: Array, second: Array) -> bool:
    """Whether two arrays are equal up to the rounding of float32."""
    return bool(np.linalg.norm(first - second) <= EXACT * np.linalg.norm(second))
