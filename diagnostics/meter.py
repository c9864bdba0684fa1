"""The meter: from the events of a step to one row of numbers.

It keeps copies of the parameters before the update and of the gradient, since
the trainer's buffers hold them only during the call, and the update itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from diagnostics.activity import DEAD_WINDOW, Activity
from diagnostics.columns import ACTIVATION_STATISTICS, KINDS, SCALARS, TENSOR_STATISTICS
from diagnostics.info import RunInfo
from diagnostics.measures import NORM, Segments, window_steps
from lenet.hooks import ActivationsReady, GradientsReady, StepEnd, UpdateDone

State = Mapping[str, NDArray[np.int64]]


class Meter:
    """Measures one step at a time. ``row`` is its last row, overwritten by the next step.

    ``vectors`` holds value, gradient and update of that step, (3, parameters).
    """

    def __init__(self, info: RunInfo) -> None:
        tensors, layers = len(info.tensors), len(info.layers) + 1
        self.row = np.full(len(info.columns), np.nan, dtype=np.float32)
        self.segments = Segments([t.size for t in info.tensors])
        self.vectors = np.zeros((len(KINDS), self.segments.total), dtype=np.float32)
        # The blocks of a row lie one after another: see diagnostics.columns.
        start, size = len(SCALARS), len(KINDS) * len(TENSOR_STATISTICS) * tensors
        self._scalars = self.row[:start]
        self._blocks = self.row[start : start + size].reshape(len(KINDS), len(TENSOR_STATISTICS), tensors)
        self._ratios = self.row[start + size : start + size + tensors]
        activations = self.row[start + size + tensors :].reshape(len(ACTIVATION_STATISTICS), layers)
        self._dead_window = activations[DEAD_WINDOW, 1:]
        self._activity = Activity(info.layers, activations)
        self._units = np.array([layer.units for layer in info.layers], dtype=np.float32)
        self._starts = np.array([p.start for p in self._activity.places], dtype=np.intp)
        self._window = window_steps(info.batch_size)
        self._streak = np.zeros(len(self._activity.silent), dtype=np.int64)
        self._first = self._last = -1

    @property
    def silent(self) -> NDArray[np.uint8]:
        """1 for every unit, of all layers, that was 0 for the whole batch of the last step."""
        return self._activity.silent

    def activations(self, event: ActivationsReady) -> None:
        """Take in the outputs of a portion of the batch."""
        with np.errstate(all="ignore"):
            self._activity.observe(event.outputs, event.first_sample)

    def gradients(self, event: GradientsReady) -> None:
        """Take in the parameters and the gradient."""
        value, gradient = self.vectors[0], self.vectors[1]
        np.copyto(value, event.values, casting="same_kind")
        np.copyto(gradient, event.gradients, casting="same_kind")
        with np.errstate(all="ignore"):
            self.segments.statistics(value, self._blocks[0])
            self.segments.statistics(gradient, self._blocks[1])

    def update(self, event: UpdateDone) -> None:
        """Take in the parameters after the update."""
        update = self.vectors[2]
        with np.errstate(all="ignore"):
            np.subtract(event.values, self.vectors[0], out=update, casting="same_kind")
            self.segments.statistics(update, self._blocks[2])
            np.divide(self._blocks[2, NORM], self._blocks[0, NORM], out=self._ratios)
        self._ratios[self._blocks[0, NORM] == 0] = np.nan

    def finish(self, event: StepEnd) -> NDArray[np.float32]:
        """The row of the step that ends; valid until the next step."""
        self._scalars[:] = (
            event.loss,
            event.data_loss,
            event.penalty,
            event.accuracy,
            event.learning_rate,
            event.seconds,
            event.samples,
        )
        self._count_silence(event.step)
        return self.row

    def state(self) -> State:
        """What the next rows depend on, apart from the model: how long each unit has been silent."""
        return {"streak": self._streak.copy(), "steps": np.array([self._first, self._last], dtype=np.int64)}

    def restore(self, state: State) -> None:
        """Go on from a :meth:`state`."""
        self._streak[:] = state["streak"]
        self._first, self._last = (int(s) for s in state["steps"])

    def _count_silence(self, step: int) -> None:
        """Streaks count steps, so that rows written every k steps see the same window."""
        if self._first < 0:
            self._first, self._last = step, step - 1
        streak = self._streak
        streak += step - self._last
        streak *= self._activity.silent
        self._last = step
        if step - self._first + 1 < self._window:
            self._dead_window[:] = np.nan
            return
        dead = np.add.reduceat(streak >= self._window, self._starts, dtype=np.float32)
        np.divide(dead, self._units, out=self._dead_window)
