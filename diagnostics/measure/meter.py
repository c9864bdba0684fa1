"""StepMeter: from the events of a step to one row of numbers.

The trainer's buffers hold what they say only during the call. Parameters and
gradient are therefore copied into one buffer, next to the update, and all of it
is measured at the end of the step in one go.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.activations import ActivationStatistics
from diagnostics.measure.silence import State
from diagnostics.measure.tensors import MAX, MIN, NORM, TensorStatistics
from diagnostics.schema.columns import KINDS
from diagnostics.schema.measures import RATIO, SCALARS
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import ActivationsReady, FloatArray, GradientsReady, StepEnd, UpdateDone

VALUE, GRADIENT, UPDATE = (KINDS.index(kind) for kind in ("value", "gradient", "update"))


class StepMeter:
    """Measures one step at a time.

    ``info``: the run, whose ``columns`` are those of the row.

    ``row`` is the row of the last step, overwritten by the next one.
    ``tensors``: for each kind (value, gradient, update) the tensors of the last step, flat.
    """

    def __init__(self, info: RunInfo) -> None:
        self.info = info
        self.row = np.full(len(info.columns), np.nan, dtype=np.float32)
        self._blocks = info.columns.blocks(self.row)
        self._buffer = TensorStatistics([t.size for t in info.tensors], self._blocks.tensors)
        self.tensors = self._buffer.parts
        self._activations = ActivationStatistics(info.layers, self._blocks.activations, info.window)
        self._before: FloatArray | None = None

    @property
    def silent(self) -> NDArray[np.uint8]:
        """1 for every unit, of all layers, that was 0 for the whole batch of the last step."""
        return self._activations.silent

    @property
    def ends(self) -> NDArray[np.float32]:
        """Smallest and largest entry of each of the :attr:`tensors`, (kind, 2, tensor)."""
        return self._blocks.tensors[:, [MIN, MAX]]

    def activations(self, event: ActivationsReady) -> None:
        """Take in the outputs of a portion of the batch."""
        self._activations.observe(event.outputs, event.first_sample)

    def gradients(self, event: GradientsReady) -> None:
        """Take in the parameters and the gradient."""
        # What is not changed must show an update of exactly 0, so wider parameters are kept as they are.
        self._before = None if event.values.dtype == np.float32 else event.values.copy()
        with np.errstate(all="ignore"):
            np.copyto(self._buffer.entries[VALUE], event.values, casting="same_kind")
            np.copyto(self._buffer.entries[GRADIENT], event.gradients, casting="same_kind")

    def update(self, event: UpdateDone) -> None:
        """Take in the parameters after the update."""
        entries = self._buffer.entries
        before = entries[VALUE] if self._before is None else self._before
        with np.errstate(all="ignore"):
            np.subtract(event.values, before, out=entries[UPDATE], casting="same_kind")

    def finish(self, event: StepEnd) -> NDArray[np.float32]:
        """The row of the step that ends; valid until the next step."""
        blocks = self._blocks
        blocks.scalars[:] = [scalar.of(event) for scalar in SCALARS]
        self._buffer.measure()
        self._activations.finish(event.step)
        with np.errstate(all="ignore"):
            blocks.ratios[:] = RATIO.of(blocks.tensors[UPDATE, NORM], blocks.tensors[VALUE, NORM])
        return self.row

    def state(self) -> State:
        """What the next rows depend on, apart from the model: how long each unit has been silent."""
        return self._activations.silent_steps.state()

    def restore(self, state: State) -> None:
        """Go on from a :meth:`state`."""
        self._activations.silent_steps.restore(state)
