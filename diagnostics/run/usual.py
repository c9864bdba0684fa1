"""The usual norm of a run's gradient before an event."""

from __future__ import annotations

import numpy as np

from diagnostics.run.run import Run

USUAL_STEPS = 20
"""The number of steps before an event over which the usual norm is measured."""


def usual_gradient_norm(run: Run, before: int) -> float:
    """The median norm of the whole gradient over the 20 steps before a step, to three digits; 0 where none is known."""
    names = [f"{layer}/{tensor}/gradient/norm" for layer, tensor in run.columns.tensors]
    rows = run.block(names, max(0, before - USUAL_STEPS), before - 1).astype(np.float64)
    norms = np.sqrt(np.square(rows).sum(axis=1))
    norms = norms[np.isfinite(norms) & (norms > 0)]
    return float(f"{np.median(norms):.3g}") if len(norms) else 0.0
