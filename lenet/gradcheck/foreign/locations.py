"""Finds where an object keeps its numbers, and which of them has the name of a gradient.

People name things as they like: ``weights`` and ``dweights``, ``W`` and ``dW``,
``params["w"]`` and ``grads["w"]``, ``kernel`` and ``kernel_grad``, ``w.value``
and ``w.grad``. A name is taken apart into words, and compared without those that
say "parameter" or "gradient".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lenet.gradcheck.foreign.state import CODE, slots_of

DEPTH = 4
_SAME_WORD = {
    **dict.fromkeys(("w", "weight", "weights", "kernel", "kernels", "filter", "filters"), "w"),
    **dict.fromkeys(("b", "bias", "biases"), "b"),
    **dict.fromkeys(("x", "input", "inputs"), "x"),
}
_PARAMETER_WORDS = {
    *("param", "params", "parameter", "parameters", "value", "values", "val", "vals", "data", "array", "arr", "buf"),
    *("tensor", "trainable", "wrt"),
}
_OF_LOSS = re.compile(r"(?<![A-Za-z])d_?(?:[LJCE]|loss|cost|error)_?d_?", re.IGNORECASE)
"""The beginning of dL_dw, dloss_dw and d_L_d_w."""
GRADIENT_WORDS = {"d", "g", "grad", "grads", "gradient", "gradients", "delta", "deltas", "derivative", "nabla"}


@dataclass(frozen=True)
class Location:
    """The way from an object to one of its numbers or arrays.

    ``steps`` are pairs: "attribute" and its name, or "item" and its key.
    """

    steps: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        parts = (f".{key}" if kind == "attribute" else f"[{key!r}]" for kind, key in self.steps)
        return "".join(parts).removeprefix(".")

    def get(self, root: Any) -> Any:
        """The present value there. Raises the error of the object where there is none."""
        for kind, key in self.steps:
            root = getattr(root, key) if kind == "attribute" else root[key]
        return root

    def put(self, root: Any, value: Any) -> None:
        """Replace the value there, or overwrite the array where it cannot be replaced."""
        owner, (kind, key) = Location(self.steps[:-1]).get(root), self.steps[-1]
        try:
            if kind == "attribute":
                setattr(owner, key, value)
            else:
                owner[key] = value
        except (AttributeError, TypeError):
            self.get(root)[...] = value

    @property
    def is_private(self) -> bool:
        """Whether a name on the way begins with an underscore."""
        return any(str(key).startswith("_") for _, key in self.steps)

    @property
    def is_own(self) -> bool:
        """Whether the object itself holds it, and not another object that it refers to."""
        return sum(kind == "attribute" for kind, _ in self.steps) <= 1

    @property
    def words(self) -> tuple[str, ...]:
        """The words of its name, in lower case, without those that say that it is a parameter."""
        keys = [_OF_LOSS.sub("d_", str(key)) for _, key in self.steps]  # dL_dw counts as dw
        parts = [word for key in keys for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", key)]
        return tuple(_word(part) for part in parts if part.lower() not in _PARAMETER_WORDS)

    @property
    def may_be_gradient(self) -> bool:
        """Whether its name can be that of the gradient of anything."""
        return any(word in GRADIENT_WORDS or word.startswith("d") for word in self.words)

    def is_gradient_of(self, words: tuple[str, ...]) -> bool:
        """Whether its name is that of something with these words, and says that it is the gradient."""
        own = self.words
        rest = tuple(word for word in own if word not in GRADIENT_WORDS)
        if rest != own and rest == words:
            return True
        if any(word in GRADIENT_WORDS and (*own[:k], *own[k + 1 :]) == words for k, word in enumerate(own)):
            return True  # grads["G_W1"] of G_W1, whose G says which network
        with_d = (
            (*rest[:k], _word(word[1:]), *rest[k + 1 :])
            for k, word in enumerate(rest)
            if word.startswith("d") and word[1:]
        )
        return words in with_d


def locations_of(root: Any) -> dict[Location, Any]:
    """The numbers and arrays of an object, those with the shortest way first."""
    found: dict[Location, Any] = {}
    seen, waiting = {id(root): root}, [(Location(), root)]
    while waiting:
        location, holder = waiting.pop(0)
        for step, value in entries(holder):
            inner = Location((*location.steps, step))
            if is_numeric(value):
                found[inner] = value
            elif len(inner.steps) < DEPTH and id(value) not in seen and not isinstance(value, CODE):
                seen[id(value)] = value
                waiting.append((inner, value))
    return found


def _word(part: str) -> str:
    return _SAME_WORD.get(part.lower(), part.lower())


def entries(holder: Any) -> Iterator[tuple[tuple[str, Any], Any]]:
    """The direct content of an object: items, attributes, and properties of its class."""
    if isinstance(holder, dict):
        yield from ((("item", key), value) for key, value in holder.items())
    elif isinstance(holder, tuple) and hasattr(holder, "_fields"):  # a NamedTuple
        yield from ((("attribute", name), value) for name, value in zip(holder._fields, holder, strict=True))
    elif isinstance(holder, (list, tuple)):
        yield from ((("item", k), value) for k, value in enumerate(holder))
    elif not isinstance(holder, (str, bytes)):
        held = {**getattr(holder, "__dict__", {}), **slots_of(holder)}
        yield from ((("attribute", name), value) for name, value in held.items())
        kinds = type(holder).__mro__
        of_class = [(name, one) for kind in kinds for name, one in vars(kind).items() if name not in held]
        for name in [name for name, one in of_class if isinstance(one, property) or is_numeric(one)]:
            try:
                yield ("attribute", name), getattr(holder, name)
            except Exception:  # a property may have nothing to give yet
                continue


def is_numeric(value: Any) -> bool:
    """Whether this is a floating-point number, an array of them, or a list that is one."""
    if isinstance(value, list) and value and not isinstance(value[0], np.ndarray):
        try:
            value = np.array(value)
        except ValueError:
            return False
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" and value.size > 0
    return isinstance(value, (float, np.floating))
