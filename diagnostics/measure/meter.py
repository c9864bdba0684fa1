"""StepMeter: from the events of a step to one row of numbers.

The trainer's buffers hold what they say only during the call. Parameters,
gradient and a subsample of the outputs are therefore copied into one buffer, next
to the update, and all of it is measured at the end of the step in one go.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.activation_layout import ActivationLayout
from diagnostics.measure.activations import ActivationStatistics
from diagnostics.measure.silence import State
from diagnostics.measure.tensors import MAX, MIN, NORM
from diagnostics.schema.columns import KINDS
from diagnostics.schema.measures import RATIO, SCALARS
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import ActivationsReady, FloatArray, GradientsReady, StepEnd, UpdateDone

VALUE, GRADIENT, UPDATE = (KINDS.index(kind) for kind in ("value", "gradient", "update"))


class StepMeter:
    """Measures one step at a time.

    ``info``: the run, whose ``columns`` are those of the row.

    ``row`` is the row of the last step, overwritten by the next one.
    """

    def __init__(self, info: RunInfo) -> None:
        self.info = info
        self.row = np.full(len(info.columns), np.nan, dtype=np.float32)
        self._blocks = info.columns.blocks(self.row)
        self._slices = [slice(t.offset, t.offset + t.size) for t in info.tensors]
        sizes = [t.size for t in info.tensors]
        self._activations = ActivationStatistics(info.layers, self._blocks.activations, info.window, sizes)
        self._before: FloatArray | None = None

    @property
    def silent(self) -> NDArray[np.uint8]:
        """1 for every unit, of all layers, that was 0 for the whole batch of the last step."""
        return self._activations.silent

    @property
    def tensors(self) -> list[list[NDArray[np.float32]]]:
        """For each kind (value, gradient, update) the tensors of the last step, flat."""
        return self._layout.tensors

    @property
    def ends(self) -> NDArray[np.float32]:
        """Smallest and largest entry of each of the :attr:`tensors`, (2, kind, tensor)."""
        return self._layout.tensor_statistics[[MIN, MAX]]

    def activations(self, event: ActivationsReady) -> None:
        """Take in the outputs of a portion of the batch."""
        with np.errstate(all="ignore"):
            self._activations.observe(event.outputs, event.first_sample)

    def gradients(self, event: GradientsReady) -> None:
        """Take in the parameters and the gradient."""
        values, gradients = event.values, event.gradients
        # What is not changed must show an update of exactly 0, so wider parameters are kept as they are.
        self._before = None if values.dtype == np.float32 else values.copy()
        with np.errstate(all="ignore"):
            tensors = self._layout.tensors
            for value, gradient, where in zip(tensors[VALUE], tensors[GRADIENT], self._slices, strict=True):
                np.copyto(value, values[where], casting="same_kind")
                np.copyto(gradient, gradients[where], casting="same_kind")

    def update(self, event: UpdateDone) -> None:
        """Take in the parameters after the update."""
        values, before = event.values, self._before
        with np.errstate(all="ignore"):
            tensors = self._layout.tensors
            for value, update, where in zip(tensors[VALUE], tensors[UPDATE], self._slices, strict=True):
                old = value if before is None else before[where]
                np.subtract(values[where], old, out=update, casting="same_kind")

    def finish(self, event: StepEnd) -> NDArray[np.float32]:
        """The row of the step that ends; valid until the next step."""
        layout, blocks = self._layout, self._blocks
        blocks.scalars[:] = [scalar.of(event) for scalar in SCALARS]
        with np.errstate(all="ignore"):
            layout.measure()
            blocks.tensors[:] = layout.tensor_statistics.transpose(1, 0, 2)
            blocks.ratios[:] = RATIO.of(blocks.tensors[UPDATE, NORM], blocks.tensors[VALUE, NORM])
            self._activations.finish(event.step)
        return self.row

    def state(self) -> State:
        """What the next rows depend on, apart from the model: how long each unit has been silent."""
        return self._activations.silent_steps.state()

    def restore(self, state: State) -> None:
        """Go on from a :meth:`state`."""
        self._activations.silent_steps.restore(state)

    @property
    def _layout(self) -> ActivationLayout:
        if self._activations.layout is None:
            raise RuntimeError("activations must be announced before gradients")
        return self._activations.layout
