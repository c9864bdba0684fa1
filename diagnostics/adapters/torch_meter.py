"""TorchMeter: from the numbers of a step, as they came from their devices, to one row of the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.vector_meter import Snapshot, VectorMeter
from diagnostics.measure.silence import SilentSteps, State
from diagnostics.schema.columns import KINDS, Column, Columns
from diagnostics.schema.measures import ACTIVATION_STATISTICS, RATE, TENSOR_STATISTICS, positions
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import RunStart, StepEnd

DEAD, DEAD_WINDOW = positions(ACTIVATION_STATISTICS, "dead_fraction", "dead_window_fraction")


class StepNumbers:
    """The numbers of the step under way; every step overwrites them.

    Args:
        tensors, layers, units: how many of them there are.

    Attributes:
        tensors: (kind, statistic, tensor), float64, so that it holds those of float64 networks.
        outputs: (statistic, layer), the input being the first layer.
        silent: (units,), 1 for units that were 0 for all samples of the step.
        rates: (tensor,), the learning rate of each tensor's update.
    """

    def __init__(self, tensors: int, layers: int, units: int) -> None:
        self.tensors = np.full((len(KINDS), len(TENSOR_STATISTICS), tensors), np.nan)
        self.outputs = np.full((len(ACTIVATION_STATISTICS), 1 + layers), np.nan, np.float32)
        self.silent = np.zeros(units, np.float32)
        self.rates = np.full(tensors, np.nan, np.float32)


class TorchMeter(VectorMeter):
    """Makes rows of the numbers of steps, with the outputs of the layers and the learning rate of each tensor.

    Args:
        info: the run.
        numbers: where the numbers of each step are.
        snapshot: makes the arrays of a snapshot of the step under way.
    """

    def __init__(self, info: RunInfo, numbers: StepNumbers, snapshot: Callable[[], Snapshot]) -> None:
        super().__init__(info, lambda: numbers.tensors)
        self._numbers, self._snapshot = numbers, snapshot
        recorded = set(info.columns.names)
        paths = [f"{one.layer}/{one.tensor}/update/{RATE.name}" for one in info.tensors]
        self._rated = [place for place, path in enumerate(paths) if path in recorded]
        self._counted = SilentSteps(
            info.layers, info.window, self._blocks.activations[DEAD, 1:], self._blocks.activations[DEAD_WINDOW, 1:]
        )

    def finish(self, event: StepEnd) -> NDArray[np.float32]:
        """The row of the step that ends."""
        self._blocks.activations[:] = self._numbers.outputs
        self._counted.add(event.step, self._numbers.silent.astype(np.uint8))
        return np.concatenate([super().finish(event), self._numbers.rates[self._rated]])

    def snapshot(self) -> Snapshot:
        """The rows of the snapshot arrays for the last step, by path."""
        return self._snapshot()

    def state(self) -> State:
        """For how long each unit has been silent."""
        return self._counted.state()

    def restore(self, state: State) -> None:
        """Go on from a :meth:`state`."""
        self._counted.restore(state)


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
