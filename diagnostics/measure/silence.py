"""Finds silent units, which are 0 for every sample of a batch, and counts for how many steps they are silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.compiler import compiled_loops
from lenet.hooks import LayerInfo

Array = NDArray[np.floating[Any]]
State = Mapping[str, NDArray[np.int64]]


def mark_active(part: Array, asked: NDArray[np.bool_], silent: NDArray[np.uint8]) -> None:
    """Take the units that have an output other than 0 from the silent ones.

    ``part``: outputs of one layer, (H, C, W, n).
    ``asked`` (C,): the units to look at.
    ``silent`` (C,): set to 0 for those of them with an output other than 0.
    """
    if part.flags.c_contiguous and part.dtype == np.float32:
        compiled_loops().mark_active(part, asked, silent)
        return
    for unit in np.flatnonzero(asked & (silent != 0)).tolist():
        silent[unit] = not part[:, unit].any()


class SilentSteps:
    """Counts for how many steps each unit has been silent, steps that were not measured included.

    So rows of every k-th step have the same window W as rows of every step. In a step that was not
    measured a unit counts as silent where it is silent in the next measured one.

    ``layers``: the trainable layers.
    ``window``: W, in steps.
    ``dead`` (layers,): receives the share of silent units.
    ``dead_window`` (layers,): receives the share of units silent for W steps; NaN until W steps have been measured.

    ``counts`` (units,): the steps, for every unit of all layers.
    ``measured``: the number of steps from the first measured step to the last, both included.
    """

    def __init__(
        self, layers: Sequence[LayerInfo], window: int, dead: NDArray[np.float32], dead_window: NDArray[np.float32]
    ) -> None:
        self._ends = np.cumsum([layer.units for layer in layers], dtype=np.int64)
        self.counts = np.zeros(sum(layer.units for layer in layers), dtype=np.int64)
        self._dead, self._dead_window, self._window = dead, dead_window, window
        self._count = compiled_loops().count_silence
        self._first = self._last = -1

    def add(self, step: int, silent: NDArray[np.uint8]) -> None:
        """Add the units (units,) that were silent at ``step``."""
        if self._first < 0:
            self._first, self._last = step, step - 1
        self._count(silent, self.counts, step - self._last, self._window, self._ends, self._dead, self._dead_window)
        self._last = step
        if self.measured < self._window:
            self._dead_window[:] = np.nan

    @property
    def measured(self) -> int:
        return self._last - self._first + 1

    def state(self) -> State:
        """The counts, for a checkpoint."""
        return {"streak": self.counts.copy(), "steps": np.array([self._first, self._last], dtype=np.int64)}

    def restore(self, state: State) -> None:
        """Go on from a :meth:`state`."""
        self.counts[:] = state["streak"]
        self._first, self._last = (int(step) for step in state["steps"])
