"""One moment of a run: the exact state just before a step, and what can be computed from it.

Arrays: n samples of the batch, P parameters of all layers together, P_l of one layer:
its weights in C order, then its biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diagnostics.detect.detector import Detector
from diagnostics.errors import ReplayError
from diagnostics.measure.silence import State as MeterState
from diagnostics.replay.movement import why_units_moved
from diagnostics.replay.proof import ReplayCheck
from diagnostics.replay.recipe import Recipe
from diagnostics.replay.subject import Float64, Subject
from diagnostics.run.run import Run
from diagnostics.schema.columns import Columns
from lenet.hooks import FloatArray, LayerInfo
from lenet.losses import Labels
from lenet.training.state import State

SAMPLE = 512
"""Samples of the training set that are the same for every step of a run."""
MULTIPLES = (0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, *(round(0.1 * k, 1) for k in range(2, 21)))
"""Multiples of a step at which its loss is computed; small ones are denser, for steps that were far too long."""


class Moment:
    """A logged run just before one step, proven to be equal to its log.

    :meth:`diagnostics.replay.ReplayedRun.at` makes it; :class:`diagnostics.replay.Branch` goes on from it.

    Attributes:
        run: the run as it was logged.
        recipe: makes the run again.
        step: the step, counted from 0 over the whole run.
        state: the exact state before it, as :meth:`lenet.Model.state` returns it.
        meter_state: the state of the recorder's meter before it.
        proof: what was compared with the log, and the result.
        images: the batch of the step, (n, H, W, C) or (n, F), as the network gets it.
        labels: its classes, (n,).
        sample_indices: the places of its samples in the training set, (n,); None for a loop that you wrote.
        values: all parameters before the step, (P,).
        values_after: all parameters after it, (P,).
    """

    def __init__(
        self,
        run: Run,
        recipe: Recipe,
        step: int,
        state: State,
        meter_state: MeterState,
        values_after: FloatArray,
        proof: ReplayCheck,
    ) -> None:
        self.run, self.recipe, self.step, self.state, self.proof = run, recipe, step, state, proof
        self.meter_state = meter_state
        self.values, self.values_after = state["parameters"], values_after
        self._batch = batch = recipe.batch_of(step)
        self.sample_indices = batch.indices
        self.images: NDArray[Any] = np.asarray(batch.inputs)
        self.labels: Labels = batch.labels

    def __repr__(self) -> str:
        return f"<Moment before step {self.step} of {self.run.name}: {len(self.labels)} samples>"

    @property
    def epoch(self) -> int:
        """The epoch of the step, counted from 1."""
        return self.step // self.run.info.steps_per_epoch + 1

    @cached_property
    def model(self) -> Any:
        """The model just before the step. You may change it and train it from here.

        It is a :class:`lenet.Model`, or for a loop that you wrote the network that ``build`` returned.
        """
        return self.recipe.live_model(self.step, self.state)

    @cached_property
    def detector(self) -> Detector:
        """A detector that has seen the logged rows before the step, and no later ones."""
        run = self.run
        columns = Columns.declare(run.info.tensors, run.info.layers)
        places = [run.columns.find(name) for name in columns.names]
        detector = Detector(replace(run.info, recorded_columns=columns), name=run.name)
        if self.step:
            for step, epoch, row in run.between(last=self.step - 1).rows():
                known = [row[place] if place is not None else np.nan for place in places]
                detector.observe(step, epoch, row if columns.names == run.columns.names else np.array(known, "<f4"))
        return detector

    @property
    def layers(self) -> Sequence[LayerInfo]:
        """The layers with weights, in order."""
        return self._subject.layers

    # ---- the batch

    @cached_property
    def losses(self) -> Float64:
        """Loss of each sample of the batch without penalties, (n,), nats."""
        return self._subject.losses(self.values, self._batch)

    @cached_property
    def answers(self) -> NDArray[np.intp]:
        """The class the network gives to each sample of the batch, (n,)."""
        return self._subject.answers(self.values, self._batch)

    def sample_gradients(self, layer: str) -> FloatArray:
        """Each sample's part of the gradient of one layer, (n, P_l).

        The rows add up to the gradient of the batch's mean loss without penalties. With the paper's convolution
        the update used one part more: the gradient that the step before had left.
        """
        return self._subject.sample_gradients(self.values, self._batch, self._known(layer))

    def shares(self, layer: str | None = None) -> Float64:
        """Each sample's share of the gradient of a layer, or of the whole network (None), (n,).

        The share is the inner product of the sample's part with the sum of all parts, over that sum's squared
        norm. The shares add up to 1. A sample with a share below 0 opposes the others. NaN where the gradient is zero.
        """
        products, squares = self._alignments
        if layer is None:
            total = squares.sum()
            return products.sum(axis=1) / total if total > 0 else np.full(len(products), np.nan)
        place = [one.name for one in self.layers].index(self._known(layer))
        if not squares[place] > 0:
            return np.full(len(products), np.nan)
        return np.asarray(products[:, place] / squares[place])

    # ---- the layers

    def outputs(self, layer: str) -> FloatArray:
        """The outputs of a layer after its activation function, (n, H, W, C) or (n, F)."""
        return self._subject.passed(self.values, self._batch, self._known(layer))[1]

    def preactivations(self, layer: str, *, after: bool = False) -> FloatArray:
        """The preactivations of a layer, its outputs before the activation function, (n, H, W, C) or (n, F).

        ``after``: True computes them with the parameters after the step; False (default) with those before it.
        """
        values = self.values_after if after else self.values
        return self._subject.passed(values, self._batch, self._known(layer))[0]

    # ---- the step

    def update(self, layer: str | None = None) -> FloatArray:
        """The update of the step: of the parameters of a layer, (P_l,), or of all (None), (P,)."""
        with np.errstate(all="ignore"):  # a step that overflowed has infinities
            return (self.values_after - self.values)[self._place(layer)]

    def gradient(self, layer: str | None = None) -> FloatArray:
        """The gradient of the batch's mean loss without penalties, (P_l,) or (P,), in float64."""
        names = [one.name for one in self.layers] if layer is None else [self._known(layer)]
        parts = [self.sample_gradients(name).sum(axis=0, dtype=np.float64) for name in names]
        return np.concatenate(parts)

    def along_the_step(self, multiples: Sequence[float] = MULTIPLES) -> pd.DataFrame:
        """The loss on the line through the parameters before and after the step, nats, penalties included.

        Index: the multiple of the step, 0 before it and 1 after it. Columns: ``this_batch``, ``next_batch``, and
        ``sample``: 512 samples of the training set, the same for every step. (``sample`` is missing for a loop that
        you wrote, whose training set is not known; the last step of a run has no next batch.)
        ``multiples``: the multiples to compute; from 0 to 2 by default.
        """
        batches = {"this_batch": self._batch, **self.recipe.others(self.step, SAMPLE)}
        rows = []
        for multiple in multiples:
            values = self._on_the_line(float(multiple))
            rows.append([self._subject.mean_loss(values, one) for one in batches.values()])
        return pd.DataFrame(rows, index=pd.Index(multiples, name="multiple", dtype=float), columns=list(batches))

    def why_units_moved(self, layer: str) -> pd.DataFrame:
        """How the step changed the mean preactivation of each unit of a layer, and by which parameters.

        Index: the unit. Columns: ``before`` and ``after``, the mean over the batch (and the positions of a channel).
        ``by_bias``, ``by_weights`` and ``by_layers_below`` are the parts of the difference that the unit's bias, its
        weights and the layers below made; they add up to the difference.
        """
        return why_units_moved(self._subject, self.values, self.values_after, self._batch, self._known(layer))

    # ---- inside

    @cached_property
    def _subject(self) -> Subject:
        return self.recipe.subject()

    @cached_property
    def _alignments(self) -> tuple[Float64, Float64]:
        return self._subject.alignments(self.values, self._batch)

    def _on_the_line(self, multiple: float) -> FloatArray:
        if multiple == 1.0:
            return self.values_after
        with np.errstate(all="ignore"):  # as in update
            step = (self.values_after - self.values) * self.values.dtype.type(multiple)
            return np.asarray(self.values + step)

    def _known(self, layer: str) -> str:
        names = [one.name for one in self.layers]
        if layer not in names:
            raise ReplayError(f"layer: received {layer!r}, expected one of {', '.join(names)}")
        return layer

    def _place(self, layer: str | None) -> slice:
        if layer is None:
            return slice(None)
        mine = [t for t in self._subject.tensors if t.layer == self._known(layer)]
        return slice(mine[0].offset, mine[-1].offset + mine[-1].size)
