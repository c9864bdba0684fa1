"""StepMeter: makes one row of numbers from the events of a step.

The trainer's buffers are valid only during the call, so each event is measured when it comes. The parameters are kept
until the update, since the row has their difference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.activations import ActivationStatistics
from diagnostics.measure.histograms import histograms
from diagnostics.measure.silence import State
from diagnostics.measure.tensors import MAX, MIN, NORM, TensorStatistics, logged_ratios
from diagnostics.schema.columns import KINDS, Columns
from diagnostics.schema.measures import SCALARS
from diagnostics.schema.number_range import logged_number
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import BINS, COUNTS, KERNELS, RANGES, SILENT
from lenet.hooks import ActivationsReady, FloatArray, GradientsReady, StepEnd, UpdateDone

VALUE, GRADIENT, UPDATE = (KINDS.index(kind) for kind in ("value", "gradient", "update"))


class Meter(Protocol):
    """What a recorder asks of a meter, in this order at each step."""

    def activations(self, event: ActivationsReady) -> None: ...
    def gradients(self, event: GradientsReady, keep: bool = False) -> None: ...
    def update(self, event: UpdateDone) -> None: ...
    def finish(self, event: StepEnd) -> NDArray[np.float32]: ...
    def snapshot(self) -> dict[str, NDArray[Any]]: ...
    def state(self) -> State: ...
    def restore(self, state: State) -> None: ...


class StepMeter:
    """Measures one step at a time.

    ``info``: the run, whose ``columns`` are those of the row.

    ``row`` has all declared columns of the last step, NaN for those that are not measured; the next step overwrites it.
    ``entries`` (kind, entry): value, gradient and update of the last step; the gradient only where it is kept.
    """

    def __init__(self, info: RunInfo) -> None:
        self.info = info
        declared = Columns.declare(info.tensors, info.layers) if info.not_recorded else info.columns
        self.row = np.full(len(declared), np.nan, dtype=np.float32)
        self._blocks = declared.blocks(self.row)
        # Where something is not measured, the columns that are.
        known = set(info.columns.names)
        self._kept = None if declared is info.columns else np.flatnonzero([one.name in known for one in declared])
        self._has_gradients = any(one.kind == KINDS[GRADIENT] for one in info.columns)
        self._has_outputs = any(one.group == "activation" for one in info.columns)
        sizes = [t.size for t in info.tensors]
        self.entries = np.zeros((len(KINDS), sum(sizes)), dtype=np.float32)
        if not self._has_gradients:
            self.entries[GRADIENT] = np.nan
        self._statistics = [TensorStatistics(sizes, out) for out in self._blocks.tensors]
        self._activations = ActivationStatistics(info.layers, self._blocks.activations, info.window)
        self._before: FloatArray = self.entries[VALUE]

    @property
    def silent(self) -> NDArray[np.uint8]:
        """1 for every unit, of all layers, that was 0 for the whole batch of the last step."""
        return self._activations.silent

    @property
    def tensors(self) -> list[list[NDArray[np.float32]]]:
        """The tensors in :attr:`entries` for each kind, flat."""
        return [np.split(flat, self._statistics[VALUE].starts) for flat in self.entries]

    @property
    def ends(self) -> NDArray[np.float32]:
        """Smallest and largest entry of each of the :attr:`tensors`, (kind, 2, tensor)."""
        return self._blocks.tensors[:, [MIN, MAX]]

    def activations(self, event: ActivationsReady) -> None:
        """Measure the outputs of a portion of the batch."""
        self._activations.observe(event.outputs, event.first_sample)

    def gradients(self, event: GradientsReady, keep: bool = False) -> None:
        """Measure parameters and gradient. ``keep``: whether :attr:`entries` keeps the gradient."""
        values, gradients = event.values, event.gradients
        # A parameter that does not change must have an update of exactly 0, so float64 parameters are kept in float64.
        self._before = self.entries[VALUE] if values.dtype == np.float32 else values.copy()
        with np.errstate(all="ignore"):
            np.copyto(self.entries[VALUE], values, casting="same_kind")
            if self._has_gradients and (keep or gradients.dtype != np.float32):
                np.copyto(self.entries[GRADIENT], gradients, casting="same_kind")
                gradients = self.entries[GRADIENT]
        self._measure(VALUE, self.entries[VALUE], values.dtype, lambda: values)
        if self._has_gradients:
            self._measure(GRADIENT, gradients, event.gradients.dtype, lambda: event.gradients)

    def update(self, event: UpdateDone) -> None:
        """Measure the update, from the parameters after it."""
        update, before = self.entries[UPDATE], self._before
        with np.errstate(all="ignore"):
            np.subtract(event.values, before, out=update, casting="same_kind")
            self._measure(UPDATE, update, event.values.dtype, lambda: event.values - before)

    def finish(self, event: StepEnd) -> NDArray[np.float32]:
        """The row of the step that ends; valid until the next step."""
        blocks = self._blocks
        blocks.scalars[:] = [logged_number(scalar.of(event)) for scalar in SCALARS]
        if self._has_outputs:
            self._activations.finish(event.step)
        blocks.ratios[:] = logged_ratios(self._norms(UPDATE), self._norms(VALUE))
        return self.row if self._kept is None else self.row[self._kept]

    def _measure(self, kind: int, entries: FloatArray, dtype: np.dtype[Any], source: Callable[[], FloatArray]) -> None:
        """Measure the ``entries`` of a kind; those of a wider ``dtype`` are rounded from what ``source`` returns."""
        self._statistics[kind].measure(entries)
        if dtype.itemsize > entries.dtype.itemsize:
            self._statistics[kind].measure_wide(entries, source)

    def _norms(self, kind: int) -> FloatArray:
        """The norms of a kind as they are, also where the row cannot hold them."""
        wide = self._statistics[kind].wide_norms
        return self._blocks.tensors[kind, NORM] if wide is None else wide

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """The rows of the snapshot arrays for the last step, by path."""
        tensors, first = len(self.info.tensors), self.info.first_convolution
        counts = np.zeros((len(KINDS), tensors, BINS), dtype=np.uint32)
        ranges = np.zeros((len(KINDS), tensors, 2), dtype=np.float32)
        parts, ends = self.tensors, self.ends
        for kind in range(len(KINDS)):
            histograms(parts[kind], ends[kind], counts[kind], ranges[kind])
        kernels = parts[VALUE][self.info.tensors.index(first)].copy() if first else np.zeros(0, np.float32)
        return {COUNTS.path: counts, RANGES.path: ranges, SILENT.path: self.silent.copy(), KERNELS.path: kernels}

    def state(self) -> State:
        """The state on which the next rows depend beside the model: how long each unit has been silent."""
        return self._activations.silent_steps.state()

    def restore(self, state: State) -> None:
        """Go on from a :meth:`state`."""
        self._activations.silent_steps.restore(state)
