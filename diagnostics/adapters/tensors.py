"""Finds the trainable tensors of a network by the names that people give them, and their gradients.

``layers[0].W`` and ``layers[0].dW``, ``params["W1"]`` and ``grads["W1"]``, ``weights[0]`` and
``nabla_w[0]``, ``fc.weight.value`` and ``fc.weight.grad``, pairs ``(W, b)`` in a list, or a list ``[W1, b1, W2, b2]``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.adapters.walk import HeldArray, arrays_of
from lenet.gradcheck.foreign.locations import GRADIENT_WORDS, Location

USUAL: dict[tuple[str, ...], str] = {("w",): "weights", ("b",): "biases"}
"""What logs call the tensors that nearly every layer has, by the words of their usual names."""
NORMALISATION = ("gamma", "beta")
"""The tensors of a layer that normalises."""
OF_A_BATCH = {"x", "y", "a", "z", "h", "out", "input", "inputs", "output", "outputs", "logits", "probs", "activation"}
"""Names of what a layer keeps of a batch: such an array may have a gradient too."""
LONG_GRADIENT_WORDS = {word for word in GRADIENT_WORDS if len(word) > 1}


@dataclass(frozen=True)
class FoundTensor:
    """One trainable tensor.

    Attributes:
        name: ``weights``, ``biases``, or what the network calls it.
        location: where it is.
        gradient: where its gradient is; None where the network does not keep it.
    """

    name: str
    location: Location
    gradient: Location | None


@dataclass(frozen=True)
class FoundLayer:
    """Tensors that belong together.

    Attributes:
        name: the attribute that holds the layer, or its class and a number.
        owner: where the object is that holds the tensors; of plain arrays what holds them.
        tensors: those of the layer.
        number: the number in the names of its arrays, such as 1 of W1; "" where they have none.
    """

    name: str
    owner: Location
    tensors: tuple[FoundTensor, ...]
    number: str


@dataclass(frozen=True)
class _Key:
    """What the way to an array says of it: whose it is, the number of its layer, and what it is called."""

    owner: Location
    number: tuple[str, ...]
    name: str


def find_layers(network: Any) -> list[FoundLayer]:
    """The layers with trainable tensors, in the order in which the network holds them."""
    held = arrays_of(network)
    gradients = {one.location: parent for one in held if (parent := _parent(one, held))}
    groups: dict[tuple[Location, tuple[str, ...]], list[FoundTensor]] = {}
    names = _best_names(held)
    for one in held:
        if names[id(one.value)] != one.location or one.location in gradients or _says_gradient(one.location):
            continue
        key = _key(one, held)
        own = [location for location, parent in gradients.items() if parent is one]
        if key.name in (*USUAL.values(), *NORMALISATION) or (own and key.name.lower() not in OF_A_BATCH):
            tensor = FoundTensor(key.name, one.location, own[0] if own else None)
            groups.setdefault((key.owner, key.number), []).append(tensor)
    named: list[FoundLayer] = []
    for (owner, number), tensors in groups.items():
        name = _layer_name(network, owner, number, [layer.name for layer in named])
        named.append(FoundLayer(name, owner, tuple(_unlike(tensors)), number[-1] if number else ""))
    return named


def gradients_in(given: Any, layers: Sequence[FoundLayer], network: Any) -> dict[Location, Location]:
    """Where in ``given``, a structure of gradients, those of the tensors are, by the tensors' locations.

    A gradient has the words of its tensor's name. Where none has, the gradients are taken in the order of the
    tensors, if their shapes agree.
    """
    held = arrays_of(given)
    tensors = [tensor.location for layer in layers for tensor in layer.tensors]
    shapes = {location: _shape(location.get(network)) for location in tensors}
    by_words = {
        location: one.location
        for location in tensors
        for one in held
        if shapes[location] == _shape(one.value)
        and (one.location.words == location.words or one.location.is_gradient_of(location.words))
    }
    if len(by_words) == len(tensors):
        return by_words
    if [_shape(one.value) for one in held] == list(shapes.values()):
        return dict(zip(tensors, (one.location for one in held), strict=True))
    return by_words


def _best_names(held: Sequence[HeldArray]) -> dict[int, Location]:
    """Of each array the location that says most: a usual name before others, then the shortest way, then the first."""

    def rank(one: HeldArray) -> tuple[bool, int]:
        return _key(one, held).name not in USUAL.values(), len(one.location.steps)

    best: dict[int, Location] = {}
    for one in sorted(held, key=rank):
        best.setdefault(id(one.value), one.location)
    return best


def _parent(one: HeldArray, held: Sequence[HeldArray]) -> HeldArray | None:
    """The array whose gradient this is, by name and shape; one of the same owner rather than another."""
    candidates = [
        other
        for other in held
        if other is not one
        and _shape(other.value) == _shape(one.value)
        and one.location.is_gradient_of(other.location.words)
        and not _says_gradient(other.location)
    ]
    near = [other for other in candidates if other.location.steps[:-1] == one.location.steps[:-1]]
    return next(iter(near or candidates), None)


def _says_gradient(location: Location) -> bool:
    """Whether the name is that of a gradient; ``d`` and ``g`` may also be two networks that hold layers."""
    named = [n for n, (_, key) in enumerate(location.steps) if isinstance(key, str)]
    last = Location(location.steps[named[-1] : named[-1] + 1]).words if named else ()
    return bool(GRADIENT_WORDS.intersection(last) or LONG_GRADIENT_WORDS.intersection(location.words))


def _key(one: HeldArray, held: Sequence[HeldArray]) -> _Key:
    steps = one.location.steps
    for last in range(len(steps) - 1, -1, -1):
        name = str(steps[last][1])
        words = tuple(word for word in Location((steps[last],)).words if not word.isdigit())
        if words and not isinstance(steps[last][1], int):
            number = re.findall(r"\d+$", name) + [str(key) for _, key in steps[last + 1 :] if isinstance(key, int)]
            return _Key(_without_words(steps[:last]), tuple(number), USUAL.get(words, re.sub(r"\d+$", "", name)))
    alike = [other for other in held if other.location.steps[:-1] == steps[:-1]]
    if number_and_name := _place_in_list(one, alike):
        return _Key(_without_words(steps[:-1]), number_and_name[:1], number_and_name[1])
    if len(alike) <= 2 and one.value.ndim <= 4:
        name = "biases" if _is_vector(one) else "weights"
    else:
        name = f"tensor{steps[-1][1]}"
    return _Key(_without_words(steps[:-1]), (), name)


def _place_in_list(one: HeldArray, arrays: Sequence[HeldArray]) -> tuple[str, str] | tuple[()]:
    """The number of an array's layer and its name in a list of weights, which biases may follow; () in other lists."""
    found: list[tuple[int, str]] = [(0, "biases")]
    for place, array in enumerate(arrays):
        number, before = found[-1]
        if before == "weights" and _is_vector(array) and array.value.size in arrays[place - 1].value.shape:
            found.append((number, "biases"))
        elif array.value.ndim > 1:
            found.append((number + 1, "weights"))
        else:
            return ()
    number, name = next(place for place, array in zip(found[1:], arrays, strict=True) if array is one)
    return (str(number), name) if found[-1][0] > 1 else ()


def _is_vector(one: HeldArray) -> bool:
    """Whether at most one side of an array is longer than 1."""
    return bool(max(one.value.shape) == one.value.size)


def _without_words(steps: tuple[tuple[str, Any], ...]) -> Location:
    """The way to the layer: without the steps whose names only say that they hold parameters."""
    while steps and not isinstance(steps[-1][1], int) and not Location(steps[-1:]).words:
        steps = steps[:-1]
    return Location(steps)


def _layer_name(network: Any, owner: Location, number: tuple[str, ...], taken: Sequence[str]) -> str:
    last = owner.steps[-1][1] if owner.steps else None
    if isinstance(last, str):
        name = "_".join([last, *number])
    else:
        kind = type(owner.get(network)).__name__.lower()
        is_plain = not owner.steps or kind in ("tuple", "list", "dict")
        stem = "layer" if is_plain else kind
        count = sum(re.fullmatch(rf"{re.escape(stem)}\d+", one) is not None for one in taken)
        name = f"{stem}{count + 1}"
    while name in taken:
        name += "_"
    return name


def _unlike(tensors: Sequence[FoundTensor]) -> list[FoundTensor]:
    """The tensors, weights first and biases last; of two with one name the later keeps the name of its location."""
    found: dict[str, FoundTensor] = {}
    for tensor in tensors:
        name = tensor.name if tensor.name not in found else str(tensor.location)
        found[name] = FoundTensor(name, tensor.location, tensor.gradient)
    return sorted(found.values(), key=lambda one: {"weights": 0, "biases": 2}.get(one.name, 1))


def _shape(value: Any) -> tuple[int, ...]:
    """The sides of an array that are not 1, so that (F,), (1, F) and (F, 1) are the same."""
    return tuple(side for side in np.shape(value) if side != 1)
