"""The layer under test: how it is called, and how it is left as it was.

Any object will do that follows the convention of "Neural Networks from Scratch"
(nnfs.io): ``forward(inputs)`` sets ``output``, ``backward(dvalues)`` sets
``dinputs`` and, where there are ``weights`` and ``biases``, ``dweights`` and
``dbiases``. Results that are only returned are taken too.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.errors import SettingsError
from lenet.gradcheck.state import SavedState

Array = NDArray[np.float64]
PARAMETERS = ("weights", "biases")


@dataclass(frozen=True)
class OwnGradients:
    """What one backward pass adds by itself, and the share it ``kept`` of the pass before.

    A backward pass that adds to what is already there gives, call after call,
    G_k = kept G_{k-1} + own. ``kept`` has an entry only where it is not zero.
    """

    own: Mapping[str, Array]
    kept: Mapping[str, float]


class LayerUnderTest:
    """A layer that can be run with any parameters, and is given back as it was by :meth:`restore`."""

    def __init__(self, layer: Any) -> None:
        for method in ("forward", "backward"):
            if not callable(getattr(layer, method, None)):
                raise SettingsError(f"{type(layer).__name__} has no {method}(), expected forward() and backward()")
        self.name = type(layer).__name__
        self.layer = layer
        self._saved = SavedState(layer)
        held = {name: getattr(layer, name, None) for name in PARAMETERS}
        self.parameters = {name: np.array(v, dtype=np.float64) for name, v in held.items() if v is not None}
        self.dtype = np.dtype(np.float64)
        takes_training = "training" in inspect.signature(layer.forward).parameters
        self._options = {"training": True} if takes_training else {}

    def restore(self) -> None:
        """Give the layer back everything it held, bit for bit."""
        self._saved.restore()

    def run(self, inputs: Array, parameters: Mapping[str, Array] | None = None) -> Array:
        """The output, as float64, with these parameters instead of the layer's own."""
        layer = self.layer
        for name in self.parameters:
            setattr(layer, name, (parameters or self.parameters).get(name, self.parameters[name]).copy())
        returned = layer.forward(inputs.copy(), **self._options)
        output = np.asarray(getattr(layer, "output", returned))
        if output.dtype.kind == "f":
            self.dtype = output.dtype
        return output.astype(np.float64)

    def in_effect(self, name: str) -> Array:
        """A parameter as the layer holds it now: one kept in float32 has rounded what it was given."""
        return np.asarray(getattr(self.layer, name), dtype=np.float64)

    def penalty_gradient(self, name: str) -> Array | None:
        """The gradient of the book's L1 and L2 penalties, for ``dweights`` or ``dbiases``; None if there are none."""
        if name[1:] not in self.parameters:
            return None
        value, kind = self.parameters[name[1:]], {"dweights": "weight", "dbiases": "bias"}[name]
        l1, l2 = (float(getattr(self.layer, f"{kind}_regularizer_{n}", 0) or 0) for n in ("l1", "l2"))
        return l1 * np.where(value < 0, -1.0, 1.0) + 2 * l2 * value if l1 or l2 else None

    def gradients(self, inputs: Array, dvalues: Array, parameters: Mapping[str, Array] | None = None) -> OwnGradients:
        """What ``backward`` answers, freed of what earlier calls left behind."""
        self.restore()
        first, second = (self._once(inputs, dvalues, parameters) for _ in range(2))
        moved = [name for name in first if not _same(first[name], second[name], self.dtype)]
        if not moved:
            return OwnGradients(first, {})
        third = self._once(inputs, dvalues, parameters)
        own, kept = dict(first), {}
        for name in moved:
            step, next_step = second[name] - first[name], third[name] - second[name]
            kept[name] = float(np.vdot(step, next_step) / np.vdot(step, step))
            own[name] = second[name] - kept[name] * first[name]
        return OwnGradients(own, kept)

    def _once(self, inputs: Array, dvalues: Array, parameters: Mapping[str, Array] | None) -> dict[str, Array]:
        """One forward and one backward pass; the gradients by name."""
        self.run(inputs, parameters)
        returned = self.layer.backward(dvalues.copy())
        found = {"dinputs": getattr(self.layer, "dinputs", returned)}
        found |= {f"d{name}": getattr(self.layer, f"d{name}", None) for name in self.parameters}
        for name, value in found.items():
            if value is None:
                raise SettingsError(f"{self.name}: backward left no {name}, expected it as an attribute")
        return {name: np.array(value, dtype=np.float64) for name, value in found.items()}


def _same(first: Array, second: Array, dtype: np.dtype[Any]) -> bool:
    """Whether two answers are equal but for rounding."""
    if first.shape != second.shape:
        return False
    bound = 1e3 * float(np.finfo(dtype).eps) * float(np.linalg.norm(first))
    return bool(np.linalg.norm(second - first) <= bound) or not np.isfinite(first).all()
