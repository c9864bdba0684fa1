"""Statistics of layer outputs, gathered over the portions of a batch.

Mean, deviation, zeros and saturation come from a fixed subsample, see
:mod:`diagnostics.measure.activation_layout`. Silence is exact: a unit that has a nonzero output
in the subsample is not silent; for the others the whole batch is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure import tensors
from diagnostics.measure.activation_layout import ActivationLayout, Outputs
from diagnostics.measure.silence import SilentSteps, silent_units
from diagnostics.schema.measures import ACTIVATION_STATISTICS, FLAT_ENDS, LayerOutputs, others, positions
from lenet.hooks import LayerInfo

NAMES = ("mean", "std", "zero_fraction", "saturated_fraction", "dead_fraction", "dead_window_fraction")
MEAN, STD, ZERO, SATURATED, DEAD, DEAD_WINDOW = positions(ACTIVATION_STATISTICS, *NAMES)
OTHERS = others(ACTIVATION_STATISTICS, *NAMES)
KEPT_LAYOUTS = 4


class ActivationStatistics:
    """What the outputs of a step say.

    ``layers``: the trainable layers.
    ``block``: (statistic, layer) is where the statistics go; the input is the first layer.
    ``window``: W, in steps.
    ``tensor_sizes``: the number of entries of each parameter tensor, measured in the same buffer.

    ``silent`` (units,) is 1 for every unit, of all layers, that was 0 for the whole batch so far.
    ``layout`` is that of the step's first portion.
    """

    def __init__(
        self, layers: Sequence[LayerInfo], block: NDArray[np.float32], window: int, tensor_sizes: Sequence[int] = ()
    ) -> None:
        ends = np.cumsum([0, *(layer.units for layer in layers)]).tolist()
        self.silent: NDArray[np.uint8] = np.ones(ends[-1], dtype=np.uint8)
        self.silent_steps = SilentSteps(ends[-1])
        self.layout: ActivationLayout | None = None
        self._layers = layers
        self._window = window
        self._starts = np.array(ends[:-1], dtype=np.intp)
        self._units = np.diff(np.array(ends, dtype=np.float32))
        self._places = list(pairwise(ends))
        self._saturable = [i for i, layer in enumerate(layers) if layer.activation in FLAT_ENDS]
        self._tensor_sizes = list(tensor_sizes)
        self._block = block
        block[:] = np.nan
        self._layouts: list[ActivationLayout] = []

    def observe(self, outputs: Outputs, first_sample: int) -> None:
        """Take in one portion of the batch. The one that starts at sample 0 gives the statistics."""
        layout = self._layout(outputs)
        if first_sample == 0:
            layout.load()
            self.layout = layout
            quiet = layout.quiet_units()
            self.silent[:] = quiet
            quiet &= layout.unproven
        else:
            quiet = self.silent != 0
        if quiet.any():
            self._look(layout, quiet)

    def finish(self, step: int) -> None:
        """Fill the block, once the layout has been measured."""
        self.silent_steps.add(step, self.silent)
        if self.layout is None:
            return
        block, measured = self._block, self.layout.sample_statistics
        block[MEAN], block[STD], block[ZERO] = measured[tensors.MEAN], measured[tensors.STD], measured[tensors.ZERO]
        self._fill(block[DEAD, 1:], self.silent)
        if self.silent_steps.measured < self._window:
            block[DEAD_WINDOW] = np.nan
        else:
            self._fill(block[DEAD_WINDOW, 1:], self.silent_steps.counts >= self._window)
        for i in self._saturable:
            block[SATURATED, i + 1] = ACTIVATION_STATISTICS[SATURATED].of(self._outputs(i + 1))
        for place, statistic in OTHERS:
            block[place] = [statistic.of(self._outputs(i)) for i in range(len(self._layers) + 1)]

    def _fill(self, fractions: NDArray[np.float32], units: NDArray[np.uint8] | NDArray[np.bool_]) -> None:
        """Write for each layer the share of its units that are 1."""
        np.add.reduceat(units, self._starts, out=fractions, dtype=np.float32)
        fractions /= self._units

    def _outputs(self, layer: int) -> LayerOutputs:
        """What is known of the outputs of one layer, counted from the input, which is 0."""
        assert self.layout is not None
        start, stop = self._places[layer - 1] if layer else (0, 0)
        return LayerOutputs(
            sample=self.layout.samples[layer],
            activation=self._layers[layer - 1].activation if layer else None,
            silent=self.silent[start:stop] != 0,
            silent_steps=self.silent_steps.counts[start:stop],
            window=self._window,
            steps=self.silent_steps.measured,
        )

    def _look(self, layout: ActivationLayout, quiet: NDArray[np.bool_]) -> None:
        """Look through the whole portion for units that may be silent."""
        for layer, parts, (start, stop) in zip(self._layers, layout.parts, self._places, strict=True):
            candidates = np.flatnonzero(quiet[start:stop])
            if candidates.size:
                found = silent_units(parts, candidates, layer.activation == "relu")
                self.silent[start + candidates] = 0
                self.silent[start + found] = 1

    def _layout(self, outputs: Outputs) -> ActivationLayout:
        # The trainer announces the same mapping of the same arrays again and again. A layout keeps its
        # mapping alive, so the same identity means the same arrays.
        for layout in self._layouts:
            if layout.outputs is outputs:
                return layout
        layout = ActivationLayout(outputs, self._layers, self._tensor_sizes)
        self._layouts = [layout, *self._layouts[: KEPT_LAYOUTS - 1]]
        return layout
