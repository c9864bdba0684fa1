"""TensorSearch: which of the arrays that a network holds are trained, and which are the gradients of these."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from diagnostics.adapters.array_names import (
    BESIDE,
    added_words,
    is_kept_beside,
    is_of_a_batch,
    name_of,
    named_step,
    says_gradient,
)
from diagnostics.adapters.array_places import USUAL, ArrayPlace, ArrayPlaces
from diagnostics.adapters.list_places import is_vector
from diagnostics.adapters.walk import HeldArray, arrays_of
from lenet.gradcheck.foreign.locations import Location

Member = tuple[HeldArray, ArrayPlace]
"""A trained array, and what its place says."""


class TensorSearch:
    """The arrays of a network as it is now.

    Attributes:
        held: all of them, in the order in which the network holds them.
        gradients: where the gradient of an array is, by the identity of the array.
    """

    def __init__(self, network: Any) -> None:
        self._network = network
        self.held = arrays_of(network)
        self._places = ArrayPlaces(network, self.held)
        parents = {one.location: parent for one in self.held if (parent := self._parent(one))}
        self._are_gradients = set(parents)
        far_first = sorted(parents.items(), key=lambda item: item[0].steps[:-1] == item[1].location.steps[:-1])
        self.gradients = {id(parent.value): location for location, parent in far_first}

    @cached_property
    def members(self) -> list[Member]:
        """The trained arrays, each once, in the order in which the network holds them."""
        known: list[Member] = []
        for one in sorted(self._candidates, key=self._rank):
            place = self._places.of(one)
            is_trained = place.is_tensor or (id(one.value) in self.gradients and not is_of_a_batch(one.location))
            if is_trained and not any(np.may_share_memory(one.value, other.value) for other, _ in known):
                known.append((one, place))
        found = [
            (one, place)
            for one, place in known
            if not any(self._is_beside(one, other) or self._is_variant(one, other) for other, _ in known)
        ]
        return sorted(found, key=lambda member: member[0].place)

    def names_of(self, array: Any) -> list[Location]:
        """All places where the network holds an array."""
        return [one.location for one in self.held if one.value is array]

    def untaken_matrices(self) -> dict[Location, np.ndarray[Any, Any]]:
        """The matrices that are not among the tensors, and whose names do not say what else they are."""
        known, held = [one for one, _ in self.members], {id(one.value) for one in self.held}
        return {
            one.location: one.value
            for one in self._candidates
            if not is_vector(one)
            and id(one.value.base) not in held
            and not is_of_a_batch(one.location)
            and not any(np.may_share_memory(one.value, other.value) or self._is_beside(one, other) for other in known)
        }

    @cached_property
    def _candidates(self) -> list[HeldArray]:
        return [
            one
            for one in self.held
            if one.location not in self._are_gradients
            and not says_gradient(one.location)
            and not is_kept_beside(one.location)
        ]

    def _is_beside(self, one: HeldArray, tensor: HeldArray) -> bool:
        """Whether an array is what an optimizer keeps for a tensor, as the letters in its name and its shape say."""
        names = self.names_of(tensor.value) if one.value.shape == tensor.value.shape else []
        added = [added_words(one.location.words, name.words) for name in names]
        return any(words and BESIDE.issuperset(words) for words in added)

    def _is_variant(self, one: HeldArray, tensor: HeldArray) -> bool:
        """Whether an array without a gradient is another form of a tensor beside it, such as W_hat, W_T, W1_target."""
        return (
            id(one.value) not in self.gradients
            and sorted(one.value.shape) == sorted(tensor.value.shape)
            and without_name(one.location) == without_name(tensor.location)
            and name_of(tensor.location) in USUAL
            and bool(added_words(one.location.words, tensor.location.words))
        )

    def _rank(self, one: HeldArray) -> tuple[bool, bool, bool, bool, int]:
        """Of several ways to an array the one that says most comes first: a usual name, in the object of its layer."""
        place = self._places.of(one)
        owner = place.owner.get(self._network)
        is_of_layer = bool(place.owner.steps) and not isinstance(owner, list | tuple | dict)
        is_view = one.value.base is not None
        return place.name not in USUAL.values(), place.is_listed, not is_of_layer, is_view, len(one.location.steps)

    def _parent(self, one: HeldArray) -> HeldArray | None:
        """The array whose gradient this is, by name and shape; one of the same owner rather than another."""
        if not one.location.may_be_gradient:
            return None
        candidates = [
            other
            for other in self.held
            if other is not one
            and shape_of(other.value) == shape_of(one.value)
            and one.location.is_gradient_of(other.location.words)
            and not says_gradient(other.location)
        ]
        near = [other for other in candidates if other.location.steps[:-1] == one.location.steps[:-1]]
        return next(iter(near or candidates), None)


def without_name(location: Location) -> tuple[Any, Any]:
    """What is around the name of an array: who holds it, and its place in a list of this name."""
    place = named_step(location)
    return location.steps[:place], location.steps[place + 1 :]


def shape_of(value: Any) -> tuple[int, ...]:
    """The sides of an array that are not 1, so that (F,), (1, F) and (F, 1) are the same."""
    return tuple(side for side in np.shape(value) if side != 1)
