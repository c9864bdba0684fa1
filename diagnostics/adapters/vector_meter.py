"""VectorMeter: one row of the log from statistics that were computed elsewhere, as on a GPU or in a compiled step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.silence import State
from diagnostics.measure.tensors import NORM, logged_ratios
from diagnostics.schema.columns import KINDS, Columns
from diagnostics.schema.measures import SCALARS
from diagnostics.schema.number_range import are_beyond, logged_number, logged_numbers
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import StepEnd

VALUE, UPDATE = KINDS.index("value"), KINDS.index("update")
Snapshot = dict[str, NDArray[Any]]


class VectorMeter:
    """Makes rows of the statistics of tensors, and of the numbers of each step's end.

    Args:
        info: the run.
        tensors: gives the statistics of the step under way, in the order of kind, statistic, tensor; those of a
            float64 network may be beyond the range of a row.
    """

    def __init__(self, info: RunInfo, tensors: Callable[[], NDArray[np.floating[Any]]]) -> None:
        self.info, self._tensors = info, tensors
        declared = Columns.declare(info.tensors, info.layers)
        recorded = set(info.columns.names)
        self._row = np.full(len(declared), np.nan, np.float32)
        self._blocks = declared.blocks(self._row)
        self._kept = np.flatnonzero([name in recorded for name in declared.names])

    def finish(self, event: StepEnd) -> NDArray[np.float32]:
        """The row of the step that ends."""
        blocks = self._blocks
        blocks.scalars[:] = [logged_number(scalar.of(event)) for scalar in SCALARS]
        found = self._tensors().reshape(blocks.tensors.shape)
        blocks.tensors[...] = logged_numbers(found)
        norms = (found if are_beyond(blocks.tensors[:, NORM]).any() else blocks.tensors)[:, NORM]
        blocks.ratios[:] = logged_ratios(norms[UPDATE], norms[VALUE])
        return self._row[self._kept]

    def snapshot(self) -> Snapshot:
        """The rows of the snapshot arrays for the last step, by path."""
        return {}

    def state(self) -> State:
        """What later rows need besides the numbers of their steps."""
        return {}

    def restore(self, state: State) -> None: ...
    def activations(self, event: object) -> None: ...
    def gradients(self, event: object, keep: bool = False) -> None: ...
    def update(self, event: object) -> None: ...
