"""The meter: from the events of a step to one row of numbers.

The trainer's buffers hold what they say only during the call, so parameters,
gradient and a subsample of the outputs are copied into one buffer, next to the
update, and all of it is measured at the end of the step in one go.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.activations import DEAD_WINDOW, Activity, Plan
from diagnostics.measure.tensors import MAX, MIN, NORM, window_steps
from diagnostics.schema.columns import ACTIVATION_STATISTICS, KINDS, SCALARS, TENSOR_STATISTICS
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import ActivationsReady, GradientsReady, StepEnd, UpdateDone

State = Mapping[str, NDArray[np.int64]]


class Meter:
    """Measures one step at a time. ``row`` is its last row, overwritten by the next step."""

    def __init__(self, info: RunInfo) -> None:
        self.info = info
        tensors, layers = len(info.tensors), len(info.layers) + 1
        self._slices = [slice(t.offset, t.offset + t.size) for t in info.tensors]
        self._count = len(KINDS) * tensors
        self.row = np.full(len(info.columns), np.nan, dtype=np.float32)
        # The blocks of a row lie one after another: see diagnostics.schema.columns.
        start, size = len(SCALARS), self._count * len(TENSOR_STATISTICS)
        self._scalars = self.row[:start]
        self._tensors = self.row[start : start + size].reshape(len(KINDS), len(TENSOR_STATISTICS), tensors)
        self._ratios = self.row[start + size : start + size + tensors]
        activations = self.row[start + size + tensors :].reshape(len(ACTIVATION_STATISTICS), layers)
        self._dead_window = activations[DEAD_WINDOW, 1:]
        self._activity = Activity(info.layers, activations, [t.size for t in info.tensors] * len(KINDS))
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
        return self._plan.segments.parts[: self._count]

    @property
    def ends(self) -> NDArray[np.float32]:
        """Smallest and largest entry of each of the :attr:`tensors`, (2, tensors)."""
        return self._plan.statistics[MIN : MAX + 1, : self._count]

    def activations(self, event: ActivationsReady) -> None:
        """Take in the outputs of a portion of the batch."""
        with np.errstate(all="ignore"):
            self._activity.observe(event.outputs, event.first_sample)

    def gradients(self, event: GradientsReady) -> None:
        """Take in the parameters and the gradient."""
        values, gradients = event.values, event.gradients
        with np.errstate(all="ignore"):
            for (value, gradient, _), where in zip(self._plan.threes, self._slices, strict=True):
                np.copyto(value, values[where], casting="same_kind")
                np.copyto(gradient, gradients[where], casting="same_kind")

    def update(self, event: UpdateDone) -> None:
        """Take in the parameters after the update."""
        values = event.values
        with np.errstate(all="ignore"):
            for (value, _, update), where in zip(self._plan.threes, self._slices, strict=True):
                np.subtract(values[where], value, out=update, casting="same_kind")

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
        plan, kinds = self._plan, len(KINDS)
        with np.errstate(all="ignore"):
            plan.measure()
            measured = plan.statistics[:, : self._count].reshape(len(TENSOR_STATISTICS), kinds, -1)
            self._tensors[:] = measured.transpose(1, 0, 2)
            values = self._tensors[0, NORM]
            np.divide(self._tensors[2, NORM], values, out=self._ratios)
            if 0.0 in values.tolist():
                self._ratios[values == 0] = np.nan
            self._activity.report()
        self._count_silence(event.step)
        return self.row

    def state(self) -> State:
        """What the next rows depend on, apart from the model: how long each unit has been silent."""
        return {"streak": self._streak.copy(), "steps": np.array([self._first, self._last], dtype=np.int64)}

    def restore(self, state: State) -> None:
        """Go on from a :meth:`state`."""
        self._streak[:] = state["streak"]
        self._first, self._last = (int(s) for s in state["steps"])

    @property
    def _plan(self) -> Plan:
        if self._activity.plan is None:
            raise RuntimeError("activations must be announced before gradients")
        return self._activity.plan

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
