"""Finds what comes out of a layer: the activation function after it, and the array that keeps the outputs.

People keep outputs in ``output``, ``out``, ``a`` or ``A``, and inputs in ``inputs``, ``x`` or ``X``; what
one stage keeps of its inputs is the output of the stage before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.read_layer import units_last
from diagnostics.adapters.tensors import FoundLayer
from diagnostics.adapters.walk import following
from lenet.arguments import ROUNDING
from lenet.errors import ShapeError
from lenet.gradcheck.foreign.locations import Location, entries, is_numeric
from lenet.training.custom_layer import RANGES, Function

OUTPUTS = ("output", "outputs", "out", "a", "activation", "activations", "y", "h", "result")
INPUTS = ("inputs", "input", "x", "inp", "input_data", "last_input", "layer_input", "last_x", "a_prev", "cache")
ACTIVATIONS = re.compile(r"act|act_?(fn|func|function)|activation(_?(fn|func|function|name|type))?|non_?linearity")
"""Names of the attribute in which a layer keeps its activation function, or the name of it."""
FUNCTIONS: tuple[tuple[Function, tuple[str, ...]], ...] = (
    ("softmax", ("softmax",)),
    ("relu", ("relu", "rectifiedlinear", "rectifier")),
    ("sigmoid", ("sigmoid", "logistic")),
    ("tanh", ("tanh", "hyperbolictangent")),
)
LEAST_ZEROS = 0.01
"""Share of outputs that are exactly 0, above which they are taken for those of a ReLU."""
OTHER_FUNCTIONS = re.compile(r"leaky|prelu|relu6|selu|gelu|silu|logsigmoid|hard|logsoftmax")
"""Names that contain the name of another function."""


@dataclass(frozen=True)
class FoundOutput:
    """Where the outputs of a layer are.

    Attributes:
        holder: the object that keeps them.
        name: the attribute or key.
        what: whose it is, in words.
    """

    holder: Any
    name: str
    what: str

    def read(self) -> Any:
        """The array as it is now."""
        return self.holder[self.name] if isinstance(self.holder, Mapping) else getattr(self.holder, self.name)


@dataclass(frozen=True)
class FoundStage:
    """What comes after the weighted sum of a layer.

    Attributes:
        activation: the function, None where none was found.
        how: how it was found.
        output: where its outputs are; None where nothing keeps them.
    """

    activation: Function | None
    how: str
    output: FoundOutput | None


def find_stage(network: Any, layer: FoundLayer, layers: Sequence[FoundLayer], samples: int) -> FoundStage:
    """The activation function after a layer, and where its outputs are, once a batch has gone through.

    Args:
        network: what the user passed.
        layer: the layer.
        layers: all layers with tensors; what stands behind the next of them is not this layer's.
        samples: the size of the batch.
    """
    owner = layer.owner.get(network)
    stages = list(_until_next(network, layer.owner, {one.owner for one in layers}))
    shared = [one for one in layers if one.owner == layer.owner]
    own = _own_function(owner)
    if shared[-1] is not layer:  # the object holds several layers, and what it keeps of a batch is the last one's
        return FoundStage(own, "attribute activation" if own else "none seen", None)
    if own is not None and len(shared) == 1:
        return FoundStage(own, "attribute activation", _kept(owner, stages, samples))
    place = next((n for n, (stage, has_tensors) in enumerate(stages) if not has_tensors and _function_in(stage)), None)
    if place is None:
        return FoundStage(None, "none seen", _kept(owner, stages, samples))
    stage = stages[place][0]
    how = f"{type(stage).__name__} after it"
    return FoundStage(_function_in(stage), how, _kept(stage, stages[place + 1 :], samples))


def fits(layer: str, output: NDArray[Any], samples: int, units: int, unit_axis: int | None) -> bool:
    """Whether an array can be the outputs of a layer for a batch: it has the samples and the units."""
    try:
        units_last(layer, output, samples, units, unit_axis)
    except ShapeError:
        return False
    return True


def can_be_of(function: Function | None, output: NDArray[Any]) -> bool:
    """Whether numbers can come out of a function; NaN may come out of any."""
    low, high = RANGES.get(function or "", (-np.inf, np.inf))
    return not (float(output.min()) < low - ROUNDING or float(output.max()) > high + ROUNDING)


def guessed_function(output: NDArray[Any]) -> tuple[Function | None, str]:
    """The function that the numbers speak for, and how they do; None where they speak for none."""
    low, high = float(output.min()), float(output.max())
    if low == 0 and high > 0 and (output == 0).mean() > LEAST_ZEROS:
        return "relu", "guessed: many outputs are 0, none is below"
    if output.ndim == 2 and low >= 0 and any(np.allclose(output.sum(axis=axis), 1, atol=1e-4) for axis in (0, 1)):
        return "softmax", "guessed: the outputs of a sample add up to 1"
    return None, "none seen"


def function_of(stage: Any) -> Function | None:
    """The function that the name of a class, of a function, or a text says."""
    text = stage if isinstance(stage, str) else getattr(stage, "__name__", type(stage).__name__)
    name = re.sub(r"[^a-z0-9]", "", text.lower())
    if OTHER_FUNCTIONS.search(name):
        return None
    return next((function for function, words in FUNCTIONS if any(word in name for word in words)), None)


def _own_function(owner: Any) -> Function | None:
    """The function that a layer applies itself, as its attribute says."""
    for (kind, key), value in entries(owner):
        is_named = kind == "attribute" and ACTIVATIONS.fullmatch(key.lower().strip("_"))
        if is_named and not isinstance(value, np.ndarray) and (function := function_of(value)):
            return function
    return None


def _function_in(stage: Any) -> Function | None:
    """The function of a stage without tensors, as its class says or its attribute."""
    return function_of(stage) or _own_function(stage)


def _until_next(network: Any, owner: Location, owners: set[Location]) -> Iterator[tuple[Any, bool]]:
    """What comes after a layer, up to the next one with tensors, and whether it has tensors."""
    with_tensors = [one.get(network) for one in owners]
    ways = [Location(one.steps[:depth]).get(network) for one in owners for depth in range(len(one.steps))]
    for stage in following(network, owner, {id(one) for one in ways}):
        has_tensors = any(stage is one for one in with_tensors)
        yield stage, has_tensors
        if has_tensors:
            return


def _kept(stage: Any, following: list[tuple[Any, bool]], samples: int) -> FoundOutput | None:
    """Where the outputs of a stage are: in itself, or as the inputs of the next one."""
    places: list[tuple[Any, tuple[str, ...], str]] = [(stage, OUTPUTS, "")]
    if following:
        places.append((following[0][0], INPUTS, "the next stage, "))
    for holder, names, what in places:
        if isinstance(holder, list | tuple | str):
            continue
        held = {key.lower().strip("_"): (key, value) for (_, key), value in entries(holder) if isinstance(key, str)}
        for name in names:
            key, value = held.get(name, ("", None))
            if not is_numeric(value) or not np.ndim(value) or (name == "y" and _are_one_hot(np.asarray(value))):
                continue
            if has_batch(np.asarray(value), samples):
                return FoundOutput(holder, key, f"{key} of {what}{type(holder).__name__}")
    return None


def _are_one_hot(array: NDArray[Any]) -> bool:
    """Whether these are targets, with one 1 in each row or in each column."""
    return bool(np.isin(array, (0, 1)).all() and any((array.sum(axis=axis) == 1).all() for axis in (0, -1)))


def has_batch(array: NDArray[Any], samples: int) -> bool:
    """Whether the first or the last axis of an array counts the samples of a batch."""
    return samples in (array.shape[0], array.shape[-1]) or samples == 1
