"""From the metrics of a file to a run: rows joined by their steps, and all that had to be assumed, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import LogError
from diagnostics.imports.assumed import batch_size_of, classes_of_frozen_loss
from diagnostics.imports.columns import meanings
from diagnostics.imports.imported_run import ImportedRun
from diagnostics.imports.layers import layer_columns
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers
from diagnostics.imports.options import ImportOptions, even_prior
from diagnostics.imports.resolution import are_running_means, resolution_words, taken_apart
from diagnostics.imports.step_axis import StepAxis
from diagnostics.schema.columns import Column, Columns
from diagnostics.schema.measures import SCALARS
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.window import window_steps

USUAL_BATCH = 128
UNITS = {measure.name: measure.unit for measure in SCALARS}
Key = tuple[str, str, str]
"""Quantity, layer and data of a metric."""


@dataclass
class _Draft:
    """A run while it is put together, with what is told of it."""

    metrics: LoggedMetrics
    options: ImportOptions
    axis: StepAxis
    chosen: dict[Key, MetricSeries]
    are_means: bool
    told: list[str] = field(default_factory=list)

    @property
    def loss(self) -> MetricSeries:
        """The loss, or else the data loss."""
        total = self.get("loss")
        return self.chosen["data_loss", "", "train"] if total is None else total

    def get(self, quantity: str, data: str = "train", layer: str = "") -> MetricSeries | None:
        return self.chosen.get((quantity, layer, data))


def build_run(metrics: LoggedMetrics, options: ImportOptions, *, name: str, file: str, form: str) -> ImportedRun:
    """The run of these metrics.

    metrics: what was read of the file.
    options: what the user knows besides.
    name: the name of the run. file: that of the file. form: that of its format.

    ``run.info.environment`` says what the file was, how finely it resolves the run, and what was assumed. Raises
    LogError where the file has no loss of a training.
    """
    draft = _draft(metrics, options, file)
    _explain_running_means(draft, draft.loss)
    loss = draft.loss
    accuracy = _accuracy(draft, loss)
    if accuracy is not None:
        loss = _with_lost_rows(draft, loss, accuracy)
        at = np.isin(loss.steps, accuracy.steps)
        loss = MetricSeries(loss.steps[at], loss.epochs[at], loss.values[at])
    if not len(loss):
        raise LogError(f"{file}: has no loss of a training step")
    steps = loss.steps.astype(np.int64)
    batch_size = _batch_size(draft, accuracy)
    prior = _prior(draft, loss, accuracy)
    columns, values = _rows(draft, loss, accuracy, batch_size)
    per_layer = layer_columns(draft.chosen, loss.steps)
    unit = "step" if draft.axis.counts_steps else "epoch"
    if draft.axis.unit == "row":
        draft.told.append("the file has no steps: its rows are taken as steps, in their order")
    if not draft.axis.counts_steps:
        draft.told.append("an epoch counts as one step, since its steps are not known; say them with --steps-per-epoch")
    epochs = _epochs(draft, loss)
    per_epoch = draft.axis.per_epoch if draft.axis.counts_steps else None
    total = int(steps[-1]) + 1
    info = RunInfo(
        tensors=per_layer.tensors,
        layers=per_layer.layers,
        prior=prior,
        batch_size=batch_size,
        samples=batch_size * (per_epoch or total),
        steps_per_epoch=per_epoch or total,
        epochs=max(1, int(epochs.max())),
        total_steps=total,
        seed=_seed(metrics.settings),
        description=_description(draft),
        environment={
            "imported_from": file,
            "format": form,
            "resolution": resolution_words(steps, draft.are_means, unit),
            "taken_as": draft.told,
        },
        rows="means" if draft.are_means else "steps",
        recorded_columns=Columns([*columns, *per_layer.columns]),
    )
    return ImportedRun.from_rows(
        info,
        steps,
        epochs.astype(np.int64),
        _float32(np.hstack([values, per_layer.values])),
        name=name,
        epoch_rows=_epoch_rows(draft, steps, epochs, [one.statistic for one in columns], values),
        validations=_validations(draft, steps, epochs),
    )


def _draft(metrics: LoggedMetrics, options: ImportOptions, file: str) -> _Draft:
    """The metrics that are used, each placed on its step."""
    known = meanings(list(metrics.series), options.columns)
    best: dict[Key, tuple[tuple[bool, bool, int], str]] = {}
    for name, meaning in known.items():
        key: Key = (meaning.quantity, meaning.layer, meaning.data)
        rank = (name in options.columns.values(), meaning.over != "epoch", len(metrics.series[name]))
        if key not in best or rank > best[key][0]:
            best[key] = (rank, name)
    names = {key: name for key, (_, name) in best.items()}
    losses = [names[key] for key in (("loss", "", "train"), ("data_loss", "", "train")) if key in names]
    if not losses:
        found = ", ".join(sorted(metrics.series)[:12]) or "nothing"
        raise LogError(f"{file}: found no loss of a training among {found}; name it with --columns loss=NAME")
    training = [metrics.series[name] for key, name in names.items() if key[2] == "train"]
    axis = StepAxis.of(metrics, training, options)
    chosen = {key: axis.placed(metrics.series[name]) for key, name in names.items()}
    is_epoch_mean = known[losses[0]].over == "epoch" or axis.unit == "epoch"
    are_means = metrics.rows != "steps" or is_epoch_mean
    return _Draft(metrics, options, axis, chosen, are_means and axis.counts_steps)


def _explain_running_means(draft: _Draft, loss: MetricSeries) -> None:
    """Take running means of the epoch apart, where the file or the numbers say that they are."""
    per_epoch = draft.axis.per_epoch
    if draft.metrics.rows == "means" or draft.axis.unit != "step":
        return
    if draft.metrics.rows == "steps" and not are_running_means(loss, draft.get("accuracy"), per_epoch):
        return
    for key in [("loss", "", "train"), ("data_loss", "", "train"), ("accuracy", "", "train")]:
        if key in draft.chosen:
            draft.chosen[key] = taken_apart(draft.chosen[key], per_epoch)
    draft.are_means = True
    draft.told.append("its losses are running means of the epoch, which were taken apart")


def _accuracy(draft: _Draft, loss: MetricSeries) -> MetricSeries | None:
    """The accuracy as a share; None where it is missing in most of the rows."""
    accuracy = draft.get("accuracy")
    if accuracy is None:
        return None
    if (accuracy.values[np.isfinite(accuracy.values)] > 1.5).any():
        accuracy = MetricSeries(accuracy.steps, accuracy.epochs, accuracy.values / 100)
        draft.told.append("its accuracies are per cent")
    if 2 * np.isin(loss.steps, accuracy.steps).sum() < len(loss):
        draft.told.append("its accuracies are left out, since most rows have none")
        return None
    return MetricSeries(accuracy.steps, accuracy.epochs, np.clip(accuracy.values, 0, 1))


def _with_lost_rows(draft: _Draft, loss: MetricSeries, accuracy: MetricSeries) -> MetricSeries:
    """In a table, rows at the end that have an accuracy and an empty loss had a loss that was not finite."""
    late = accuracy.steps > loss.steps[-1] if len(loss) else np.zeros(0, np.bool_)
    if not draft.metrics.is_table or not late.any() or not np.isin(accuracy.steps[~late], loss.steps).all():
        return loss
    draft.told.append("empty losses at the end, beside accuracies, are taken as not finite")
    return MetricSeries(
        np.append(loss.steps, accuracy.steps[late]),
        np.append(loss.epochs, accuracy.epochs[late]),
        np.append(loss.values, np.full(int(late.sum()), np.nan)),
    )


def _batch_size(draft: _Draft, accuracy: MetricSeries | None) -> int:
    """The batch size: as told, as in the file, as the accuracies say, or the usual one."""
    if draft.options.batch_size:
        return draft.options.batch_size
    samples = draft.get("samples")
    if samples is not None and np.isfinite(samples.values).any():
        return max(1, round(float(np.nanmax(samples.values[np.isfinite(samples.values)]))))
    for name in ("batch_size", "train_batch_size", "per_device_train_batch_size"):
        told = _whole(draft.metrics.settings.get(name))
        if told:
            return told
    found = batch_size_of(accuracy.values) if accuracy is not None and not draft.are_means else None
    if found:
        draft.told.append(f"batches are taken to have {found} samples, since the accuracies are multiples of 1/{found}")
        return found
    draft.told.append(f"batches are taken to have {USUAL_BATCH} samples; say their size with --batch-size")
    return USUAL_BATCH


def _prior(draft: _Draft, loss: MetricSeries, accuracy: MetricSeries | None) -> tuple[float, ...]:
    """The shares of the classes: as told, as in the file, guessed from a frozen loss, or one NaN for unknown."""
    options = draft.options
    if options.prior is not None:
        return tuple(options.prior)
    classes = options.classes
    for name in ("classes", "num_classes", "n_classes", "num_labels"):
        classes = classes or _whole(draft.metrics.settings.get(name))
    if not classes or classes < 2:
        classes = classes_of_frozen_loss(loss.values, accuracy.values) if accuracy is not None else None
        if classes is None:
            return (math.nan,)
        draft.told.append(f"{classes} classes are guessed, since the loss stands still at ln {classes}")
    else:
        draft.told.append(f"{classes} classes are taken to be of about equal size; say their shares with --prior")
    return even_prior(classes)


def _rows(
    draft: _Draft, loss: MetricSeries, accuracy: MetricSeries | None, batch_size: int
) -> tuple[list[Column], Numbers]:
    """The numbers of the steps that the file has, and what the detector needs besides: data loss and samples."""
    steps = loss.steps
    data_loss = draft.get("data_loss")
    gaps = np.diff(steps, prepend=-1) if draft.are_means else np.ones(len(steps))
    samples = _at(draft.get("samples"), steps)
    covered = np.minimum(gaps, window_steps(batch_size)) * batch_size  # of a mean so many as judge a window
    values = {
        "loss": _at(draft.get("loss"), steps) if draft.get("loss") is not None else loss.values,
        "data_loss": loss.values if data_loss is None else _at(data_loss, steps),
        "penalty": _at(draft.get("penalty"), steps),
        "accuracy": _at(accuracy, steps),
        "learning_rate": _at(draft.get("learning_rate"), steps, last=True),
        "seconds": _at(draft.get("seconds"), steps),
        "samples": covered if draft.are_means else np.where(np.isfinite(samples), samples, batch_size),
    }
    if draft.get("penalty") is None and data_loss is None:
        draft.told.append("its loss is taken as the mean cross-entropy in nats, without a penalty")
    absent = {"penalty", "accuracy", "learning_rate", "seconds"} - {key[0] for key in draft.chosen}
    absent |= {"accuracy"} if accuracy is None else set()
    kept = [name for name in UNITS if name not in absent]
    return [Column("scalar", "", "", "", name, UNITS[name]) for name in kept], np.stack([values[n] for n in kept], 1)


def _float32(values: Numbers) -> NDArray[np.float32]:
    """Values as a log keeps them; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _at(series: MetricSeries | None, steps: Numbers, last: bool = False) -> Numbers:
    """The values at these steps; NaN where there is none, or with ``last`` the last one before."""
    if series is None or not len(series):
        return np.full(len(steps), np.nan)
    place = np.searchsorted(series.steps, steps, side="right") - 1
    if last:
        return series.values[np.maximum(place, 0)]
    found = (place >= 0) & (series.steps[np.maximum(place, 0)] == steps)
    return np.where(found, series.values[np.maximum(place, 0)], np.nan)


def _epochs(draft: _Draft, loss: MetricSeries) -> Numbers:
    """The epoch of each row, from 1; what is not known goes on from the row before."""
    epochs = np.where(np.isfinite(loss.epochs) & (loss.epochs >= 1), loss.epochs, 1)
    return np.minimum(np.maximum.accumulate(epochs), 2**31 - 1)


def _epoch_rows(draft: _Draft, steps: Any, epochs: Numbers, names: list[str], values: Numbers) -> list[dict[str, Any]]:
    """A row an epoch where the file tells epochs apart, with means over its rows; the last one only if it is whole."""
    axis = draft.axis
    whole = np.unique(epochs)
    if axis.per_epoch and steps[-1] + 1 < whole[-1] * axis.per_epoch:
        whole = whole[:-1]
    if len(np.unique(epochs)) < 2 and axis.unit != "epoch":
        return []
    rows = []
    for number in whole:
        inside = np.flatnonzero(epochs == number)
        means = values[inside].mean(axis=0)
        row: dict[str, Any] = {"epoch": int(number), "first_step": int(steps[inside[0]])}
        row["last_step"] = int(steps[inside[-1]])
        row |= {name: float(means[names.index(name)]) for name in ("loss", "accuracy") if name in names}
        rows.append(row)
    return rows


def _validations(draft: _Draft, steps: Any, epochs: Numbers) -> list[dict[str, Any]]:
    """The validations, each after the last row at or before its step."""
    loss, accuracy = draft.get("loss", "validation"), draft.get("accuracy", "validation")
    found = [one for one in (loss, accuracy) if one is not None]
    if not found:
        return []
    at = np.unique(np.concatenate([one.steps for one in found]))
    losses, shares = _at(loss, at), _at(accuracy, at)
    if (shares[np.isfinite(shares)] > 1.5).any():
        shares = shares / 100
    after = np.maximum(np.searchsorted(steps, at, side="right") - 1, 0)
    return [
        {"epoch": int(epochs[row]), "step": int(step), "loss": float(one), "accuracy": float(share)}
        for row, step, one, share in zip(after, at, losses, shares, strict=True)
    ]


def _description(draft: _Draft) -> dict[str, Any]:
    """What the file says of the training, and the learning rate of its first row."""
    rate = draft.get("learning_rate")
    known: dict[str, Any] = {name: value for name, value in draft.metrics.settings.items() if name != "seed"}
    if rate is not None and len(rate) and math.isfinite(rate.values[0]):
        known.setdefault("learning_rate", float(rate.values[0]))
    return known


def _seed(settings: Mapping[str, Any]) -> int:
    seed = settings.get("seed")
    whole = _whole(seed)
    return -1 if whole is None else whole


def _whole(value: Any) -> int | None:
    """A whole number that is not negative, also as text; None for all else."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if number == math.floor(number) and 0 <= number < 2**53 else None
