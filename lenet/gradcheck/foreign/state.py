"""Saves the content of an object and its random generators, so that a check can restore both.

A deep copy would be wrong: an array that is a view of another one, as in a layer that
reshapes its own buffers, is no view any more in the copy, and a right layer would compute
wrong numbers.
"""

from __future__ import annotations

import pickle
import random
import types
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

_PLAIN = (type, types.ModuleType, types.BuiltinFunctionType, str, bytes, int, float, type(None))
CODE = (*_PLAIN, types.FunctionType, types.MethodType)


class SavedState:
    """The attributes, lists, dictionaries and arrays that can be reached from ``root``."""

    def __init__(self, root: object) -> None:
        self._dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        self._arrays: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
        self._slots: list[tuple[object, dict[str, Any]]] = []
        for found in reachable([root], _held_by):
            held = found if isinstance(found, dict) else getattr(found, "__dict__", None)
            if isinstance(found, np.ndarray):
                if found.flags.writeable and found.dtype != object:
                    self._arrays.append((found, found.copy()))
            elif isinstance(found, list):
                self._lists.append((found, list(found)))
            elif isinstance(held, dict):
                self._dicts.append((held, dict(held)))
            if slots := slots_of(found):
                self._slots.append((found, slots))

    def restore(self) -> None:
        """Restore all of it: the same arrays under the same names, with the same content."""
        for held, content in self._dicts:
            held.clear()
            held.update(content)
        for items, content_list in self._lists:
            items[:] = content_list
        for owner, slots in self._slots:
            for name, value in slots.items():
                object.__setattr__(owner, name, value)
        for array, content_array in self._arrays:
            array[...] = content_array


class FrozenGenerators:
    """The random generators that some objects and functions draw from, to be wound back before each call.

    These are NumPy's and Python's global ones, those that the objects hold, and
    those that the functions name. Dropout then draws the same mask in every call.
    """

    def __init__(self, *roots: object) -> None:
        # NumPy's global generator, as the layers of other people use it.
        self._generators: list[tuple[Callable[[], Any], Callable[[Any], object]]] = [
            (np.random.get_state, np.random.set_state),
            (random.getstate, random.setstate),
        ]
        for found in reachable(roots, _held_or_named_by):
            if isinstance(found, np.random.Generator):
                bits = found.bit_generator
                self._generators.append((partial(getattr, bits, "state"), partial(setattr, bits, "state")))
            elif isinstance(found, np.random.RandomState):
                self._generators.append((found.get_state, found.set_state))
            elif isinstance(found, random.Random):
                self._generators.append((found.getstate, found.setstate))
        self._original = self._frozen = self._states()

    def rewind(self) -> None:
        """Put every generator back to where it is frozen."""
        self._put(self._frozen)

    def freeze_here(self) -> bool:
        """Freeze the generators where they are now; whether any had moved."""
        before, self._frozen = self._frozen, self._states()
        return pickle.dumps(before) != pickle.dumps(self._frozen)

    def give_back(self) -> None:
        """Put every generator back to where it was when this object was made."""
        self._put(self._original)

    def _states(self) -> list[Any]:
        return [read() for read, _ in self._generators]

    def _put(self, states: list[Any]) -> None:
        for (_, put_back), state in zip(self._generators, states, strict=True):
            put_back(state)


def reachable(roots: Iterable[object], held_by: Callable[[object], Iterable[object]]) -> Iterator[object]:
    """The roots and whatever can be reached from them, each object once."""
    seen: dict[int, object] = {}
    waiting = list(roots)
    while waiting:
        found = waiting.pop()
        if id(found) not in seen and not isinstance(found, _PLAIN):
            seen[id(found)] = found  # kept alive, so that no id comes twice
            yield found
            waiting += held_by(found)


def slots_of(found: object) -> dict[str, Any]:
    """The attributes that an object keeps in slots."""
    slots = [vars(kind).get("__slots__", ()) for kind in type(found).__mro__]
    names = [name for one in slots for name in ([one] if isinstance(one, str) else one)]
    return {name: getattr(found, name) for name in names if not name.startswith("__") and hasattr(found, name)}


def _held_by(found: object) -> list[object]:
    """The content of one object; functions count as code."""
    if isinstance(found, (list, tuple)):
        return list(found)
    if isinstance(found, (*CODE, np.ndarray)):
        return []
    held = found if isinstance(found, dict) else getattr(found, "__dict__", {})
    return [*held.values(), *slots_of(found).values()]


def _held_or_named_by(found: object) -> list[object]:
    """The content of one object and the names in its methods; for a function its closure and its module's names."""
    if isinstance(found, types.MethodType):
        return [found.__self__, found.__func__]
    if isinstance(found, types.FunctionType):
        home = found.__globals__
        named = [home.get(name) for name in found.__code__.co_names]
        return [*_closed_over(found), *(one for one in named if getattr(one, "__globals__", home) is home)]
    methods = [one for kind in type(found).__mro__ for one in vars(kind).values()]
    return [*_held_by(found), *(one for one in methods if isinstance(one, types.FunctionType))]


def _closed_over(function: types.FunctionType) -> list[object]:
    """The values in the closure of a function, those that are set."""
    cells = function.__closure__ or ()
    return [cell.cell_contents for cell in cells if not repr(cell).endswith(": empty>")]
