"""What Keras' callback ``TensorBoard`` means by its scalars.

``epoch_loss`` is counted by epochs, from 0, and is a mean of the epoch. ``batch_loss`` is counted by steps, from 1, and
is a running mean since the beginning of the epoch. ``evaluation_loss_vs_iterations``, in the files of the validation,
is counted by the steps made so far, and so tells how many steps an epoch has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, RowsAre

BY_EPOCHS, BY_STEPS, BY_STEPS_MADE = "epoch_", "batch_", "_vs_iterations"
LEFT_OUT = "running means of the epoch are left out, since the files do not tell how many steps an epoch has"


def as_meant(series: Mapping[str, MetricSeries]) -> LoggedMetrics:
    """The metrics of event files, with the step and the epoch of each value where Keras wrote them.

    series: the series by their tags; those that Keras counts by epochs have epochs and no steps.
    """
    means = [one for tag, one in series.items() if tag.startswith(BY_EPOCHS)]
    if not means:
        return LoggedMetrics(series)
    running = [tag for tag in series if tag.startswith(BY_STEPS)]
    per_epoch = _steps_per_epoch(series, epochs=max(len(one) for one in means))
    if per_epoch is None:
        kept = {tag: one for tag, one in series.items() if tag not in running}
        return LoggedMetrics(kept, rows="means", told=(LEFT_OUT,) if running else ())
    placed = {}
    for tag, one in series.items():
        by_epochs = np.isfinite(one.epochs)
        steps = np.where(by_epochs, (one.epochs + 1) * per_epoch, one.steps)
        epochs = np.where(by_epochs, one.epochs, np.ceil(one.steps / per_epoch) - 1)
        placed[tag] = replace(one, steps=steps, epochs=epochs)
    rows: RowsAre = "running means" if running else "means"
    return LoggedMetrics(placed, settings={"steps_per_epoch": per_epoch}, rows=rows, first_step=1)


def _steps_per_epoch(series: Mapping[str, MetricSeries], epochs: int) -> int | None:
    """The steps of an epoch: those made at each validation, or all steps over all epochs; None where neither tells."""
    for tag, one in series.items():
        if tag.endswith(BY_STEPS_MADE) and _are_regular(one, one.steps[0]):
            return int(one.steps[0])
        if tag.startswith(BY_STEPS) and _are_regular(one, 1) and len(one) % epochs == 0:
            return len(one) // epochs
    return None


def _are_regular(series: MetricSeries, distance: float) -> bool:
    """Whether the steps of a series are this distance, twice this distance, and so on."""
    return distance >= 1 and np.array_equal(series.steps, distance * np.arange(1, len(series) + 1))
