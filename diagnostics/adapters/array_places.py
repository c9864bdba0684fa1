"""ArrayPlaces: whose each array of a network is, and whether its name or its place says that it is trained."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnostics.adapters.array_names import (
    NORMALISATION,
    OF_A_BATCH,
    Step,
    is_biases,
    is_weights,
    layer_word,
    named_step,
    words_of,
)
from diagnostics.adapters.list_places import is_vector, layers_in_list
from diagnostics.adapters.walk import HeldArray
from lenet.gradcheck.foreign.locations import Location

USUAL: dict[tuple[str, ...], str] = {("w",): "weights", ("b",): "biases"}
"""What logs call the tensors that nearly every layer has, by the words of their usual names."""
OF_ALL_PARAMETERS = re.compile(r"_*(params?|parameters?|trainable)", re.IGNORECASE)
"""Names of what holds nothing but tensors."""


@dataclass(frozen=True)
class ArrayPlace:
    """What the way to an array says of it.

    Attributes:
        owner: where the object is that holds the tensors of its layer.
        number: the number of its layer, such as 1 of W1; () where there is none.
        word: the word of its name that says of which layer, such as hidden of hidden_weights; "" where none does.
        name: what logs call it.
        role: weights or biases; "" where it is neither, or where nothing says so.
        is_listed: whether its place in a list says so, and no name.
    """

    owner: Location
    number: tuple[str, ...]
    word: str
    name: str
    role: str
    is_listed: bool = False

    @property
    def is_tensor(self) -> bool:
        """Whether the name or the place says that the array is trained."""
        return bool(self.role) or self.name in NORMALISATION


class ArrayPlaces:
    """The places of all arrays that a network holds.

    Args:
        network: the network.
        held: its arrays.
    """

    def __init__(self, network: Any, held: Sequence[HeldArray]) -> None:
        self._network = network
        self._has_matrices = any(one.value.ndim > 1 and is_weights(words_of(*one.location.steps[-1:])) for one in held)
        self._lists: dict[Location, list[HeldArray]] = {}
        for one in held:
            self._lists.setdefault(_list_of(one.location), []).append(one)

    def of(self, one: HeldArray) -> ArrayPlace:
        """The place of one of the arrays."""
        steps, last = one.location.steps, named_step(one.location)
        if last < 0:
            return self._in_list(one)
        name, words = str(steps[last][1]), words_of(steps[last])
        of_list = [str(key) for _, key in steps[last + 1 :] if _is_number(key)]
        number = (*re.findall(r"\d+$", name.rstrip("_")), *of_list)
        owner, word = _without_words(steps[:last]), layer_word(name)
        if last and steps[last][0] == "item" and (of_all := USUAL.get(words_of(steps[last - 1]))):
            return ArrayPlace(_without_words(steps[: last - 1]), number, name, of_all, of_all)  # weights["hidden"]
        usual = USUAL.get(words)
        role = usual or self._role(one, words, steps[:last])
        return ArrayPlace(owner, number, word, usual or re.sub(r"\d+_*$", "", name), role)

    def _role(self, one: HeldArray, words: tuple[str, ...], holder: tuple[Step, ...]) -> str:
        """The role of an array whose name says more than weights or biases, or something else."""
        if is_weights(words) and (one.value.ndim > 1 or not self._has_matrices):
            return "weights"
        if is_biases(words) and is_vector(one):
            return "biases"
        if OF_A_BATCH.union(NORMALISATION).issuperset(words) or not self._holds_parameters(holder):
            return ""
        return "biases" if is_vector(one) else "weights"

    def _in_list(self, one: HeldArray) -> ArrayPlace:
        """The place of an array in a list, or under a name such as params, which says nothing of the array."""
        listed = _list_of(one.location)
        owner, steps = _without_words(listed.steps), one.location.steps[len(listed.steps) :]
        if not one.location.steps:  # the network is this array
            return ArrayPlace(owner, (), "", "weights", "weights")
        if not steps or not _is_number(steps[0][1]):
            name = str(one.location.steps[-1][1]) if one.location.steps else ""
            is_all = bool(OF_ALL_PARAMETERS.fullmatch(name))
            return ArrayPlace(owner, (), "", name, "weights" if is_all else "")
        alike = self._lists[listed]
        layers = layers_in_list(alike)
        for number, layer in enumerate(layers, 1):
            for place, array in enumerate(layer):
                if array is one:
                    return _of_layer(layer, place, owner, (str(number),) if len(layers) > 1 else ())
        if len(alike) <= 2 and one.value.ndim <= 4:
            name = "biases" if is_vector(one) else "weights"
            return ArrayPlace(owner, (), "", name, name, True)
        return ArrayPlace(owner, (), "", f"tensor{steps[0][1]}", "", True)

    def _holds_parameters(self, steps: tuple[Step, ...]) -> bool:
        """Whether a dictionary holds nothing but tensors, as its name says, or as the user gave no more than it."""
        holder = Location(steps).get(self._network)
        if not isinstance(holder, dict):
            return False
        if steps:
            return bool(OF_ALL_PARAMETERS.fullmatch(str(steps[-1][1])))
        return all(isinstance(value, np.ndarray) for value in holder.values())


def _of_layer(layer: Sequence[HeldArray], place: int, owner: Location, number: tuple[str, ...]) -> ArrayPlace:
    """The place of an array in a layer of a list, which has weights, and biases last if it has some."""
    has_biases = len(layer) > 1
    is_biases, is_only = has_biases and place == len(layer) - 1, len(layer) <= 2
    role = "biases" if is_biases else "weights"
    return ArrayPlace(owner, number, "", role if is_biases or is_only else f"weights{place + 1}", role, True)


def _is_number(key: Any) -> bool:
    return not isinstance(key, str)


def _list_of(location: Location) -> Location:
    """The list that holds the array, or the tensor object that holds it; else what holds the array."""
    steps = location.steps
    last = len(steps) - 1
    while last > 0 and not _is_number(steps[last][1]) and not words_of(steps[last]):
        last -= 1
    return Location(steps[:last] if last >= 0 and _is_number(steps[last][1]) else steps[:-1])


def _without_words(steps: tuple[Step, ...]) -> Location:
    """The way to the layer: without the steps whose names only say that they hold parameters."""
    while steps and not _is_number(steps[-1][1]) and not Location(steps[-1:]).words:
        steps = steps[:-1]
    return Location(steps)
