"""Statistics of layer outputs, gathered over the portions of a batch.

Mean, deviation, zeros and saturation come from a fixed subsample, see
:mod:`diagnostics.measure.activation_layout`. Silence is exact: a unit that has a nonzero output
in the subsample is not silent; for all other units the whole batch is searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from diagnostics.measure.activation_layout import ActivationLayout, Outputs
from diagnostics.measure.silence import SilentSteps, mark_active
from diagnostics.schema.measures import ACTIVATION_STATISTICS, FLAT_ENDS, LayerOutputs, others, positions
from lenet.hooks import LayerInfo

# The layout measures the first three.
NAMES = ("mean", "std", "zero_fraction", "saturated_fraction", "dead_fraction", "dead_window_fraction")
_, _, _, SATURATED, DEAD, DEAD_WINDOW = positions(ACTIVATION_STATISTICS, *NAMES)
OTHERS = others(ACTIVATION_STATISTICS, *NAMES)
KEPT_LAYOUTS = 4


class ActivationStatistics:
    """Measures the outputs of a step.

    ``layers``: the trainable layers.
    ``block`` (statistic, layer): receives the statistics; the input is the first layer.
    ``window``: W, in steps.

    ``silent`` (units,) is 1 for every unit, of all layers, that was 0 for the whole batch so far.
    """

    def __init__(self, layers: Sequence[LayerInfo], block: NDArray[np.float32], window: int) -> None:
        ends = np.cumsum([0, *(layer.units for layer in layers)]).tolist()
        self.silent: NDArray[np.uint8] = np.ones(ends[-1], dtype=np.uint8)
        self.silent_steps = SilentSteps(layers, window, block[DEAD, 1:], block[DEAD_WINDOW, 1:])
        self._layers = layers
        self._window = window
        self._places = [slice(a, b) for a, b in pairwise(ends)]
        # The layers of which something is measured by its definition.
        self._sampled = [
            i for i, layer in enumerate((None, *layers)) if OTHERS or (layer and layer.activation in FLAT_ENDS)
        ]
        self._samples: dict[int, NDArray[np.float32]] = {}
        self._block = block
        block[:] = np.nan
        self._layouts: list[ActivationLayout] = []

    def observe(self, outputs: Outputs, first_sample: int) -> None:
        """Measure one portion of the batch. The portion that starts at sample 0 gives the statistics."""
        layout = self._layout(outputs)
        if first_sample > 0:
            self._look(layout, self.silent != 0)
            return
        if layout.measure(self._block, self.silent.view(np.bool_)):
            self._look(layout, self.silent > layout.is_whole)
        self._samples = {layer: layout.sample(layer) for layer in self._sampled}

    def finish(self, step: int) -> None:
        """Fill the rest of the block, after all portions were observed."""
        self.silent_steps.add(step, self.silent)
        for layer in self._sampled:
            seen = self._outputs(layer)
            self._block[SATURATED, layer] = ACTIVATION_STATISTICS[SATURATED].of(seen)
            for place, statistic in OTHERS:
                self._block[place, layer] = statistic.of(seen)

    def _outputs(self, layer: int) -> LayerOutputs:
        """The outputs of one layer. The input is layer 0."""
        units = self._places[layer - 1] if layer else slice(0, 0)
        return LayerOutputs(
            sample=self._samples[layer],
            activation=self._layers[layer - 1].activation if layer else None,
            silent=self.silent[units] != 0,
            silent_steps=self.silent_steps.counts[units],
            window=self._window,
            steps=self.silent_steps.measured,
        )

    def _look(self, layout: ActivationLayout, asked: NDArray[np.bool_]) -> None:
        """Search the whole portion for outputs other than 0 of the units that may be silent."""
        for parts, place in zip(layout.parts, self._places, strict=True):
            if asked[place].any():
                for part in parts:
                    mark_active(part, asked[place], self.silent[place])

    def _layout(self, outputs: Outputs) -> ActivationLayout:
        # The trainer announces the same mapping of the same arrays at every step. A layout keeps its
        # mapping alive, so the same identity means the same arrays.
        for layout in self._layouts:
            if layout.outputs is outputs:
                return layout
        layout = ActivationLayout(outputs, self._layers)
        self._layouts = [layout, *self._layouts[: KEPT_LAYOUTS - 1]]
        return layout
