"""Finds the layers of a network: the trainable tensors that belong together, and their gradients.

``layers[0].W`` and ``layers[0].dW``, ``params["W1"]`` and ``grads["W1"]``, ``weights[0]`` and
``nabla_w[0]``, ``fc.weight.value`` and ``fc.weight.grad``, ``weights_input_hidden`` and ``bias_hidden``, pairs
``(W, b)`` in a list, or a list ``[W1, b1, W2, b2]``. :mod:`diagnostics.adapters.array_names` knows the names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from diagnostics.adapters.array_names import same_layer
from diagnostics.adapters.array_places import USUAL, ArrayPlace
from diagnostics.adapters.list_places import is_vector
from diagnostics.adapters.tensor_search import Member, TensorSearch, shape_of
from diagnostics.adapters.walk import arrays_of
from lenet.gradcheck.foreign.locations import Location


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
        label: the number or the word in the names of its arrays, such as 1 of W1 and hidden of hidden_weights; ""
            where they have none.
    """

    name: str
    owner: Location
    tensors: tuple[FoundTensor, ...]
    label: str


def find_layers(network: Any) -> list[FoundLayer]:
    """The layers with trainable tensors, in the order in which the network holds them."""
    search = TensorSearch(network)
    named: list[FoundLayer] = []
    for word, group in _layers_of(search.members):
        place = group[0][1]
        name = _layer_name(network, place, word, [layer.name for layer in named])
        tensors = [
            FoundTensor(name, one.location, search.gradients.get(id(one.value)))
            for name, (one, _) in zip(_usual_names(group), group, strict=True)
        ]
        named.append(FoundLayer(name, place.owner, tuple(_unlike(tensors)), word or "".join(place.number[-1:])))
    return named


def gradients_in(given: Any, layers: Sequence[FoundLayer], network: Any) -> dict[Location, Location]:
    """Where in ``given``, a structure of gradients, those of the tensors are, by the tensors' locations.

    A gradient has the words of its tensor's name. Where none has, the gradients are taken in the order of the
    tensors, if their shapes agree.
    """
    held, search = arrays_of(given), TensorSearch(network)
    tensors = [tensor.location for layer in layers for tensor in layer.tensors]
    shapes = {location: shape_of(location.get(network)) for location in tensors}
    names = {
        location: [location.words, *(name.words for name in search.names_of(location.get(network)))]
        for location in tensors
    }
    by_words = {
        location: one.location
        for location in tensors
        for one in held
        if shapes[location] == shape_of(one.value)
        and any(one.location.words == words or one.location.is_gradient_of(words) for words in names[location])
    }
    if len(by_words) == len(tensors):
        return by_words
    as_held = sorted(tensors, key=[one.location for one in search.held].index)
    for order in (tensors, as_held):
        if [shape_of(one.value) for one in held] == [shapes[location] for location in order]:
            return dict(zip(order, (one.location for one in held), strict=True))
    return by_words


def _layers_of(members: Sequence[Member]) -> list[tuple[str, list[Member]]]:
    """The tensors of each layer, and the word that the layer has in common where one object holds several layers.

    One object holds the layers where there is no other with tensors, where it is not in a list of layers itself, and
    where each word has weights, as in hidden_weights, hidden_bias, output_weights and output_bias.
    """
    found: list[tuple[str, list[Member]]] = []
    owners = {place.owner for _, place in members}
    is_one_owner = len(owners) == 1 and not any(isinstance(key, int) for one in owners for _, key in one.steps[-1:])
    for group in _grouped(members, lambda place: (place.owner, place.number)):
        parts = _grouped(group, lambda place: same_layer(place.word))
        if is_one_owner and len(parts) > 1 and all(_weights_in(part) for part in parts):
            found += [(_word_of(part), part) for part in parts]
        else:
            found.append(("", group))
    return _with_single_biases(found)


def _grouped(members: Iterable[Member], key: Callable[[ArrayPlace], Hashable]) -> list[list[Member]]:
    groups: dict[Hashable, list[Member]] = {}
    for member in members:
        groups.setdefault(key(member[1]), []).append(member)
    return list(groups.values())


def _weights_in(group: Sequence[Member]) -> list[Member]:
    return [member for member in group if member[1].role == "weights"]


def _word_of(part: Sequence[Member]) -> str:
    """The word of the only weights, else what the words of all have in common."""
    weights = _weights_in(part)
    return weights[0][1].word if len(weights) == 1 else same_layer(part[0][1].word)


def _with_single_biases(layers: list[tuple[str, list[Member]]]) -> list[tuple[str, list[Member]]]:
    """The layers; a vector w0 that is alone becomes the biases of the weights W in the same object."""
    found: list[tuple[str, list[Member]]] = []
    for word, group in layers:
        one, place = group[0]
        home = next((other for _, other in found if other[0][1].owner == place.owner and not other[0][1].number), None)
        is_alone = len(group) == 1 and place.number == ("0",) and is_vector(one) and place.role == "weights"
        if is_alone and home and len(_weights_in(home)) == 1 and all(other.role != "biases" for _, other in home):
            home.append((one, replace(place, name="biases", role="biases")))
        else:
            found.append((word, group))
    return found


def _usual_names(group: Sequence[Member]) -> list[str]:
    """What logs call the tensors of a layer: weights and biases where it has one of each."""
    roles = [place.role for _, place in group]
    usual = [place.name for _, place in group if place.name in USUAL.values()]
    return [
        place.role if place.role and roles.count(place.role) == 1 and place.role not in usual else place.name
        for _, place in group
    ]


def _layer_name(network: Any, place: ArrayPlace, word: str, taken: Sequence[str]) -> str:
    last = place.owner.steps[-1][1] if place.owner.steps else None
    if isinstance(last, str):
        name = "_".join([last, *([word] if word else place.number)])
    elif word:
        is_numbered = place.number and not word[-1].isdigit()
        name = f"layer{word}" if word.isdigit() else "".join([word, *place.number[-1:]]) if is_numbered else word
    else:
        kind = type(place.owner.get(network)).__name__.lower()
        is_plain = not place.owner.steps or kind in ("tuple", "list", "dict")
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
