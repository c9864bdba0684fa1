"""DeadEnd that a run cannot learn any more, from its rows alone.

A layer is *closed* where its outputs were the same number for every input throughout
the last W steps: all its ReLU units dead, or all its sigmoid or tanh outputs stuck at
one value. What comes after a closed layer sees a constant and can only learn how
frequent the classes are. Where, besides, the gradient of the layer's own parameters
and of all below is exactly zero, gradient descent cannot open it again.

Decoupled weight decay moves parameters without a gradient, so there is no proof where
it is used; an L2 penalty is part of the gradient, which then is not zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.recent_rows import RecentRows
from diagnostics.schema.columns import Columns
from diagnostics.schema.run_info import RunInfo

Row = NDArray[np.float32]


class DeadEnd:
    """Looks for a closed layer without a gradient in the hidden layers of a run; W is ``window`` steps."""

    def __init__(self, info: RunInfo, columns: Columns, window: int) -> None:
        self._window = window
        self._is_possible = not info.description.get("weight_decay")
        self._layers: list[tuple[int | None, int | None, NDArray[np.intp]]] = []
        below: list[int] = []
        for layer in info.layers[:-1]:
            own = [columns.find(f"{layer.name}/{tensor}/gradient/norm") for tensor in ("weights", "biases")]
            if None in own:
                break  # nothing can be proven for this layer and those above
            below += [place for place in own if place is not None]
            dead = columns.find(f"{layer.name}/dead_window_fraction") if layer.activation == "relu" else None
            spread = columns.find(f"{layer.name}/std") if layer.activation in ("sigmoid", "tanh") else None
            self._layers.append((dead, spread, np.array(below, np.intp)))

    def is_proven(self, row: Row, history: RecentRows) -> bool:
        """Whether it is proven by ``row``, the newest of ``history``."""
        if not self._is_possible:
            return False
        for dead, spread, gradients in self._layers:
            if row[gradients].any():  # NaN counts as a gradient
                return False
            if dead is not None and row[dead] == 1:
                return True
            if spread is not None and row[spread] == 0 and self._is_constant(spread, history):
                return True
        return False

    def _is_constant(self, place: int, history: RecentRows) -> bool:
        steps, rows = history.ordered()
        inside = steps > steps[-1] - self._window
        return bool(steps[-1] - steps[0] >= self._window - 1 and not rows[inside, place].any())
