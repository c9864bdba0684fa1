"""A layer of the user's network as a :class:`lenet.LoopMonitor` reads it: batch first, units last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.tap import Tap
from lenet.errors import SettingsError, ShapeError
from lenet.hooks import LayerInfo

Array = NDArray[np.floating[Any]]


class HeldStep(NamedTuple):
    """Copies of what a layer gave at a step that is announced later."""

    before: Mapping[str, Array]
    after: Mapping[str, Array]
    gradients: Mapping[str, Array]
    output: Array | None
    samples: int
    rate: float


class ReadLayer:
    """What a tap gives at one step: the tensors before the update as well as those after it.

    Args:
        tap: where the layer is read.

    Attributes:
        samples: the size of the batch.
        before: the tensors before the update, while hooks read them; None after it.
        rate: the learning rate that derives the gradients which the network does not keep.
        divides: whether the gradients that the network keeps are sums, which its update divides by the batch size.
        held: the step that the layer shows instead of the present one; None (default) for the present one.
    """

    def __init__(self, tap: Tap) -> None:
        self.tap, self.name = tap, tap.name
        self.samples, self.rate, self.divides = 0, 1.0, False
        self.before: Mapping[str, Array] | None = None
        self.held: HeldStep | None = None

    def hold(self) -> HeldStep:
        """Copies of what the layer gives at this step, while the tensors from before it are known."""
        output = self.output()
        gradients = {name: array.copy() for name, array in self._kept_gradients().items()}
        copied = None if output is None else output.copy()
        return HeldStep(dict(self.before or {}), self.keep(), gradients, copied, self.samples, self.rate)

    def show(self, held: HeldStep | None) -> None:
        """Show a step that was held, as from before its update; None shows the present one."""
        self.held = held
        if held is not None:
            self.before, self.samples, self.rate = held.before, held.samples, held.rate

    def live(self) -> dict[str, Array]:
        """The tensors as the network holds them now."""
        if self.held is not None:
            return dict(self.held.after)
        return {name: as_tensor(self.name, name, read()) for name, read in self.tap.tensors.items()}

    def keep(self) -> dict[str, Array]:
        """A copy of the tensors as they are now."""
        return {name: array.copy() for name, array in self.live().items()}

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes by tensor name."""
        return {name: array.shape for name, array in self.values().items()}

    def values(self) -> dict[str, Array]:
        """The tensors before the update while those are known, else as they are."""
        return self.live() if self.before is None else dict(self.before)

    def gradients(self) -> dict[str, Array]:
        """The gradients; where the network keeps none, those that plain SGD must have had."""
        kept = self._kept_gradients() if self.held is None else dict(self.held.gradients)
        if self.divides:
            kept = {name: array / self.samples for name, array in kept.items()}
        if self.before is None:
            return kept
        after = self.live()
        for name, before in self.before.items():
            for what, array in ((name, after[name]), (f"gradient of {name}", kept.get(name, before))):
                if array.size != before.size or (what == name and array.shape != before.shape):
                    raise ShapeError(
                        f"{self.name}: {what}: received shape {array.shape}, expected that of before, {before.shape}"
                    )
        with np.errstate(all="ignore"):  # a run that dies may have any numbers
            return {
                name: kept[name].reshape(before.shape) if name in kept else (before - after[name]) / self.rate
                for name, before in self.before.items()
            }

    def _kept_gradients(self) -> dict[str, Array]:
        """The gradients that the network keeps, as it keeps them."""
        reads = self.tap.gradients.items()
        return {name: as_tensor(self.name, f"gradient of {name}", read()) for name, read in reads}

    def output(self) -> Array | None:
        """The outputs, (n, F) or (n, H, W, C); None where they were not found."""
        if self.held is not None:
            return self.held.output
        if self.tap.output is None:
            return None
        output = np.asarray(self.tap.output())
        return units_last(self.name, output, self.samples, units_of(self.values()), self.tap.unit_axis)

    def info(self) -> LayerInfo:
        """The layer as hooks know it; it has to have an output already."""
        output = self.output()
        if output is None:
            raise SettingsError(f"{self.name}: its outputs were not found")
        shape = output.shape[1:]
        return LayerInfo(self.name, self.tap.kind, self.tap.activation, shape, shape[-1])

    @property
    def derived(self) -> list[str]:
        """The tensors whose gradients are derived from the update."""
        return [f"{self.name}/{name}" for name in self.tap.tensors if name not in self.tap.gradients]


def as_tensor(layer: str, name: str, value: Any) -> Array:
    """A tensor as hooks see it, biases (F,). Raises SettingsError for what is no array of floating-point numbers."""
    array = np.asarray(float(value) if isinstance(value, int) else value)  # a bias that begins as 0
    if array.dtype.kind != "f":
        raise SettingsError(f"{layer}: {name}: received {type(value).__name__}, expected floating-point numbers")
    return array.reshape(-1) if name == "biases" else array


def units_of(tensors: Mapping[str, Any]) -> int:
    """How many units a layer with these tensors has, 0 where its biases do not say it."""
    return int(np.size(tensors["biases"])) if "biases" in tensors else 0


def units_last(name: str, output: NDArray[Any], samples: int, units: int, unit_axis: int | None) -> Array:
    """Outputs in any layout as (n, F) or (n, H, W, C).

    Args:
        name: the layer, for messages.
        output: (n, F), (F, n), (n, C, H, W), (n, H, W, C), or with any other number of axes.
        samples: n, the size of the batch.
        units: F or C; 0 where it is not known.
        unit_axis: the axis of the units; None to find the one that is ``units`` long, the last first.

    Raises:
        ShapeError: no axis has the batch, or none the units.
    """
    if output.ndim == 1 and len(output) == samples > 1:
        output = output[:, np.newaxis]
    if samples == 1 and (output.ndim < 2 or output.shape[0] != 1):
        output = output.reshape(1, *(side for side in output.shape if side != 1))
        unit_axis = None if unit_axis is None else -1
    sample_axis = next((axis for axis in (0, output.ndim - 1) if output.shape[axis] == samples), None)
    if output.ndim < 2 or sample_axis is None:
        raise ShapeError(f"{name}: received outputs of shape {output.shape}, expected a batch of {samples}")
    if unit_axis is None:
        others = [axis for axis in range(output.ndim) if axis != sample_axis]
        unit_axis = next((axis for axis in reversed(others) if not units or output.shape[axis] == units), None)
        if unit_axis is None:
            raise ShapeError(f"{name}: received outputs of shape {output.shape}, expected an axis of {units} units")
    moved = np.moveaxis(output, (sample_axis, unit_axis), (0, -1))
    if moved.ndim in (2, 4):
        return moved
    return moved.reshape(samples, 1, -1, moved.shape[-1])
