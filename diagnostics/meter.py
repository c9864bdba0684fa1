"""The meter: from the events of a step to one row of numbers.

It keeps copies of the parameters before the update and of the gradient, since
the trainer's buffers hold them only during the call, next to the update itself,
and measures all three at the end of the step in one go.
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
    """Measures one step at a time. ``row`` is its last row, overwritten by the next step."""

    def __init__(self, info: RunInfo) -> None:
        tensors, layers = len(info.tensors), len(info.layers) + 1
        self.row = np.full(len(info.columns), np.nan, dtype=np.float32)
        self._segments = Segments([t.size for t in info.tensors] * len(KINDS))
        self._value, self._gradient, self._update = self._segments.vector.reshape(len(KINDS), -1)
        # The blocks of a row lie one after another: see diagnostics.columns.
        start, size = len(SCALARS), len(KINDS) * len(TENSOR_STATISTICS) * tensors
        self._scalars = self.row[:start]
        self._statistics = np.zeros((len(TENSOR_STATISTICS), len(KINDS), tensors), dtype=np.float32)
        self._by_kind = self._statistics.transpose(1, 0, 2)
        self._tensors = self.row[start : start + size].reshape(self._by_kind.shape)
        self._ratios = self.row[start + size : start + size + tensors]
        activations = self.row[start + size + tensors :].reshape(len(ACTIVATION_STATISTICS), layers)
        self._dead_window = activations[DEAD_WINDOW, 1:]
        self._activity = Activity(info.layers, activations)
        self._window = window_steps(info.batch_size)
        self._streak = np.zeros(len(self._activity.silent), dtype=np.int64)
        self._first = self._last = -1

    @property
    def silent(self) -> NDArray[np.uint8]:
        """1 for every unit, of all layers, that was 0 for the whole batch of the last step."""
        return self._activity.silent

    @property
    def tensors(self) -> list[NDArray[np.float32]]:
        """Value, gradient and update of every tensor of the last step: all values, then all gradients, ..."""
        return self._segments.parts

    def activations(self, event: ActivationsReady) -> None:
        """Take in the outputs of a portion of the batch."""
        with np.errstate(all="ignore"):
            self._activity.observe(event.outputs, event.first_sample)

    def gradients(self, event: GradientsReady) -> None:
        """Take in the parameters and the gradient."""
        with np.errstate(all="ignore"):
            np.copyto(self._value, event.values, casting="same_kind")
            np.copyto(self._gradient, event.gradients, casting="same_kind")

    def update(self, event: UpdateDone) -> None:
        """Take in the parameters after the update."""
        with np.errstate(all="ignore"):
            np.subtract(event.values, self._value, out=self._update, casting="same_kind")

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
        with np.errstate(all="ignore"):
            self._activity.measure()
            self._segments.statistics(self._statistics.reshape(len(TENSOR_STATISTICS), -1))
            self._tensors[:] = self._by_kind
            values = self._tensors[0, NORM]
            np.divide(self._tensors[2, NORM], values, out=self._ratios)
        self._ratios[values == 0] = np.nan
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
        np.add.reduceat(streak >= self._window, self._activity.starts, out=self._dead_window, dtype=np.float32)
        self._dead_window /= self._activity.units
