"""The arrays that a network holds, in the order in which its author put them there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.gradcheck.foreign.locations import Location, entries
from lenet.gradcheck.foreign.state import CODE

Array = NDArray[np.floating[Any]]
DEPTH = 6
"""How many steps an array may lie from the network: blocks[0].layers[1].weights.value are six."""
LONGEST_LIST = 1000
"""A list of more entries holds data, not layers."""


@dataclass(frozen=True)
class HeldArray:
    """One array of floating-point numbers.

    Attributes:
        location: the shortest way to it.
        place: where each step of that way stands among those of its holder; arrays are compared by it.
        value: the array.
    """

    location: Location
    place: tuple[int, ...]
    value: Array


def arrays_of(root: Any) -> list[HeldArray]:
    """The arrays that can be reached from ``root``, in the order of their places.

    Each object that holds arrays counts once, by the shortest way to it. An array that is held twice comes twice.
    """
    found: list[HeldArray] = []
    seen: dict[int, Any] = {id(root): root}
    waiting: list[tuple[Location, tuple[int, ...], Any]] = [(Location(), (), root)]
    while waiting:
        location, place, holder = waiting.pop(0)
        for number, (step, value) in enumerate(_entries(holder)):
            if id(value) in seen or isinstance(value, CODE):
                continue
            inner, inner_place = Location((*location.steps, step)), (*place, number)
            if isinstance(value, np.ndarray):
                if value.dtype.kind == "f" and value.size:
                    found.append(HeldArray(inner, inner_place, value))
            elif len(inner.steps) < DEPTH:
                seen[id(value)] = value
                waiting.append((inner, inner_place, value))
    return sorted(found, key=lambda one: one.place)


def neighbours(root: Any, location: Location) -> Iterator[Any]:
    """What comes after the object at ``location`` in the list, or among the attributes, that hold it."""
    if not location.steps:
        return
    *before, last = location.steps
    steps = iter(_entries(Location(tuple(before)).get(root)))
    for step, _ in steps:
        if step == last:
            break
    yield from (value for _, value in steps if not isinstance(value, (*CODE, np.ndarray)))


def _entries(holder: Any) -> Iterator[tuple[tuple[str, Any], Any]]:
    if not (isinstance(holder, list | tuple) and len(holder) > LONGEST_LIST):
        yield from entries(holder)
