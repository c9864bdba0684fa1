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
        if is_weights(words) and one.value.ndim > 1:
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
        if not steps or not _is_number(steps[0][1]):
            name = str(one.location.steps[-1][1]) if one.location.steps else ""
            is_all = bool(OF_ALL_PARAMETERS.fullmatch(name))
            return ArrayPlace(owner, (), "", name, "weights" if is_all else "")
        alike = self._lists[listed]
        if number_and_name := place_in_list(one, alike):
            return ArrayPlace(owner, number_and_name[:1], "", number_and_name[1], number_and_name[1], True)
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


def place_in_list(one: HeldArray, arrays: Sequence[HeldArray]) -> tuple[str, str] | tuple[()]:
    """The number of an array's layer and its name in a list of weights with or without biases; () in other lists.

    Biases follow the weights of their layer, or all biases come after all weights.
    """
    found: list[tuple[int, str]] = [(0, "biases")]
    half = len(arrays) // 2
    if half > 1 and _are_weights_before_biases(arrays[:half], arrays[half:]):
        found += [*((n, "weights") for n in range(1, half + 1)), *((n, "biases") for n in range(1, half + 1))]
    else:
        for place, array in enumerate(arrays):
            number, before = found[-1]
            if before == "weights" and is_vector(array) and array.value.size in arrays[place - 1].value.shape:
                found.append((number, "biases"))
            elif array.value.ndim > 1:
                found.append((number + 1, "weights"))
            else:
                return ()
    number, name = next(place for place, array in zip(found[1:], arrays, strict=True) if array is one)
    return (str(number), name) if max(found)[0] > 1 else ()


def _are_weights_before_biases(weights: Sequence[HeldArray], others: Sequence[HeldArray]) -> bool:
    return len(weights) == len(others) and all(
        not is_vector(first) and is_vector(second) and second.value.size in first.value.shape
        for first, second in zip(weights, others, strict=True)
    )


def is_vector(one: HeldArray) -> bool:
    """Whether at most one side of an array is longer than 1."""
    return bool(max(one.value.shape) == one.value.size)


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
