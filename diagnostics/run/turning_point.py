"""Finds the steps and layers of a run to show: the step at which it died, and the layer that failed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.faults import told_fault
from diagnostics.detect.findings import Diagnosis, Finding, Stretch, Verdict
from diagnostics.detect.rules import MECHANISMS
from diagnostics.run.run import Run

WIDEST = 600
LEAST_ROWS = 12
LASTING = {rule.name: rule.rank for rule in MECHANISMS if rule.is_lasting}
SYMPTOMS = {str(verdict) for verdict in Verdict}


@dataclass(frozen=True)
class Focus:
    """A range of steps to show closely.

    ``first``, ``last``: its first and its last step.
    ``broke_at``: the step at which the run died.
    ``layer``: the layer that failed; None where no layer can be named.
    """

    first: int
    last: int
    broke_at: int
    layer: str | None

    def holds(self, steps: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of some steps lie in the range."""
        return (steps >= self.first) & (steps <= self.last)


def focus(run: Run) -> Focus | None:
    """The steps around the one at which a run died; None for a run that did not.

    They hold the beginnings of all events of the chain and a margin on both sides, at most 600 steps. The onset
    of a run that never learned does not count as an event: it is step 0 whenever the run died.
    """
    broke_at = run.diagnosis.broke_at
    if broke_at is None or not len(run):
        return None
    begun = [f.first_step for f in run.diagnosis.chain if f.first_step or f.rule not in SYMPTOMS]
    begins = [broke_at, *(step for step in begun if abs(step - broke_at) <= WIDEST // 2)]
    margin = max(12, round(0.3 * (max(begins) - min(begins))))
    steps = run.index["step"]
    first = max(int(steps[0]), min(begins) - margin)
    last = min(int(steps[-1]), max(begins) + margin)
    if last > first and len(run) > LEAST_ROWS:  # the range grows by whole margins until it holds enough rows
        distances = np.maximum(np.maximum(first - steps, steps - last), 0)
        wider = margin * -(-int(np.partition(distances, LEAST_ROWS - 1)[LEAST_ROWS - 1]) // margin)
        first, last = max(int(steps[0]), first - wider), min(int(steps[-1]), last + wider)
    return Focus(first, last, broke_at, failed_layer(run))


def mechanisms(run: Run) -> tuple[Finding, ...]:
    """The findings of the chain that say why the run died; the symptom at its end is left out."""
    return tuple(f for f in run.diagnosis.chain if f.rule not in SYMPTOMS)


def lasting_state(run: Run) -> Finding | None:
    """The first lasting state of the chain, such as dead units, which keeps the run from learning."""
    states = [f for f in mechanisms(run) if f.rule in LASTING]
    return min(states, key=lambda f: (f.first_step, LASTING[f.rule]), default=None)


def failed_layer(run: Run) -> str | None:
    """The layer of the fault that led to the blow, else that with the lasting state, of the blow or of the first link.

    Only layers with parameters count. None where no finding names one, and where a fault of the whole network, such
    as changed labels, stopped no layer.
    """
    diagnosis, down, fault = run.diagnosis, lasting_state(run), told_fault(run.diagnosis)
    known = {layer for layer, _ in run.columns.tensors}
    links = () if fault is not None else (diagnosis.blow, diagnosis.first_link)
    return next((one.layer for one in (fault, down, *links) if one is not None and one.layer in known), None)


def layers_to_show(run: Run) -> tuple[str | None, ...]:
    """The layers to show closely: the one that failed, and that of the first link; (None,) without either."""
    cause = run.diagnosis.cause
    known = {layer for layer, _ in run.columns.tensors}
    named = (failed_layer(run), cause.layer if cause and cause.layer in known else None)
    return tuple(dict.fromkeys(layer for layer in named if layer)) or (None,)


def deciding_stretch(diagnosis: Diagnosis) -> Stretch | None:
    """The stretch that decides the verdict; in a run that ended well, the longest of its stretches."""
    if diagnosis.onset is not None:
        return next((s for s in diagnosis.stretches if s.onset == diagnosis.onset), None)
    return max(diagnosis.stretches, key=lambda s: (s.recovery or diagnosis.steps) - s.onset, default=None)
