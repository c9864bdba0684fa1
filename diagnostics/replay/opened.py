"""Chooses the steps of a run to open side by side, and computes what is shown of each.

The step at which the run died is compared with the first step of the chain of events, if that is
another one, and with an ordinary step before both: among the steps before, the one whose update
of the layer in question has the median size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from diagnostics.replay.moment import Moment
from diagnostics.replay.proof import ReplayCheck
from diagnostics.replay.replayed_run import ReplayedRun
from diagnostics.replay.starts import MET
from diagnostics.run.run import Run
from diagnostics.run.turning_point import failed_layer
from lenet.hooks import FloatArray

Role = Literal["ordinary", "first link", "blow", "largest", "asked"]
FARTHEST, NEAREST = 60, 3
"""The largest and the smallest number of steps between an ordinary step and the one it is compared with."""
WORTH_A_LOOK = 0.1
"""A layer is opened where a step made at least this share of its units silent."""


@dataclass(frozen=True)
class Answering:
    """How many of the ``units`` of a ReLU layer are above 0 for some sample of a batch, ``before`` and ``after``."""

    units: int
    before: int
    after: int


@dataclass(frozen=True)
class OpenedStep:
    """One step, and what it did to one layer.

    Args:
        moment: the run just before it.
        role: why it is opened.
        layer: the layer that is shown.
    """

    moment: Moment
    role: Role
    layer: str

    @property
    def step(self) -> int:
        """Its number."""
        return self.moment.step

    @cached_property
    def line(self) -> pd.DataFrame:
        """The loss along the step, see :meth:`Moment.along_the_step`."""
        return self.moment.along_the_step()

    @property
    def best_multiple(self) -> float:
        """The multiple in ``line`` with the smallest loss of this batch; NaN where all losses are NaN."""
        losses = self.line["this_batch"].to_numpy()
        return float("nan") if np.isnan(losses).all() else float(self.line.index[int(np.nanargmin(losses))])

    @cached_property
    def moved(self) -> pd.DataFrame:
        """Why the units of the layer moved, see :meth:`Moment.why_units_moved`."""
        return self.moment.why_units_moved(self.layer)

    @cached_property
    def before(self) -> FloatArray:
        """The preactivations of each unit before the step, (inputs, units)."""
        return _by_unit(self.moment.preactivations(self.layer))

    @cached_property
    def after(self) -> FloatArray:
        """The preactivations of each unit for the same batch after the step, (inputs, units)."""
        return _by_unit(self.moment.preactivations(self.layer, after=True))

    @cached_property
    def answering(self) -> dict[str, Answering]:
        """How many units of each ReLU layer are above 0 for some sample of the batch, by layer."""
        found = {}
        for one in self.moment.layers:
            if one.activation == "relu":
                inputs = (_by_unit(self.moment.preactivations(one.name, after=after)) for after in (False, True))
                before, after = (int((x > 0).any(axis=0).sum()) for x in inputs)
                found[one.name] = Answering(one.units, before, after)
        return found

    @property
    def activation(self) -> str | None:
        """The activation function of the layer."""
        return next(one.activation for one in self.moment.layers if one.name == self.layer)

    @cached_property
    def update_ratios(self) -> dict[str, float]:
        """Norm of each layer's update over the norm of its weights and biases, as logged; empty without a row.

        It is the ratio that the rule about oversized updates looks at.
        """
        run = self.moment.run
        ratios = {}
        for layer, tensors in run.info.trained_tensors.items():
            columns = [f"{layer}/{one}/{kind}/norm" for kind in ("update", "value") for one in tensors]
            rows = run.block(columns, self.step, self.step).astype(float)
            if len(rows):
                update, value = (float(np.linalg.norm(part)) for part in np.split(rows[0], 2))
                ratios[layer] = update / value if value else float("nan")
        return ratios

    @property
    def update_ratio(self) -> float:
        """The update ratio of the layer that is shown; NaN where it is not known."""
        return self.update_ratios.get(self.layer, float("nan"))


@dataclass(frozen=True)
class OpenedRun:
    """The steps of a run that are opened side by side, in order.

    Args:
        run: the run as it was logged.
        layer: the layer that is shown.
        steps: the steps; the last one is the main step, and one of the others may be the ordinary one.
    """

    run: Run
    layer: str
    steps: tuple[OpenedStep, ...]

    @property
    def ordinary(self) -> OpenedStep | None:
        """The ordinary step; None where there is none before the others."""
        return next((one for one in self.steps if one.role == "ordinary"), None)

    @property
    def proof(self) -> ReplayCheck:
        """What the replays of all steps compared with the log."""
        proofs = [one.moment.proof for one in self.steps]
        starts = dict.fromkeys(proof.start for proof in proofs if not proof.start.endswith(MET))
        stretches = [(self.run.index["step"] >= p.first_step) & (self.run.index["step"] <= p.last_step) for p in proofs]
        return ReplayCheck(
            " and ".join(starts),
            min(proof.first_step for proof in proofs),
            max(proof.last_step for proof in proofs),
            int(np.any(stretches, axis=0).sum()),
            max(proof.digests for proof in proofs),
            notes=tuple(dict.fromkeys(note for proof in proofs for note in proof.notes)),
            compared=proofs[0].compared,
        )

    @property
    def main(self) -> OpenedStep:
        """The main step: the one that was asked for, or at which the run died."""
        return self.steps[-1]


def open_origin(replayed: ReplayedRun) -> OpenedRun:
    """The first step of the chain of events, the step of the blow, and an ordinary one.

    In a run that did not die, the step with the largest single update stands for both. Raises ReplayError where the
    run cannot be replayed.
    """
    diagnosis = replayed.run.diagnosis
    wanted: dict[int, Role] = {}
    if diagnosis.chain or diagnosis.cause is not None:
        wanted[replayed.origin] = "first link"
        if diagnosis.blow is not None:
            wanted[min(diagnosis.blow.step, replayed.steps - 1)] = "blow"
    else:
        wanted[replayed.origin] = "largest"
    return _opened(replayed, wanted)


def open_step(replayed: ReplayedRun, step: int) -> OpenedRun:
    """One step, and an ordinary one before it. Raises ReplayError where it cannot be replayed."""
    return _opened(replayed, {step: "asked"})


def seconds_to_origin(replayed: ReplayedRun) -> float:
    """How long :func:`open_origin` will train, going by the times in the log; seconds."""
    broke_at = replayed.run.diagnosis.broke_at
    last = replayed.origin if broke_at is None else max(replayed.origin, broke_at)
    return replayed.seconds_between(max(replayed.origin - FARTHEST, 0), min(last, replayed.steps - 1))


def ordinary_step(run: Run, before: int, layer: str) -> int | None:
    """The step before ``before`` whose update of ``layer`` has the median size; None where there are too few steps.

    It is one of the steps from 60 to 3 before it, from the third row of the log on.
    """
    steps = run.index["step"]
    place = run.columns.find(f"{layer}/weights/update/ratio")
    near = (steps >= max(before - FARTHEST, 2)) & (steps <= before - NEAREST)
    if place is None or not near.any():
        return None
    ratios = run.block([place], int(steps[near][0]), int(steps[near][-1]))[:, 0].astype(float)
    known = np.flatnonzero(np.isfinite(ratios))
    if not len(known):
        return None
    middle = known[np.argsort(ratios[known], kind="stable")[(len(known) - 1) // 2]]
    return int(steps[near][middle])


def _opened(replayed: ReplayedRun, wanted: dict[int, Role]) -> OpenedRun:
    run, first, main = replayed.run, min(wanted), max(wanted)
    named = failed_layer(run) or _most_moved(run, main)
    ordinary = ordinary_step(run, first, named)
    roles: dict[int, Role] = dict(wanted)
    if ordinary is not None:
        roles[ordinary] = "ordinary"
    # In the order of the steps, since each is replayed from the one before.
    moments = [replayed.at(step) for step in sorted(roles)]
    layer = _most_silenced(OpenedStep(moments[-1], roles[main], named)) or named
    return OpenedRun(run, layer, tuple(OpenedStep(one, roles[one.step], layer) for one in moments))


def _most_silenced(main: OpenedStep) -> str | None:
    """The layer in which the step made most units silent; None where they are few, or the named layer has enough."""
    lost = {name: (one.before - one.after) / one.units for name, one in main.answering.items()}
    most = max(lost, key=lambda name: lost[name], default=None)
    if most is None or lost[most] < WORTH_A_LOOK or lost.get(main.layer, 0.0) >= WORTH_A_LOOK:
        return None
    return most


def _most_moved(run: Run, step: int) -> str:
    """The layer with the largest update ratio in the step; the first layer where no ratio is known."""
    layers = list(dict.fromkeys(layer for layer, _ in run.columns.tensors))
    columns = [f"{layer}/weights/update/ratio" for layer in layers]
    rows = run.block(columns, step, step)
    return layers[int(np.argmax(np.nan_to_num(rows[0], nan=-1.0)))] if len(rows) else layers[0]


def _by_unit(inputs: FloatArray) -> FloatArray:
    """(n, H, W, C) or (n, F) as (inputs, units)."""
    return inputs.reshape(-1, inputs.shape[-1])
