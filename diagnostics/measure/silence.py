"""Silent units: 0 for every sample of a batch, and for how many steps already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
State = Mapping[str, NDArray[np.int64]]


def silent_units(parts: Sequence[Array], candidates: NDArray[np.intp], nonnegative: bool) -> NDArray[np.intp]:
    """Those of the ``candidates`` whose outputs are 0 for every sample of all ``parts``.

    ``parts``: outputs of one layer, (C, H, W, n) or (F, n) each.
    ``candidates``: the units to look at.
    ``nonnegative``: promises that no output is below 0, as after ReLU.
    """
    for part in parts:
        if candidates.size == 0:
            break
        others = tuple(range(1, part.ndim))
        if part.ndim == 4 and len(candidates) <= 4:
            top = np.array([part[c].max() for c in candidates])
            low = top if nonnegative else np.array([part[c].min() for c in candidates])
        else:
            # Selecting units copies them. That is worth it for rows of samples, but not for whole maps.
            looked_at = part if part.ndim == 4 else part[candidates]
            top = np.maximum.reduce(looked_at, axis=others)
            low = top if nonnegative else np.minimum.reduce(looked_at, axis=others)
            if part.ndim == 4:
                top, low = top[candidates], low[candidates]
        candidates = candidates[(top == 0) & (low == 0)]
    return candidates


class SilentSteps:
    """For how many steps each unit has been silent, counted in steps, whether they were measured or not.

    Rows that are written every k steps therefore see the same window W as rows of every step. A step
    that was not measured counts as silent where the next measured one is.
    ``counts`` (units,): the steps, for every unit of all layers.
    ``measured``: how many steps lie between the first measured step and the last, both included.
    """

    def __init__(self, units: int) -> None:
        self.counts = np.zeros(units, dtype=np.int64)
        self._first = self._last = -1

    def add(self, step: int, silent: NDArray[np.uint8]) -> None:
        """Take in which units (units,) were silent at ``step``."""
        if self._first < 0:
            self._first, self._last = step, step - 1
        self.counts += step - self._last
        self.counts *= silent
        self._last = step

    @property
    def measured(self) -> int:
        return self._last - self._first + 1

    def state(self) -> State:
        """What it knows, for a checkpoint."""
        return {"streak": self.counts.copy(), "steps": np.array([self._first, self._last], dtype=np.int64)}

    def restore(self, state: State) -> None:
        """Go on from a :meth:`state`."""
        self.counts[:] = state["streak"]
        self._first, self._last = (int(step) for step in state["steps"])
