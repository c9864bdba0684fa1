"""The places of weights and biases in a list: of which layer each of its arrays is.

Lists are [W1, b1, W2, b2], [W1, W2, b1, b2], [Wx, Wh, b] of one recurrent layer, or [Wxh, Whh, Why, bh, by].
"""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.adapters.walk import HeldArray

Layer = list[HeldArray]
"""The arrays of one layer, its weights first."""


def layers_in_list(arrays: Sequence[HeldArray]) -> list[Layer]:
    """The layers whose weights and biases a list holds, in turn; none for a list of other arrays."""
    found: list[Layer] = []
    for weights, biases in _runs(arrays):
        layers = _layers_of_run(weights, biases)
        if not layers:
            return []
        found += layers
    return found


def is_vector(one: HeldArray) -> bool:
    """Whether at most one side of an array is longer than 1."""
    return bool(max(one.value.shape) == one.value.size)


def _runs(arrays: Sequence[HeldArray]) -> list[tuple[Layer, Layer]]:
    """Weights that follow each other, and the biases that follow them."""
    runs: list[tuple[Layer, Layer]] = []
    for one in arrays:
        weights, biases = runs[-1] if runs else ([], [])
        may_be_weights = one.value.ndim > 1 and len(biases) == len(weights)
        if not may_be_weights and any(_may_be_biases(one, other) for other in weights):
            biases.append(one)
        elif not runs or biases:
            runs.append(([one], []))
        else:
            weights.append(one)
    return runs


def _layers_of_run(weights: Layer, biases: Layer) -> list[Layer]:
    """The layers of weights and the biases after them; none where some biases belong to no weights."""
    if any(one.value.ndim < 2 for one in weights):
        return []
    if len(biases) == len(weights) and all(_fits(*pair) for pair in zip(weights, biases, strict=True)):
        return [list(pair) for pair in zip(weights, biases, strict=True)]
    for axis in (-1, 0):
        if biases and (layers := _sharing(weights, biases, axis)):
            return layers
    if len(biases) > 1 or not all(_fits(weights[-1], bias) for bias in biases):
        return []
    return [*([one] for one in weights[:-1]), [weights[-1], *biases]]


def _sharing(weights: Layer, biases: Layer, axis: int) -> list[Layer]:
    """The layers where each weights have the units of the biases of their layer along one axis; none elsewhere."""
    layers: list[Layer] = [[]]
    for one in weights:
        units = one.value.shape[axis]
        if biases[len(layers) - 1].value.size != units:
            layers.append([])
        if len(layers) > len(biases) or biases[len(layers) - 1].value.size != units:
            return []
        layers[-1].append(one)
    if len(layers) < len(biases) or not all(layers):
        return []
    return [[*layer, bias] for layer, bias in zip(layers, biases, strict=True)]


def _may_be_biases(one: HeldArray, weights: HeldArray) -> bool:
    """Whether an array has a number for each unit of weights: (s, 1) for rows of units, (1, s) for columns, or (s,)."""
    if one.value.ndim != 2:
        return is_vector(one) and _fits(weights, one)
    axis = 0 if one.value.shape[1] == 1 else -1
    return is_vector(one) and one.value.size == weights.value.shape[axis]


def _fits(weights: HeldArray, biases: HeldArray) -> bool:
    return biases.value.size in weights.value.shape
