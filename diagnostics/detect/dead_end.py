"""Proves from the rows of a run that it cannot learn any more.

A layer is *closed* where its outputs were the same number for every input throughout
the last W steps: all its ReLU units dead, or all its sigmoid or tanh outputs stuck at
one value. The layers after a closed layer get a constant input and can only learn how
frequent the classes are. Where, besides, the gradient of the layer's own parameters
and of all layers below is exactly zero, gradient descent cannot change it any more.

Decoupled weight decay moves parameters without a gradient, so nothing is proven where
it is used. An L2 penalty is part of the gradient, which then is not zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.recent_rows import RecentRows
from diagnostics.schema.run_info import RunInfo

Row = NDArray[np.float32]
CLOSED = {"relu": ("dead_fraction", 1.0), "sigmoid": ("std", 0.0), "tanh": ("std", 0.0)}
"""By activation function: the statistic of a layer's outputs, and its value, where the layer is closed at a step."""


class DeadEnd:
    """Looks for a closed layer without a gradient in the hidden layers of a run.

    ``info``: the run, with its window W.
    """

    def __init__(self, info: RunInfo) -> None:
        columns = info.columns
        self._window = info.window
        self._is_possible = not info.description.get("weight_decay")
        # For each layer: the column that shows whether it is closed at a step, its value where the layer is closed,
        # and the columns of the gradients that have to be zero.
        self._layers: list[tuple[int, float, NDArray[np.intp]]] = []
        below: list[int] = []
        functions = {layer.name: layer.activation for layer in info.hidden_layers}
        for layer in info.layer_names[:-1]:
            names = [f"{layer}/{t.tensor}" for t in info.tensors if t.layer == layer]
            own = [columns.find(f"{name}/gradient/norm") for name in names if name not in info.without_gradient]
            if None in own:
                break  # for this layer and those above it nothing can be proven
            below += [place for place in own if place is not None]
            if (function := functions.get(layer)) in CLOSED:
                statistic, value = CLOSED[function]
                place = columns.find(f"{layer}/{statistic}")
                if place is not None:
                    self._layers.append((place, value, np.array(below, np.intp)))

    def is_proven(self, row: Row, history: RecentRows) -> bool:
        """Whether ``row``, the newest of ``history``, completes the proof."""
        if not self._is_possible:
            return False
        for place, value, gradients in self._layers:
            if row[gradients].any():  # NaN counts as a gradient
                return False
            if row[place] == value and self._was_always(place, value, history):
                return True
        return False

    def _was_always(self, place: int, value: float, history: RecentRows) -> bool:
        """Whether a column had this value throughout the last W steps."""
        steps, rows = history.ordered()
        inside = steps > steps[-1] - self._window
        return bool(steps[-1] - steps[0] >= self._window - 1 and (rows[inside, place] == value).all())
