"""Makes a run from the metrics of a file: joins its rows by their steps, and says what was assumed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import LogError
from diagnostics.imports.assumed import batch_size_of, classes_of_frozen_loss
from diagnostics.imports.cells import whole_number_of
from diagnostics.imports.draft import Draft
from diagnostics.imports.epochs import epoch_rows, epochs_of, validations
from diagnostics.imports.imported_run import ImportedRun
from diagnostics.imports.layers import layer_columns
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries, Numbers
from diagnostics.imports.options import LARGEST_CLASSES, ImportOptions, even_prior
from diagnostics.imports.other_tasks import reason_against_classes
from diagnostics.imports.resolution import resolution_words
from diagnostics.schema.columns import Column, Columns
from diagnostics.schema.measures import SCALARS
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.task import DEFAULT_TASK, Task
from diagnostics.schema.window import window_steps

USUAL_BATCH = 128
UNITS = {measure.name: measure.unit for measure in SCALARS}


def build_run(metrics: LoggedMetrics, options: ImportOptions, *, name: str, file: str, form: str) -> ImportedRun:
    """The run of these metrics.

    metrics: what was read of the file.
    options: what the user knows besides.
    name: the name of the run.
    file: the path of the file.
    form: the name of its format.

    ``run.info.environment`` says what the file was, how finely it resolves the run, and what was assumed. Raises
    LogError where the file has no loss of a training.
    """
    draft = Draft.of(metrics, options, file)
    loss, accuracy = draft.loss_and_accuracy()
    if not len(loss):
        raise LogError(f"{file}: has no loss of a training step")
    steps, epochs = loss.steps.astype(np.int64), epochs_of(loss)
    batch_size = _batch_size(draft, accuracy)
    prior = _prior(draft, loss, accuracy)
    task = _task(draft, loss, accuracy, prior)
    values = _rows(draft, loss, accuracy, batch_size)
    per_layer = layer_columns(draft.chosen, loss.steps)
    _tell_of_steps(draft)
    per_epoch = draft.axis.per_epoch if draft.axis.counts_steps else None
    total = int(steps[-1]) + 1
    seed = whole_number_of(metrics.settings.get("seed"))
    info = RunInfo(
        tensors=per_layer.tensors,
        layers=per_layer.layers,
        prior=prior,
        task=task,
        batch_size=batch_size,
        samples=batch_size * (per_epoch or total),
        steps_per_epoch=per_epoch or total,
        epochs=max(1, int(epochs.max())),
        total_steps=total,
        seed=-1 if seed is None else seed,
        description=_description(draft),
        environment={
            "imported_from": Path(file).name,
            "format": form,
            "resolution": _resolution(draft, steps),
            "counted": "steps" if draft.axis.counts_steps else "epochs",
            "taken_as": draft.told,
        },
        rows="means" if draft.are_means else "steps",
        recorded_columns=Columns(
            [*(Column("scalar", "", "", "", one, UNITS[one]) for one in values), *per_layer.columns]
        ),
    )
    return ImportedRun.from_rows(
        info,
        steps,
        epochs,
        _float32(np.column_stack([*values.values(), per_layer.values])),
        name=name,
        epoch_rows=epoch_rows(
            draft.axis, steps, epochs, {one: values[one] for one in ("loss", "accuracy") if one in values}
        ),
        validations=validations(draft, steps, epochs),
    )


def _resolution(draft: Draft, steps: NDArray[np.int64]) -> str:
    """How finely the rows resolve the run, in words."""
    if draft.axis.unit == "row":
        return f"{len(steps):,} row{'' if len(steps) == 1 else 's'} without steps"
    return resolution_words(steps, draft.are_means, "step" if draft.axis.counts_steps else "epoch")


def _batch_size(draft: Draft, accuracy: MetricSeries | None) -> int:
    """The batch size: of the options, else of the file, else the one that fits the accuracies, else the usual one."""
    if draft.options.batch_size:
        return draft.options.batch_size
    samples = draft.get("samples")
    if samples is not None and np.isfinite(samples.values).any():
        return max(1, round(float(samples.values[np.isfinite(samples.values)].max())))
    for name in ("batch_size", "train_batch_size", "per_device_train_batch_size"):
        told = whole_number_of(draft.metrics.settings.get(name))
        if told:
            return told
    are_of_batches = accuracy is not None and not draft.are_means and draft.axis.counts_steps
    found = batch_size_of(accuracy.values) if accuracy is not None and are_of_batches else None
    if found:
        draft.told.append(f"batches are taken to have {found} samples, since the accuracies are multiples of 1/{found}")
        return found
    draft.told.append(f"batches are taken to have {USUAL_BATCH} samples; say their size with --batch-size")
    return USUAL_BATCH


def _prior(draft: Draft, loss: MetricSeries, accuracy: MetricSeries | None) -> tuple[float, ...]:
    """The shares of the classes: of the options, else of the file, else guessed from a frozen loss, else one NaN."""
    options = draft.options
    if options.prior is not None:
        return tuple(options.prior)
    classes = options.classes
    for name in ("classes", "num_classes", "n_classes", "num_labels"):
        classes = classes or whole_number_of(draft.metrics.settings.get(name))
    if not classes or not 2 <= classes <= LARGEST_CLASSES:
        classes, whose = _classes_guessed(draft, loss, accuracy)
        if classes is None:
            return (math.nan,)
        draft.told.append(f"{classes} classes are guessed, since the loss{whose} stands still at ln {classes}")
    else:
        draft.told.append(f"{classes} classes are taken to be of about equal size; say their shares with --prior")
    return even_prior(classes)


def _classes_guessed(draft: Draft, loss: MetricSeries, accuracy: MetricSeries | None) -> tuple[int | None, str]:
    """The classes by a loss that stands still, that of the training or of the validation; None where neither does."""
    if accuracy is not None and (classes := classes_of_frozen_loss(loss.values, accuracy.values)) is not None:
        return classes, ""
    validated, shares = draft.get("loss", "validation"), draft.get("accuracy", "validation")
    if validated is None or shares is None:
        return None, ""
    right = shares.at(validated.steps) / (100 if draft.is_per_cent("validation") else 1)
    return classes_of_frozen_loss(validated.values, right), " of the validation"


def _task(draft: Draft, loss: MetricSeries, accuracy: MetricSeries | None, prior: tuple[float, ...]) -> Task:
    """Classes with cross-entropy; the loss alone where neither an accuracy nor the user speaks of classes."""
    is_unknown = accuracy is None and math.isnan(prior[0])
    if is_unknown and (reason := reason_against_classes(draft.metrics.series, draft.loss_name, loss.values)):
        draft.told.append(f"{reason}: it is judged by its loss alone; say --classes if it is the loss of a classifier")
        return Task.loss_only()
    if draft.get("penalty") is None and draft.get("data_loss") is None:
        draft.told.append("its loss is taken as the mean cross-entropy in nats, without a penalty")
    return DEFAULT_TASK


def _rows(draft: Draft, loss: MetricSeries, accuracy: MetricSeries | None, batch_size: int) -> dict[str, Numbers]:
    """The numbers of the steps that the file has, and what the detector needs besides: data loss and samples."""
    steps = loss.steps
    values = {
        "loss": loss.values if draft.get("loss") is None else draft.at("loss", steps),
        "data_loss": loss.values if draft.get("data_loss") is None else draft.at("data_loss", steps),
        "samples": _samples(draft, steps, batch_size),
    }
    if accuracy is not None:
        values["accuracy"] = accuracy.at(steps)
    if (rate := draft.get("learning_rate")) is not None:
        values["learning_rate"] = rate.last_before(steps)
    for name in ("penalty", "seconds"):
        if draft.get(name) is not None:
            values[name] = draft.at(name, steps)
    return {name: values[name] for name in UNITS if name in values}


def _samples(draft: Draft, steps: Numbers, batch_size: int) -> Numbers:
    """The samples of each row; a mean over more steps than a window has those of a window."""
    if draft.are_means:
        return np.minimum(np.diff(steps, prepend=-1), window_steps(batch_size)) * batch_size
    samples = draft.at("samples", steps)
    return np.where(np.isfinite(samples), samples, batch_size)


def _tell_of_steps(draft: Draft) -> None:
    """Say what had to be assumed of the steps."""
    if draft.axis.unit == "row":
        draft.told.append("the file has no steps: its rows are taken as steps, in their order")
    if draft.axis.restarts and not (draft.options.steps_per_epoch or draft.metrics.settings.get("steps_per_epoch")):
        draft.told.append(
            f"an epoch is taken to have {draft.axis.per_epoch:,} steps, by the largest that is named; say them with "
            "--steps-per-epoch"
        )
    if not draft.axis.counts_steps:
        draft.told.append("an epoch counts as one step, since its steps are not known; say them with --steps-per-epoch")


def _description(draft: Draft) -> dict[str, Any]:
    """What the file says of the training, and the learning rate of its first row."""
    rate = draft.get("learning_rate")
    known: dict[str, Any] = {name: value for name, value in draft.metrics.settings.items() if name != "seed"}
    if rate is not None and len(rate) and math.isfinite(rate.values[0]):
        known.setdefault("learning_rate", float(rate.values[0]))
    return known


def _float32(values: Numbers) -> NDArray[np.float32]:
    """Values as a log keeps them; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
