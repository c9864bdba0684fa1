"""Finds the parameters of a layer, and where its backward pass leaves their gradients.

A parameter is an array that a forward pass leaves alone and that the output
depends on. Its gradient is what has its name, what ``backward`` returns in its
shape, or the change that ``backward`` itself makes to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lenet.errors import SettingsError
from lenet.gradcheck.calls import NotComparable
from lenet.gradcheck.layer import Array, GradientSource, LayerUnderTest
from lenet.gradcheck.places import Place, is_numeric, places_of

Told = Mapping[str, str | None]


@dataclass
class Discovery:
    """What was found beside the parameters and sources that the layer under test was given.

    Attributes:
        undecided: what cannot be compared, and why, by the name of the parameter.
        unused: parameters that the output does not depend on.
        unnamed: where the gradient of a parameter may be, by the name of the parameter.
    """

    undecided: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    unnamed: dict[str, list[GradientSource]] = field(default_factory=dict)


@dataclass(frozen=True)
class AfterBackward:
    """The numbers of a layer after one backward pass: all, those that it wrote, those that it returned."""

    held: Mapping[Place, Any]
    written: Mapping[Place, Any]
    returned: Mapping[Place, Any]


def discover(layer: LayerUnderTest, inputs: Array, dvalues: Array, told: Told) -> Discovery:
    """Give the layer under test its parameters and the sources of its gradients."""
    found = Discovery()
    generator = np.random.default_rng(0)
    steady, of_one_shape = _steady_places(layer, inputs)
    for name, places in list(steady.items()):
        layer.add_parameter(name, places)
        try:
            layer.put(name, layer.parameters[name])
        except (AttributeError, TypeError, ValueError):  # it can be neither replaced nor written into
            layer.remove_parameter(name)
            del steady[name]
    used = {name for name in steady if _is_used(layer, inputs, name, generator)}
    layer.restart()
    layer.run(inputs)
    before = {place: (value, np.copy(value)) for place, value in places_of(layer.layer).items()}
    returned = layer.backward(dvalues)
    held = places_of(layer.layer)
    written = {p: v for p, v in held.items() if p not in before or not _untouched(v, *before[p])}
    returned_places = {Place(): returned} if is_numeric(returned) else places_of(returned)
    after = AfterBackward(held, written, returned_places)
    for name in steady:
        _find_source(layer, name, steady[name], name in used, after, found, told)
    _find_input_source(layer, inputs, after, found, told)
    _offer_unnamed(layer, after, found)
    changeable = {place for places in steady.values() for place in places}
    for place in of_one_shape - changeable:
        if any(gradient.is_gradient_of(place.words) for gradient in written):
            found.undecided[str(place)] = "not compared: it is read-only, or forward changes it"
    layer.restart()
    return found


def _steady_places(layer: LayerUnderTest, inputs: Array) -> tuple[dict[str, list[Place]], set[Place]]:
    """Arrays that a forward pass of another batch leaves as they are, and all places whose shape it leaves.

    An array that is kept in several places comes once, with all of them.
    """
    before = {place: (value, np.copy(value)) for place, value in places_of(layer.layer).items()}
    try:
        layer.run(np.concatenate([inputs[::-1], inputs[:1]]))
    except NotComparable:  # a layer may insist on its batch size
        layer.restart()
        layer.run(0.9 * inputs[::-1])
    after = places_of(layer.layer)
    same: dict[Any, list[Place]] = {}
    for place, value in sorted(after.items(), key=lambda item: item[0].is_private):
        if place in before and _untouched(value, *before[place]):
            is_array = isinstance(value, np.ndarray)
            same.setdefault((_memory(value), value.shape, value.strides) if is_array else place, []).append(place)
    of_one_shape = {place for place in before if np.shape(after.get(place, 0.0)) == before[place][1].shape != ()}
    layer.restart()
    return {str(places[0]): places for places in same.values()}, of_one_shape


def _untouched(value: Any, before: Any, copy: Any) -> bool:
    """Whether an array is still the same one, or a view of the same memory, with the same content."""
    if isinstance(value, np.ndarray) and isinstance(before, np.ndarray):
        return _memory(value) == _memory(before) and np.array_equal(value, copy, equal_nan=True)
    return type(value) is type(before) and np.array_equal(value, copy, equal_nan=True)


def _memory(array: Any) -> int:
    """Where the first number of an array lies."""
    return int(array.__array_interface__["data"][0])


def _is_used(layer: LayerUnderTest, inputs: Array, name: str, generator: np.random.Generator) -> bool:
    """Whether the output depends on a parameter, as the layer is or with other parameters."""
    drawn = {other: generator.standard_normal(np.shape(value)) for other, value in layer.parameters.items()}
    value_now = layer.parameters[name]
    for others, middle in (({}, value_now), (drawn, np.zeros_like(value_now))):
        outputs = []
        for size in (1.0, 10.0):
            value = middle + size * generator.standard_normal(value_now.shape)
            try:
                outputs.append(layer.run(inputs, {**others, name: value}))
            except NotComparable as answer:
                if answer.part == "the output":  # it has another shape
                    raise
                return True  # forward does something with it that not every number allows
        if not np.array_equal(outputs[0], outputs[1], equal_nan=True):
            return True
    return False


def _find_source(
    layer: LayerUnderTest,
    name: str,
    places: list[Place],
    is_used: bool,
    after: AfterBackward,
    found: Discovery,
    told: Told,
) -> None:
    """Where the gradient of one parameter is, by what the user says, by its name, or by the parameter's change."""
    words = {place.words for place in places}
    is_number = np.ndim(layer.parameters[name]) == 0

    def named(where: Mapping[Place, Any]) -> list[Place]:
        return [place for place in where if place not in places and any(place.is_gradient_of(w) for w in words)]

    written, returned, held = named(after.written), named(after.returned), named(after.held)
    if name in told:
        source = _told_source(name, told[name], after)
    elif written:
        source = GradientSource(name, "layer", written[0])
    elif not np.array_equal(layer.in_effect(name), layer.parameters[name]) and is_used:
        source = GradientSource(name, "change", rate=layer.learning_rate or 1.0)
    elif returned:
        source = GradientSource(name, "returned", returned[0])
    elif held and not is_number:
        source = GradientSource(name, "layer", held[0])
    else:
        source = None
    is_own = any(place.is_own for place in places)
    has_known_name = bool(words & {("w",), ("b",)}) or source is not None
    if not is_used and is_own and has_known_name and not is_number:
        found.unused.append(name)
    if source is not None and (is_used or is_own):
        layer.add_source(source)
    elif is_used and not is_number and name not in told:
        found.unnamed[name] = []
    else:
        layer.remove_parameter(name)


def _told_source(name: str, gradient: str | None, after: AfterBackward) -> GradientSource | None:
    """The source that the user names; None for a constant."""
    if gradient is None:
        return None
    for where, places in (("layer", after.held), ("returned", after.returned)):
        for place in places:
            source = GradientSource(name, "layer" if where == "layer" else "returned", place)
            if gradient in (source.label, str(place)):
                return source
    known = [str(place) for place in after.written] + [f"returned{place}" for place in after.returned]
    raise SettingsError(
        f"gradients: received {gradient!r} as the gradient of {name}; backward leaves {', '.join(known) or 'nothing'}"
    )


def _find_input_source(
    layer: LayerUnderTest, inputs: Array, after: AfterBackward, found: Discovery, told: Told
) -> None:
    """Where the gradient by the inputs is."""
    shape = inputs.shape
    if "inputs" in told:
        source = _told_source("inputs", told["inputs"], after)
        if source is not None:
            layer.add_source(source)
        return
    kept = [p for p in after.written if p.is_gradient_of(("x",)) and p.is_own]
    kept.sort(key=lambda place: (str(place) != "dinputs", np.shape(after.written[place]) != shape))
    named = [place for place in after.returned if place.is_gradient_of(("x",))]
    shaped = [place for place, value in after.returned.items() if np.shape(value) == shape]
    sizes = {layer.parameters[name].size for name in found.unnamed}
    alone = [place for place, value in after.returned.items() if not place.steps and np.size(value) not in sizes]
    if kept:
        layer.add_source(GradientSource("inputs", "layer", kept[0]))
    elif named or shaped or alone:
        layer.add_source(GradientSource("inputs", "returned", (named or shaped or alone)[0]))
    else:
        found.undecided["dinputs"] = "not compared: backward gives no gradient by the inputs"


def _offer_unnamed(layer: LayerUnderTest, after: AfterBackward, found: Discovery) -> None:
    """For parameters whose gradient has no known name: whatever ``backward`` returned or wrote in their size."""
    taken = {(source.where, source.place) for source in layer.sources.values()}
    offers = [("returned", place, value) for place, value in after.returned.items()]
    offers += [("layer", place, value) for place, value in after.written.items()]
    for name in found.unnamed:
        found.unnamed[name] = [
            GradientSource(name, "returned" if where == "returned" else "layer", place)
            for where, place, value in offers
            if (where, place) not in taken and np.size(value) == layer.parameters[name].size
        ]
