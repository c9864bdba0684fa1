"""Steps that are the same in all rows: whoever logs without a step gets 0, from MLflow and from TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from diagnostics.imports.columns import meaning_of
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries


def without_same_step(metrics: LoggedMetrics) -> LoggedMetrics:
    """The metrics without their steps, if all of these are the same number and there are two losses or more.

    metrics: what was read of a file. If it has no epochs either, and as many losses of a validation as of the training,
    these are counted as those of epochs.
    """
    series = metrics.series
    steps = np.unique(np.concatenate([one.steps for one in series.values()] or [np.zeros(0)]))
    rows = _losses(series, "train")
    if rows < 2 or len(steps) != 1 or not np.isfinite(steps[0]):
        return metrics
    told = f"its steps are left out, since all of them are {steps[0]:,.10g}"
    placed = {name: replace(one, steps=np.full(len(one), np.nan)) for name, one in series.items()}
    have_epochs = any(np.isfinite(one.epochs).any() for one in series.values())
    if not have_epochs and rows == _losses(series, "validation"):
        told += "; each loss, with a validation, is taken as that of an epoch"
        placed = {
            name: replace(one, epochs=np.arange(1.0, rows + 1)) for name, one in placed.items() if len(one) == rows
        }
        metrics = replace(metrics, rows="means")
    return replace(metrics, series=placed, told=(*metrics.told, told))


def _losses(series: Mapping[str, MetricSeries], data: str) -> int:
    """How many losses of this data there are; 0 without any."""
    known = [(len(one), meaning_of(name)) for name, one in series.items()]
    return max((n for n, one in known if one is not None and one.quantity == "loss" and one.data == data), default=0)
