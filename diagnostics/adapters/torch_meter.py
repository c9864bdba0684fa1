"""TorchMeter: from the numbers of a step, as they came from their devices, to one row of the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.silence import SilentSteps, State
from diagnostics.measure.tensors import NORM
from diagnostics.schema.columns import KINDS, Column, Columns
from diagnostics.schema.measures import ACTIVATION_STATISTICS, RATE, RATIO, SCALARS, TENSOR_STATISTICS, positions
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import RunStart, StepEnd

VALUE, UPDATE = KINDS.index("value"), KINDS.index("update")
DEAD, DEAD_WINDOW = positions(ACTIVATION_STATISTICS, "dead_fraction", "dead_window_fraction")
Snapshot = dict[str, NDArray[Any]]


class StepNumbers:
    """The numbers of the step under way; every step overwrites them.

    Args:
        tensors, layers, units: how many of them there are.

    Attributes:
        tensors: (kind, statistic, tensor).
        outputs: (statistic, layer), the input being the first layer.
        silent: (units,), 1 for units that were 0 for all samples of the step.
        rates: (tensor,), the learning rate of each tensor's update.
    """

    def __init__(self, tensors: int, layers: int, units: int) -> None:
        self.tensors = np.full((len(KINDS), len(TENSOR_STATISTICS), tensors), np.nan, np.float32)
        self.outputs = np.full((len(ACTIVATION_STATISTICS), 1 + layers), np.nan, np.float32)
        self.silent = np.zeros(units, np.float32)
        self.rates = np.full(tensors, np.nan, np.float32)


class TorchMeter:
    """Makes rows of the numbers of steps.

    Args:
        info: the run.
        numbers: where the numbers of each step are.
        snapshot: makes the arrays of a snapshot of the step under way.
    """

    def __init__(self, info: RunInfo, numbers: StepNumbers, snapshot: Callable[[], Snapshot]) -> None:
        self.info, self._numbers, self._snapshot = info, numbers, snapshot
        declared = Columns.declare(info.tensors, info.layers)
        self._row = np.full(len(declared), np.nan, np.float32)
        self._blocks = declared.blocks(self._row)
        recorded = set(info.columns.names)
        self._kept = np.array([place for place, name in enumerate(declared.names) if name in recorded], np.intp)
        paths = [f"{one.layer}/{one.tensor}/update/{RATE.name}" for one in info.tensors]
        self._rated = [place for place, path in enumerate(paths) if path in recorded]
        self._counted = SilentSteps(
            info.layers, info.window, self._blocks.activations[DEAD, 1:], self._blocks.activations[DEAD_WINDOW, 1:]
        )

    def finish(self, event: StepEnd) -> NDArray[np.float32]:
        """The row of the step that ends."""
        blocks, numbers = self._blocks, self._numbers
        blocks.scalars[:] = [scalar.of(event) for scalar in SCALARS]
        blocks.tensors[:] = numbers.tensors
        blocks.activations[:] = numbers.outputs
        self._counted.add(event.step, numbers.silent.astype(np.uint8))
        with np.errstate(all="ignore"):
            blocks.ratios[:] = RATIO.of(blocks.tensors[UPDATE, NORM], blocks.tensors[VALUE, NORM])
        return np.concatenate([self._row[self._kept], numbers.rates[self._rated]])

    def snapshot(self) -> Snapshot:
        """The rows of the snapshot arrays for the last step, by path."""
        return self._snapshot()

    def state(self) -> State:
        """For how long each unit has been silent."""
        return self._counted.state()

    def restore(self, state: State) -> None:
        """Go on from a :meth:`state`."""
        self._counted.restore(state)

    def activations(self, event: object) -> None: ...
    def gradients(self, event: object, keep: bool = False) -> None: ...
    def update(self, event: object) -> None: ...


def recorded_columns(start: RunStart, has_own_rates: Sequence[str]) -> Columns:
    """The columns of a run.

    Args:
        start: tensors, layers, and in the description what is not recorded and which tensors have no gradient.
        has_own_rates: the tensors, as layer/tensor, whose learning rate is logged.
    """
    lacks = start.description.get("not_recorded", ())
    still = set(start.description.get("without_gradient", ()))
    declared = Columns.declare(start.tensors, start.layers, without=lacks)
    kept = [one for one in declared if one.kind not in KINDS[1:] or f"{one.layer}/{one.tensor}" not in still]
    pairs = [tuple(path.rsplit("/", 1)) for path in has_own_rates if path not in still]
    rates = [Column("tensor", layer, tensor, "update", RATE.name, RATE.unit) for layer, tensor in pairs]
    return Columns([*kept, *rates])
