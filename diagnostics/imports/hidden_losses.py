"""Losses of 0 beside a gradient that is not finite: the trainer of Hugging Face writes 0 for a loss of NaN."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.imports.metrics import LoggedMetrics, MetricSeries
from diagnostics.imports.step_axis import StepAxis

GRADIENT_NORMS = ("grad_norm", "train/grad_norm", "train_grad_norm")


def hidden_losses(loss: MetricSeries, metrics: LoggedMetrics, axis: StepAxis) -> NDArray[np.bool_]:
    """(n,), which losses are 0 beside the norm of a gradient that was logged, and is NaN or infinite.

    loss: (n,), with its steps from 0.
    metrics: all that was read of the file.
    axis: how the file counts its steps.
    """
    hidden = np.zeros(len(loss), np.bool_)
    for name in GRADIENT_NORMS:
        if name in metrics.series:
            norms = axis.placed(metrics.series[name])
            hidden |= np.isin(loss.steps, norms.steps[~np.isfinite(norms.values)]) & (loss.values == 0)
    return hidden
