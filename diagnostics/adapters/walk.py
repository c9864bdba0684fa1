"""The arrays that a network holds, in the order in which its author put them there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.array_names import OF_AN_OPTIMIZER
from lenet.gradcheck.foreign.locations import Location, entries
from lenet.gradcheck.foreign.state import CODE, slots_of

Array = NDArray[np.floating[Any]]
DEPTH = 12
"""How many steps an array may lie from the network: blocks[0].layers[1].weights.value are six."""
GRADIENT_OF_TENSOR = {"grad", "gradient"}
ORIGIN = {"prev", "parents", "creator", "creators", "ctx", "grad_fn", "grad_op", "depends_on"}
"""Attributes in which a tensor that computes its own gradient keeps what it was computed from."""
UNIT_WEIGHTS, UNIT_BIASES = ("w", "theta", "coef"), ("b", "intercept")
"""The words of the weights and of the bias of a single unit, whose bias may be a plain number."""
LONGEST_LIST = 1000
"""A list of more entries holds data, not layers."""
NO_NETWORKS = {"matplotlib", "pandas", "PIL", "tqdm", "logging", "threading", "diagnostics"}
"""Packages whose objects hold many arrays or none, and no layers: figures, tables, a watch of this very network."""


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
    found = [HeldArray(Location(), (), root)] if _is_array(root) else []
    seen: dict[int, Any] = {id(root): root}
    waiting: list[tuple[Location, tuple[int, ...], Any]] = [(Location(), (), root)]
    of_lists: list[tuple[Location, tuple[int, ...], Any]] = []
    while waiting or of_lists:
        if not waiting:  # a list of all parameters is looked into last: elsewhere each has a name
            waiting, of_lists = of_lists, []
        location, place, holder = waiting.pop(0)
        for number, (step, value) in enumerate(_entries(holder)):
            is_bias = is_bias_of_a_unit(holder, step, value)
            if (id(value) in seen or isinstance(value, CODE)) and not is_bias:
                continue
            inner, inner_place = Location((*location.steps, step)), (*place, number)
            if _is_array(value):
                found.append(HeldArray(inner, inner_place, value))
            elif is_bias:
                found.append(HeldArray(inner, inner_place, np.array([value], np.float64)))
            if len(inner.steps) < DEPTH and _may_hold_tensors(value) and not _is_made_now(holder, step, value):
                seen[id(value)] = value
                is_list = isinstance(value, list | tuple | np.ndarray) and not inner.words[len(location.words) :]
                (of_lists if is_list else waiting).append((inner, inner_place, value))
    return sorted(found, key=lambda one: one.place)


def is_bias_of_a_unit(holder: Any, step: tuple[str, Any], value: Any) -> bool:
    """Whether a number is the bias of a single unit, or the gradient of it: b beside a vector w, or db beside dw."""
    is_number = isinstance(value, int | float | np.floating | np.ndarray) and not isinstance(value, bool)
    if not is_number or np.ndim(value) or str(step[1])[-1:].isdigit():
        return False
    is_bias = any(_is_called(step, name) for name in UNIT_BIASES)
    if not is_bias and not any(_is_called(step, name, is_gradient=True) for name in UNIT_BIASES):
        return False
    return any(
        _is_array(array) and max(array.shape) == array.size and _is_called(other, name, is_gradient=not is_bias)
        for other, array in _entries(holder)
        for name in UNIT_WEIGHTS
    )


def _is_called(step: tuple[str, Any], name: str, *, is_gradient: bool = False) -> bool:
    """Whether the last step to an array is a name, or that of its gradient."""
    location = Location((step,))
    return location.is_gradient_of((name,)) if is_gradient else location.words == (name,)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0 and value.ndim > 0


def following(root: Any, location: Location, holders: set[int]) -> Iterator[Any]:
    """What comes after the object at ``location``: in the list, or among the attributes, that hold it, and so upwards.

    Copies of the layers, such as best_layers, are left out. ``holders`` are the identities of the objects that are
    opened, such as blocks of layers; so are all lists.
    """
    for depth in range(len(location.steps) - 1, -1, -1):
        steps = iter(_entries(Location(location.steps[:depth]).get(root)))
        for step, _ in steps:
            if step == location.steps[depth]:
                break
        for step, value in steps:
            if not OF_AN_OPTIMIZER.intersection(Location((step,)).words):
                yield from _opened(value, holders)


def _opened(value: Any, holders: set[int], depth: int = 0) -> Iterator[Any]:
    if isinstance(value, (*CODE, np.ndarray)) or depth == DEPTH:
        return
    if isinstance(value, list | tuple | dict) or id(value) in holders:
        for _, inner in _entries(value):
            yield from _opened(inner, holders, depth + 1)
    else:
        yield value


def _entries(holder: Any) -> Iterator[tuple[tuple[str, Any], Any]]:
    """The content of an object; of an array what its class adds to it, or the arrays that it holds like a list."""
    if isinstance(holder, np.ndarray):
        items = holder if holder.dtype == object and holder.ndim == 1 and holder.size <= LONGEST_LIST else ()
        yield from ((("item", number), value) for number, value in enumerate(items))
        yield from ((("attribute", name), value) for name, value in getattr(holder, "__dict__", {}).items())
    elif not (isinstance(holder, list | tuple) and len(holder) > LONGEST_LIST):
        yield from entries(holder)


def _may_hold_tensors(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return (value.dtype == object and value.ndim == 1) or bool(getattr(value, "__dict__", None))
    return type(value).__module__.partition(".")[0] not in NO_NETWORKS and not _is_computed(value)


def _is_made_now(holder: Any, step: tuple[str, Any], value: Any) -> bool:
    """Whether a property has just made this object from its holder, as the T of a tensor makes a transposed one."""
    kind, name = step
    is_held = kind == "item" or name in getattr(holder, "__dict__", {}) or name in slots_of(holder)
    return type(value) is type(holder) and not is_held


def _is_computed(holder: Any) -> bool:
    """Whether this is a tensor that is no parameter: it was computed from other tensors, or needs no gradient."""
    held = {name.strip("_"): value for name, value in {**getattr(holder, "__dict__", {}), **slots_of(holder)}.items()}
    arrays = [name for name, value in held.items() if isinstance(value, np.ndarray) and name not in GRADIENT_OF_TENSOR]
    if len(arrays) != 1 or not GRADIENT_OF_TENSOR.intersection(held):
        return False
    origins = [held[name] for name in ORIGIN.intersection(held) if held[name] is not None]
    is_result = any(not isinstance(one, Collection) or len(one) > 0 for one in origins)
    return is_result or held.get("requires_grad") is False
