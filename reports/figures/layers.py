"""The five curves of each layer that figures draw, read at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.run.run import Run

Array = NDArray[np.float64]
KINDS = ("gradient", "value")
"""What is joined over all tensors of a layer."""


@dataclass(frozen=True)
class LayerCurves:
    """Curves (layers, n) of the layers with parameters, in the order of the network.

    ``gradient`` and ``norm`` are over all tensors of a layer together, weights and biases; ``ratio`` is that of the
    weights.
    """

    steps: NDArray[np.int64]
    layers: tuple[str, ...]
    gradient: Array
    ratio: Array
    norm: Array
    dead: Array
    saturated: Array

    def of(self, layer: str) -> dict[str, Array]:
        """The five curves of one layer, by name."""
        place = self.layers.index(layer)
        names = ("gradient", "ratio", "norm", "dead", "saturated")
        return {name: getattr(self, name)[place] for name in names}


def layer_curves(run: Run) -> LayerCurves:
    """The curves of all layers over all steps."""
    columns = run.columns
    layers = tuple(dict.fromkeys(layer for layer, _ in columns.tensors))
    tensors = {layer: [tensor for one, tensor in columns.tensors if one == layer] for layer in layers}
    wanted: list[tuple[str, str, int]] = []
    for layer in layers:
        main = tensors[layer][0]
        names = {f"{kind} of {one}": f"{layer}/{one}/{kind}/norm" for kind in KINDS for one in tensors[layer]}
        names |= {"ratio": f"{layer}/{main}/update/ratio"}
        names |= {"dead": f"{layer}/dead_fraction", "saturated": f"{layer}/saturated_fraction"}
        found_in = ((name, columns.find(column)) for name, column in names.items())
        wanted += [(layer, name, place) for name, place in found_in if place is not None]
    places = np.array([place for _, _, place in wanted], dtype=np.intp)
    block = run.block(places).astype(np.float64)
    found: dict[tuple[str, str], Any] = {(la, name): block[:, i] for i, (la, name, _) in enumerate(wanted)}
    steps = np.ascontiguousarray(run.index["step"])
    missing = np.full(len(steps), np.nan)

    def stack(name: str) -> Array:
        return np.array([found.get((layer, name), missing) for layer in layers])

    def together(kind: str) -> Array:
        each = ([found.get((layer, f"{kind} of {one}"), missing) for one in tensors[layer]] for layer in layers)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.array([reduce(np.hypot, norms) for norms in each])

    gradient, norm = map(together, KINDS)
    return LayerCurves(steps, layers, gradient, stack("ratio"), norm, stack("dead"), stack("saturated"))
