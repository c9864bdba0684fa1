"""Steps that each have a validation are epochs, as where somebody calls ``add_scalar("Loss/train", loss, epoch)``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from diagnostics.imports.columns import meaning_of
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries

TOLD = "its steps, each with a validation, are taken as epochs"


def with_steps_as_epochs(metrics: LoggedMetrics) -> LoggedMetrics:
    """The same metrics counted by epochs, if their steps rise by one and each of them has a validation.

    metrics: what was read of a file. Metrics that have epochs already stay as they are.
    """
    series = metrics.series
    if any(np.isfinite(one.epochs).any() for one in series.values()) or not _is_validated(series):
        return metrics
    counted = {name: replace(one, steps=np.full(len(one), np.nan), epochs=one.steps) for name, one in series.items()}
    return replace(metrics, series=counted, rows="means", told=(*metrics.told, TOLD))


def _is_validated(series: Mapping[str, MetricSeries]) -> bool:
    """Whether the losses of the training have steps that rise by one, and those of validations the same steps."""
    steps: dict[str, set[float]] = {"train": set(), "validation": set()}
    for name, one in series.items():
        if (meaning := meaning_of(name)) is not None and meaning.quantity == "loss":
            steps[meaning.data].update(one.steps[np.isfinite(one.steps)].tolist())
    made = sorted(steps["train"])
    return len(made) > 1 and steps["train"] == steps["validation"] and bool((np.diff(made) == 1).all())
