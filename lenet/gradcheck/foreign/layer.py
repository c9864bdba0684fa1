"""The layer under test: it runs with any parameters, gives its gradients, and is left as it was.

The layer is any object that follows the convention of "Neural Networks from Scratch"
(nnfs.io): ``forward(inputs)`` sets ``output``, ``backward(dvalues)`` sets
``dinputs`` and, where there are ``weights`` and ``biases``, ``dweights`` and
``dbiases``. Other names are understood too, results that are only returned, and
parameters that ``backward`` changes by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lenet.errors import SettingsError
from lenet.gradcheck.foreign.calls import (
    LEARNING_RATES,
    TRAINING,
    ZERO_GRADIENTS,
    NotComparable,
    call,
    numbers,
    parameter_names,
    required_names,
)
from lenet.gradcheck.foreign.locations import Location
from lenet.gradcheck.foreign.state import FrozenGenerators, SavedState

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GradientSource:
    """The place where ``backward`` leaves a gradient.

    Attributes:
        of: the name of the parameter, or "inputs".
        where: in the layer, in what ``backward`` returns, or in the change of the parameter itself.
        location: where there; not needed for a change.
        rate: the learning rate of a change, by which it is divided.
    """

    of: str
    where: Literal["layer", "returned", "change"]
    location: Location = field(default_factory=Location)
    rate: float = 1.0

    @property
    def label(self) -> str:
        """The name of the gradient in the result."""
        if self.of == "inputs":
            return "dinputs"
        return {"layer": str(self.location), "returned": f"returned{self.location}", "change": f"change of {self.of}"}[
            self.where
        ]


@dataclass(frozen=True)
class OwnGradients:
    """The gradients that one backward pass adds, and the share it ``kept`` of the pass before.

    A backward pass that adds to earlier gradients gives, call after call,
    G_k = kept G_{k-1} + own. ``kept`` has an entry only where it is not zero.
    """

    own: Mapping[str, Array]
    kept: Mapping[str, float]


class LayerUnderTest:
    """A layer that can be run with any parameters; :meth:`give_back` makes it as it was before.

    Attributes:
        parameters: the value of each parameter by its name, in float64.
        sources: where the gradients are, by their labels.
        learning_rate: the learning rate that ``backward`` gets; None where it takes none.
        dtype: the type in which the layer computes.
        input_dtype: the type of its inputs.
    """

    def __init__(self, layer: Any, arguments: Mapping[str, Any]) -> None:
        for method in ("forward", "backward"):
            if not callable(getattr(layer, method, None)):
                raise SettingsError(f"{type(layer).__name__} has no {method}(), expected forward() and backward()")
        self.name, self.layer = type(layer).__name__, layer
        self.parameters: dict[str, Array] = {}
        self.sources: dict[str, GradientSource] = {}
        self.dtype: np.dtype[Any] = np.dtype(np.float64)
        self.input_dtype: np.dtype[Any] = np.dtype(np.float64)
        given = {name.lower(): value for name, value in arguments.items()}
        self._forward = {**dict.fromkeys(TRAINING, True), **given}
        self._backward = {**dict.fromkeys(LEARNING_RATES, 1.0), **given}
        rates = [self._backward[n.lower()] for n in parameter_names(layer.backward) if n.lower() in LEARNING_RATES]
        self.learning_rate: float | None = rates[0] if rates else None
        self._locations: dict[str, list[Location]] = {}
        self._cache: tuple[Any, ...] = ()
        self._output_shapes: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._generators = FrozenGenerators(layer)
        self._original = self._start = SavedState(layer)

    def give_back(self) -> None:
        """Give the layer, and the random generators, back all that they held, bit for bit."""
        self._original.restore()
        self._generators.give_back()

    def start_from_here(self) -> None:
        """Keep the present content of the layer as the start of every search, with weights drawn at first use."""
        self._start = SavedState(self.layer)

    def restart(self) -> None:
        """Put the layer back to where :meth:`start_from_here` was called."""
        self._start.restore()

    def draw_anew(self) -> bool:
        """Let a layer that draws random numbers draw others in the next runs; False where it draws none."""
        return self._generators.freeze_here()

    def add_parameter(self, name: str, locations: list[Location]) -> None:
        """Treat the array at these locations, which is the same at all of them, as a parameter from now on."""
        self.parameters[name] = np.array(locations[0].get(self.layer), dtype=np.float64)
        self._locations[name] = locations

    def remove_parameter(self, name: str) -> None:
        """Change this parameter no more from now on."""
        del self.parameters[name], self._locations[name]

    def add_source(self, source: GradientSource) -> None:
        """Read the gradient of its parameter from this source from now on, and from no other."""
        self.sources = {label: one for label, one in self.sources.items() if one.of != source.of}
        self.sources[source.label] = source

    def run(self, inputs: Array, parameters: Mapping[str, Array] | None = None) -> Array:
        """The output, as float64, with these parameters instead of the layer's own."""
        self._generators.rewind()
        for name, value in {**self.parameters, **(parameters or {})}.items():
            self.put(name, value)
        returned = call(self.layer.forward, "forward", [inputs.astype(self.input_dtype)], self._forward)
        output = getattr(self.layer, "output", None)
        output = returned if output is None else output
        if output is None:
            raise NotComparable("forward", "returned nothing and left no output, expected either")
        self._cache = output[1:] if isinstance(output, tuple) else ()
        output = output[0] if self._cache else output
        array = numbers(output, "the output")
        if np.asarray(output).dtype.kind == "f":
            self.dtype = np.asarray(output).dtype
        expected = self._output_shapes.setdefault(inputs.shape, array.shape)
        if array.shape != expected:
            shapes = f"has shape {expected} in one call and {array.shape} in another"
            raise NotComparable("the output", f"{shapes}, for inputs of the same shape", is_mistake=True)
        return array

    def in_effect(self, name: str) -> Array:
        """A parameter as the layer holds it now, which is rounded where the layer keeps float32."""
        return np.array(self._locations[name][0].get(self.layer), dtype=np.float64)

    def put(self, name: str, value: Array) -> None:
        """Set a parameter of the layer, at all locations where it keeps it."""
        array = value.copy()
        for location in self._locations[name]:
            held = location.get(self.layer)
            location.put(self.layer, float(array) if np.ndim(held) == 0 else array)

    def backward(self, dvalues: Array) -> Any:
        """Run the backward pass once, on gradients of zero if the layer allows that; returns its result."""
        for name in ZERO_GRADIENTS:
            if callable(getattr(self.layer, name, None)):
                call(getattr(self.layer, name), name)
        values = [dvalues.copy(), *self._cache]  # forward may return the output and a cache for backward
        wanted = len(required_names(self.layer.backward))
        return call(self.layer.backward, "backward", values if wanted == len(values) else values[:1], self._backward)

    def gradients(self, inputs: Array, dvalues: Array, parameters: Mapping[str, Array] | None = None) -> OwnGradients:
        """The gradients of one ``backward`` alone, without what earlier calls left behind."""
        self.restart()
        first, second = (self._once(inputs, dvalues, parameters) for _ in range(2))
        moved = [name for name in first if not self._same(name, first[name], second[name])]
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
        """The gradients of one forward and one backward pass, by their labels."""
        self.run(inputs, parameters)
        before = {name: self.in_effect(name) for name in self.parameters}
        returned = self.backward(dvalues)
        found = {}
        for label, source in self.sources.items():
            if source.where == "change":
                found[label] = (before[source.of] - self.in_effect(source.of)) / source.rate
                continue
            try:
                value = source.location.get(self.layer if source.where == "layer" else returned)
            except (AttributeError, LookupError, TypeError):
                value = None
            found[label] = numbers(value, label)
        return found

    def _same(self, label: str, first: Array, second: Array) -> bool:
        """Whether two gradients are equal up to rounding."""
        if self.sources[label].where == "change":  # an optimizer may rightly remember the step before
            return True
        if first.shape != second.shape:
            shapes = f"has shape {first.shape} after one call of backward and {second.shape} after the next"
            raise NotComparable(label, shapes, is_mistake=True)
        bound = 1e3 * float(np.finfo(self.dtype).eps) * float(np.linalg.norm(first))
        return bool(np.linalg.norm(second - first) <= bound) or not np.isfinite(first).all()
