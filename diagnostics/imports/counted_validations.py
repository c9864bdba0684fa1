"""Validations that are counted by epochs while the training is counted by steps, as some loops write to TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from diagnostics.imports.columns import meaning_of
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers

LEAST_VALIDATIONS = 3
FAR = 10
"""A training reaches so many times as many steps as there are validations, where these are counted by epochs."""


def with_validations_on_steps(metrics: LoggedMetrics) -> LoggedMetrics:
    """The metrics with n validations, counted from 0 or 1, at the ends of n equal parts of the training.

    metrics: what was read of a file. It stays as it is if it has epochs, or if its validations are counted otherwise.
    """
    series = metrics.series
    made, counted = _steps(series, "train"), _steps(series, "validation")
    number = len(counted)
    are_epochs = number >= LEAST_VALIDATIONS and counted[0] in (0, 1) and bool((np.diff(counted) == 1).all())
    has_epochs = any(np.isfinite(one.epochs).any() for one in series.values())
    if has_epochs or not are_epochs or not len(made) or made[-1] < FAR * number:
        return metrics
    ends = made[0] - 1 + np.round((made[-1] - made[0] + 1) * np.arange(1, number + 1) / number)
    placed = {
        name: replace(one, steps=_moved(one.steps, counted, ends)) if _is_validation(name) else one
        for name, one in series.items()
    }
    told = f"its {number:,} validations, counted by ones, are taken as those at the ends of {number:,} equal epochs"
    return replace(metrics, series=placed, told=(*metrics.told, told))


def _moved(steps: Numbers, counted: Numbers, ends: Numbers) -> Numbers:
    """The ends of the epochs that these steps count; NaN stays NaN."""
    at = np.minimum(np.searchsorted(counted, steps), len(ends) - 1)
    return np.where(np.isfinite(steps), ends[at], np.nan)


def _steps(series: Mapping[str, MetricSeries], data: Literal["train", "validation"]) -> Numbers:
    """The steps of the losses of this data, rising; for validations those of the accuracies too."""
    found = [np.zeros(0)]
    for name, one in series.items():
        meaning = meaning_of(name)
        if meaning is not None and meaning.data == data and (meaning.quantity == "loss" or _is_validation(name)):
            found.append(one.steps[np.isfinite(one.steps)])
    return np.unique(np.concatenate(found))


def _is_validation(name: str) -> bool:
    meaning = meaning_of(name)
    return meaning is not None and meaning.data == "validation" and meaning.quantity in ("loss", "accuracy")
