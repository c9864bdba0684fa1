"""Everything an object holds, to be put back as it was.

A deep copy would not do: an array that is a view of another one, as in a layer
that reshapes its own buffers, is no view of it any more in the copy, and a layer
that is right would compute nonsense.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

import numpy as np

_CODE = (type, types.ModuleType, types.FunctionType, types.MethodType, types.BuiltinFunctionType)


class SavedState:
    """The attributes, lists, dictionaries and arrays that can be reached from ``root``."""

    def __init__(self, root: object) -> None:
        self._dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        self._arrays: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
        self._seen: dict[int, object] = {}
        waiting: list[object] = [root]
        while waiting:
            found = waiting.pop()
            if id(found) not in self._seen:
                self._seen[id(found)] = found  # kept alive, so that no id comes twice
                waiting += self._take(found)

    def restore(self) -> None:
        """Put it all back: the same arrays under the same names, with the same content."""
        for held, content in self._dicts:
            held.clear()
            held.update(content)
        for items, content_list in self._lists:
            items[:] = content_list
        for array, content_array in self._arrays:
            array[...] = content_array

    def _take(self, found: object) -> Iterable[object]:
        """Remember one object; returns what it holds."""
        if isinstance(found, np.ndarray):
            if found.flags.writeable and found.dtype != object:
                self._arrays.append((found, found.copy()))
            return []
        if isinstance(found, list):
            self._lists.append((found, list(found)))
            return list(found)
        if isinstance(found, tuple):
            return list(found)
        held = found if isinstance(found, dict) else getattr(found, "__dict__", None)
        if isinstance(found, _CODE) or not isinstance(held, dict):
            return []
        self._dicts.append((held, dict(held)))
        return list(held.values())
