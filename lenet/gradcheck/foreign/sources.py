"""Finds where the backward pass of a layer leaves its gradients.

The gradient of a parameter is what has its name, what ``backward`` returns in its
shape, or the change that ``backward`` itself makes to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from lenet.errors import SettingsError
from lenet.gradcheck.foreign.layer import Array, GradientSource, LayerUnderTest
from lenet.gradcheck.foreign.locations import Location, is_numeric, locations_of
from lenet.gradcheck.foreign.parameters import Candidate, find_parameters, is_untouched, numbers_of

Told = Mapping[str, str | None]
INPUT_WORDS = ("x",)
WEIGHT_AND_BIAS_WORDS = (("w",), ("b",))


@dataclass
class Discovery:
    """What was found beside the parameters and sources of the layer under test.

    Attributes:
        undecided: why a gradient cannot be compared, by the name of the parameter.
        unused: parameters that the output does not depend on.
        unnamed: places of gradients without a telling name, by the name of the parameter, or "inputs".
    """

    undecided: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    unnamed: dict[str, list[GradientSource]] = field(default_factory=dict)


def discover(layer: LayerUnderTest, inputs: Array, dvalues: Array, told: Told) -> Discovery:
    """Give the layer under test its parameters and the sources of their gradients."""
    candidates = find_parameters(layer, inputs)
    layer.restart()
    after = AfterBackward(layer, inputs, dvalues)
    found = Discovery()
    known = ["inputs", *(candidate.name for candidate in candidates)]
    if unknown := [name for name in told if name not in known]:
        raise SettingsError(f"gradients: received {', '.join(unknown)}, expected some of {', '.join(known)}")
    for candidate in candidates:
        if candidate.can_change:
            _find_gradient(layer, candidate, after, found, told)
        elif any(candidate.is_gradient(location) for location in after.written) and candidate.name not in told:
            found.undecided[candidate.name] = "not compared: it is read-only, or forward changes it"
    _find_input_gradient(layer, inputs, after, found, told)
    for name in found.unnamed:
        size = inputs.size if name == "inputs" else layer.parameters[name].size
        found.unnamed[name] = after.of_size(name, size, layer)
    layer.restart()
    return found


class AfterBackward:
    """The numbers of a layer after one backward pass.

    Attributes:
        held: all that the layer holds.
        written: what ``backward`` wrote.
        returned: what ``backward`` returned.
    """

    def __init__(self, layer: LayerUnderTest, inputs: Array, dvalues: Array) -> None:
        layer.run(inputs)
        before = numbers_of(layer)
        returned = layer.backward(dvalues)
        self.held = locations_of(layer.layer)
        self.written = {p: v for p, v in self.held.items() if p not in before or not is_untouched(v, before[p])}
        self.returned = {Location(): returned} if is_numeric(returned) else locations_of(returned)

    def told(self, name: str, gradient: str) -> GradientSource:
        """The source that the user names. Raises SettingsError where nothing has this name."""
        for source, _ in self._sources(name, self.held):
            if gradient in (source.label, str(source.location)):
                return source
        known = ", ".join(source.label for source, _ in self._sources(name, self.written)) or "nothing"
        raise SettingsError(f"gradients: received {gradient!r} as the gradient of {name}; backward leaves {known}")

    def of_size(self, name: str, size: int, layer: LayerUnderTest) -> list[GradientSource]:
        """The arrays of this size that ``backward`` returned or wrote and that are no other gradient."""
        taken = [(source.where, source.location) for source in layer.sources.values()]
        offers = self._sources(name, self.written)
        return [s for s, value in offers if np.size(value) == size and (s.where, s.location) not in taken]

    def _sources(self, name: str, held: Mapping[Location, Any]) -> list[tuple[GradientSource, Any]]:
        kinds: list[tuple[Literal["returned", "layer"], Mapping[Location, Any]]]
        kinds = [("returned", self.returned), ("layer", held)]
        return [
            (GradientSource(name, where, location), v)
            for where, locations in kinds
            for location, v in locations.items()
        ]


def _find_gradient(
    layer: LayerUnderTest, parameter: Candidate, after: AfterBackward, found: Discovery, told: Told
) -> None:
    """The gradient of one parameter: by the user's word, by its name, or by the parameter's change."""
    name = parameter.name
    is_number = layer.parameters[name].ndim == 0
    written, returned, held = (
        [location for location in locations if parameter.is_gradient(location)]
        for locations in (after.written, after.returned, after.held)
    )
    source = None
    if name in told:
        gradient = told[name]
        source = None if gradient is None else after.told(name, gradient)
    elif written:
        source = GradientSource(name, "layer", written[0])
    elif parameter.is_used and not np.array_equal(layer.in_effect(name), layer.parameters[name]):
        source = GradientSource(name, "change", rate=layer.learning_rate or 1.0)
    elif returned:
        source = GradientSource(name, "returned", returned[0])
    elif held and not is_number:
        source = GradientSource(name, "layer", held[0])
    if parameter.is_own and not parameter.is_used and not is_number:
        if source:
            found.unused.append(name)
        elif any(location.words in WEIGHT_AND_BIAS_WORDS for location in parameter.locations) and name not in told:
            found.undecided[name] = "not compared: forward never uses it, and it has no gradient"
    if source and (parameter.is_used or parameter.is_own):
        layer.add_source(source)
    elif parameter.is_used and not is_number and name not in told:
        found.unnamed[name] = []
    else:
        layer.remove_parameter(name)


def _find_input_gradient(
    layer: LayerUnderTest, inputs: Array, after: AfterBackward, found: Discovery, told: Told
) -> None:
    """The gradient by the inputs: ``dinputs`` or a name like it, or what is returned in the shape of the inputs."""
    if layer.input_dtype.kind != "f":
        found.undecided["dinputs"] = "not compared: the inputs are whole numbers"
    elif "inputs" in told:
        gradient = told["inputs"]
        if gradient is not None:
            layer.add_source(after.told("inputs", gradient))
    elif kept := [location for location in after.written if location.is_own and location.is_gradient_of(INPUT_WORDS)]:
        layer.add_source(GradientSource("inputs", "layer", kept[0]))
    else:
        named = [location for location in after.returned if location.is_gradient_of(INPUT_WORDS)]
        shaped = [location for location, value in after.returned.items() if np.shape(value) == inputs.shape]
        # A single array is the gradient by the inputs, unless it fits a parameter without a gradient.
        sizes = {layer.parameters[name].size for name in found.unnamed}
        alone = [
            location for location, value in after.returned.items() if not location.steps and np.size(value) not in sizes
        ]
        if best := named or shaped or alone:
            layer.add_source(GradientSource("inputs", "returned", best[0]))
        else:
            found.unnamed["inputs"] = []
