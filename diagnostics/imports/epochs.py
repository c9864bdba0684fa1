"""The epochs and the validations of an imported run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.imports.draft import Draft
from diagnostics.imports.metrics import MetricSeries, Numbers
from diagnostics.imports.step_axis import StepAxis

Whole = NDArray[np.int64]


def epochs_of(loss: MetricSeries) -> Whole:
    """The epoch of each row, from 1; a row without one belongs to the epoch of the row before."""
    epochs = np.where(np.isfinite(loss.epochs) & (loss.epochs >= 1), loss.epochs, 1)
    return np.minimum(np.maximum.accumulate(epochs), 2**31 - 1).astype(np.int64)


def epoch_rows(axis: StepAxis, steps: Whole, epochs: Whole, means_of: dict[str, Numbers]) -> list[dict[str, Any]]:
    """A row an epoch, with means over its rows; none where the file does not tell epochs apart.

    axis: how the file counts steps and epochs.
    steps, epochs: (rows,), the step and the epoch of each row.
    means_of: the numbers whose means an epoch has, by their names, each (rows,).

    The last epoch has a row only if it is whole.
    """
    whole = np.unique(epochs)
    if len(whole) < 2 and axis.unit != "epoch":
        return []
    if axis.per_epoch and steps[-1] + 1 < whole[-1] * axis.per_epoch:
        whole = whole[:-1]
    rows = []
    for number in whole:
        inside = np.flatnonzero(epochs == number)
        row: dict[str, Any] = {"epoch": int(number), "first_step": int(steps[inside[0]])}
        row["last_step"] = int(steps[inside[-1]])
        rows.append(row | {name: float(values[inside].mean()) for name, values in means_of.items()})
    return rows


def validations(draft: Draft, steps: Whole, epochs: Whole) -> list[dict[str, Any]]:
    """The validations, each after the last row at or before its step.

    draft: what the file holds.
    steps, epochs: (rows,), the step and the epoch of each row of the training.
    """
    found = [one for name in ("loss", "accuracy") if (one := draft.get(name, "validation")) is not None]
    if not found:
        return []
    at = np.unique(np.concatenate([one.steps for one in found]))
    losses, shares = draft.at("loss", at, "validation"), draft.at("accuracy", at, "validation")
    if draft.is_per_cent("validation"):
        shares = shares / 100
    after = np.maximum(np.searchsorted(steps, at, side="right") - 1, 0)
    return [
        {"epoch": int(epochs[row]), "step": int(step), "loss": float(one), "accuracy": float(share)}
        for row, step, one, share in zip(after, at, losses, shares, strict=True)
    ]
