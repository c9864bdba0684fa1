"""Where to look: the guilty layer and the steps around the onset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnostics.findings import Finding
from diagnostics.run import Run

WIDEST = 600


@dataclass(frozen=True)
class Focus:
    """The steps to zoom in on, the step it turns on, and the layer to look at (None: no layer is to blame)."""

    first: int
    last: int
    turn: int
    layer: str | None


def focus(run: Run) -> Focus | None:
    """Where a run broke; None for a run in which nothing did.

    The turn is the step of the cause, or the onset where no cause was found.
    The window holds the beginnings of all events of the chain and a margin on
    both sides, at most 600 steps.
    """
    diagnosis = run.diagnosis
    turn = turning_step(run)
    if turn is None or not len(run):
        return None
    begins = [turn, *(f.first_step for f in diagnosis.chain if abs(f.first_step - turn) <= WIDEST // 2)]
    margin = max(10, round(0.3 * (max(begins) - min(begins))))
    steps = run.index["step"]
    first = max(int(steps[0]), min(begins) - margin)
    last = min(int(steps[-1]), max(begins) + margin)
    while last > first and len(run) > 12 and int(np.sum((steps >= first) & (steps <= last))) < 12:
        first, last = max(int(steps[0]), first - margin), min(int(steps[-1]), last + margin)
    return Focus(first, last, turn, guilty_layer(run))


def turning_step(run: Run) -> int | None:
    """The step at which the run broke: that of the cause, or the onset of the stretch that decides."""
    diagnosis = run.diagnosis
    if diagnosis.cause is not None:
        return diagnosis.cause.step
    if diagnosis.onset is not None:
        return diagnosis.onset
    return diagnosis.stretches[0].onset if diagnosis.stretches else None


def guilty_layer(run: Run) -> str | None:
    """The layer of the cause, or the first one named in the chain; only layers with parameters count."""
    diagnosis = run.diagnosis
    known = {layer for layer, _ in run.columns.tensors}
    named = [diagnosis.cause.layer if diagnosis.cause else None, *(f.layer for f in diagnosis.chain)]
    return next((layer for layer in named if layer in known), None)


def chain(run: Run) -> tuple[Finding, ...]:
    """The chain of events in the order of their steps."""
    return tuple(sorted(run.diagnosis.chain, key=lambda f: (f.first_step, f.last_step)))
