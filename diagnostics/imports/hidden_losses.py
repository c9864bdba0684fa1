"""Losses of 0 that stand for NaN, as the trainer of Hugging Face writes them.

The norm of a gradient beside them that is not finite tells it, or else a validation that is not finite from there on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.imports.columns import meaning_of
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries
from diagnostics.imports.step_axis import StepAxis

GRADIENT_NORMS = ("grad_norm", "train/grad_norm", "train_grad_norm")
LEAST_ZEROS, LEAST_FALL = 3, 0.1
"""So many losses of 0 at the end, right after one as large as that, are told: no validation says what they are."""


def hidden_losses(loss: MetricSeries, metrics: LoggedMetrics, axis: StepAxis) -> tuple[NDArray[np.bool_], list[str]]:
    """(n,), which losses of 0 stand for NaN; and a sentence about losses of 0, if there is one to say.

    loss: (n,), with its steps from 0.
    metrics: all that was read of the file.
    axis: how the file counts its steps.
    """
    hidden = np.zeros(len(loss), np.bool_)
    for name in GRADIENT_NORMS:
        if name in metrics.series:
            norms = axis.placed(metrics.series[name])
            hidden |= np.isin(loss.steps, norms.steps[~np.isfinite(norms.values)]) & (loss.values == 0)
    if hidden.any():
        return hidden, [f"{int(hidden.sum()):,} losses of 0 beside gradients that are not finite are taken as NaN"]
    other = np.flatnonzero(loss.values != 0)
    first = int(other[-1]) + 1 if len(other) else 0
    zeros = len(loss) - first
    if not zeros:
        return hidden, []
    validated = _validations_from(loss.steps[first], metrics, axis)
    if len(validated) and not np.isfinite(validated).any():
        hidden[first:] = True
        return hidden, [f"{zeros:,} losses of 0 beside validations that are not finite are taken as NaN"]
    if not len(validated) and first and zeros >= LEAST_ZEROS and loss.values[first - 1] >= LEAST_FALL:
        last = f"its last {zeros:,} losses are 0, right after {loss.values[first - 1]:.3g}"
        return hidden, [
            f"{last}: some trainers write 0 for a loss of NaN, and no validation tells whether this one did"
        ]
    return hidden, []


def _validations_from(step: float, metrics: LoggedMetrics, axis: StepAxis) -> NDArray[np.float64]:
    """The losses of validations at this step and later."""
    found = [np.zeros(0)]
    for name, series in metrics.series.items():
        if (one := meaning_of(name)) is not None and (one.quantity, one.data) == ("loss", "validation"):
            placed = axis.placed(series)
            found.append(placed.values[placed.steps >= step])
    return np.concatenate(found)
