"""Finds the parameters of a layer: the arrays that a forward pass does not change and that decide the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lenet.gradcheck.foreign.calls import NotComparable
from lenet.gradcheck.foreign.layer import Array, LayerUnderTest
from lenet.gradcheck.foreign.locations import Location, locations_of

Numbers = dict[Location, tuple[Any, Any]]


@dataclass(frozen=True)
class Candidate:
    """A number or an array that may be a parameter.

    Attributes:
        name: the shortest of its names in the layer.
        locations: all places where the layer keeps it.
        can_change: whether it can get other values, which the forward pass does not change again.
        is_used: whether the output depends on it.
    """

    name: str
    locations: list[Location]
    can_change: bool
    is_used: bool = False

    @property
    def is_own(self) -> bool:
        """Whether it lies in the layer itself, and not in another object that the layer knows."""
        return any(location.is_own for location in self.locations)

    def is_gradient(self, location: Location) -> bool:
        """Whether another location has the name of its gradient."""
        return location not in self.locations and any(location.is_gradient_of(own.words) for own in self.locations)


def find_parameters(layer: LayerUnderTest, inputs: Array) -> list[Candidate]:
    """Make all arrays that can change parameters of the layer under test, and find those that decide the output."""
    before = numbers_of(layer)
    try:
        layer.run(np.concatenate([inputs[::-1], inputs[:1]]))
    except NotComparable:  # a layer may accept only its own batch size
        layer.restart()
        layer.run(0.9 * inputs[::-1])
    after = sorted(locations_of(layer.layer).items(), key=lambda item: item[0].is_private)
    same: dict[Any, list[Location]] = {}
    for location, value in after:
        # An array whose shape depends on the batch is no parameter.
        if location in before and np.shape(value) == before[location][1].shape:
            steady = is_untouched(value, before[location])
            is_one = steady and isinstance(value, np.ndarray)
            key = (_memory(value), value.shape, value.strides) if is_one else location
            same.setdefault((steady, key), []).append(location)
    layer.restart()
    groups = [(steady and _make_parameter(layer, found), found) for (steady, _), found in same.items()]
    generator = np.random.default_rng(0)
    return [
        Candidate(str(found[0]), found, can_change, can_change and _is_used(layer, inputs, str(found[0]), generator))
        for can_change, found in groups
    ]


def numbers_of(layer: LayerUnderTest) -> Numbers:
    """Every number and array that the layer holds, with a copy of it."""
    return {location: (value, np.copy(value)) for location, value in locations_of(layer.layer).items()}


def is_untouched(value: Any, before: tuple[Any, Any]) -> bool:
    """Whether an array is still the same one, or a view of the same memory, with the same content."""
    held, copy = before
    is_array = isinstance(value, np.ndarray)
    same = _memory(value) == _memory(held) if is_array and isinstance(held, np.ndarray) else type(value) is type(held)
    return same and np.array_equal(value, copy, equal_nan=True)


def _memory(array: Any) -> int:
    """Where the first number of an array lies."""
    return int(array.__array_interface__["data"][0])


def _make_parameter(layer: LayerUnderTest, locations: list[Location]) -> bool:
    """Whether this array can be replaced or overwritten."""
    name = str(locations[0])
    layer.add_parameter(name, locations)
    try:
        layer.put(name, layer.parameters[name])
    except (AttributeError, TypeError, ValueError):
        layer.remove_parameter(name)
        return False
    return True


def _is_used(layer: LayerUnderTest, inputs: Array, name: str, generator: np.random.Generator) -> bool:
    """Whether the output depends on a parameter, as the layer is or with other parameters."""
    drawn = {other: generator.standard_normal(np.shape(value)) for other, value in layer.parameters.items()}
    now = layer.parameters[name]
    for others, middle in (({}, now), (drawn, np.zeros_like(now))):
        values = [middle + size * generator.standard_normal(now.shape) for size in (1.0, 10.0)]
        try:
            first, second = (layer.run(inputs, {**others, name: value}) for value in values)
        except NotComparable as answer:
            if answer.part == "the output":  # the output has another shape
                raise
            return True  # forward fails for some numbers
        if not np.array_equal(first, second, equal_nan=True):
            return True
    return False
