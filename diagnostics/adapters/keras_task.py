"""What a Keras model is trained for, by its loss and its labels.

The loss of guessing follows only from a loss whose formula is known. So a loss of the user, weights of samples, classes
or outputs, and sums over the batch make a run that is judged by its losses alone.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.keras_step import has_own_loss
from diagnostics.schema.task import (
    ABSOLUTE_ERROR,
    BINARY,
    BINARY_CROSS_ENTROPY,
    CLASSES,
    Task,
    classes_of,
    prior_entropy,
)
from lenet.errors import DataError, SettingsError

log = logging.getLogger("lenet-diag")
SPARSE, CATEGORICAL, BINARY_LOSS, SQUARED, ABSOLUTE = (
    "SparseCategoricalCrossentropy", "CategoricalCrossentropy", "BinaryCrossentropy", "MeanSquaredError",
    "MeanAbsoluteError",
)  # fmt: skip
FUNCTIONS = {
    SPARSE: "sparse_categorical_crossentropy", CATEGORICAL: "categorical_crossentropy",
    BINARY_LOSS: "binary_crossentropy", SQUARED: "mean_squared_error", ABSOLUTE: "mean_absolute_error",
}  # fmt: skip
"""The functions of the losses of Keras whose loss of guessing is known, by their classes."""
MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
RIGHT_ANSWERS = {CLASSES: ("SparseCategoricalAccuracy", "CategoricalAccuracy"), BINARY: ("BinaryAccuracy",)}
"""The metrics of Keras that count the right answers of a task."""
OTHER_METRICS = ("Accuracy", "TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy")


def task_of(model: Any, labels: NDArray[Any] | None, is_weighted: bool) -> Task:
    """What a model is trained for, with the loss of guessing the labels; losses only where that is not known."""
    loss, name = _known_loss(model)
    if not name:
        return _judged_by_losses(f"the loss {_words(loss)} is not known")
    if is_weighted or _has_loss_weights(model):
        return _judged_by_losses("the loss is weighted")
    if getattr(loss, "reduction", MEANS[0]) not in MEANS:
        return _judged_by_losses(f"the loss is no mean over the batch (reduction {loss.reduction!r})")
    if labels is None:
        return _judged_by_losses("no labels were given")
    if labels.ndim > 1 and name == SPARSE and _masks(model):
        return _judged_by_losses("the loss leaves masked steps out")
    try:
        return _with_labels(model, loss, name, labels)
    except (SettingsError, DataError) as error:
        return _judged_by_losses(f"{error}")


def with_labels(task: Task, labels: NDArray[Any] | None) -> Task:
    """A task that the user said, with the loss of guessing the labels."""
    if labels is None:
        return task
    return task.with_targets(_class_numbers(labels) if task.kind == CLASSES else labels)


def counts_right_answers(metric: Any, value: float, task: Task) -> bool:
    """Whether a metric, None for a number of the train step itself, is the share of right answers of the task."""
    if not task.has_classes:
        return False
    kind = type(metric).__name__
    if kind in (*RIGHT_ANSWERS[CLASSES], *RIGHT_ANSWERS[BINARY], *OTHER_METRICS):
        return kind in RIGHT_ANSWERS[task.kind]
    return 0 <= value <= 1


def _known_loss(model: Any) -> tuple[Any, str]:
    """The loss of a model, and the class of Keras that it is; "" where it is none whose formula is known."""
    import keras

    loss = getattr(model, "loss", None)
    if isinstance(loss, list | tuple | dict) and len(loss) == 1:
        loss = next(iter(loss.values() if isinstance(loss, dict) else loss))
    if has_own_loss(model):
        return type(model).compute_loss, ""
    found = loss
    if isinstance(loss, str):
        try:
            found = keras.losses.get(loss)
        except ValueError:
            return loss, ""
    for kind, function in FUNCTIONS.items():
        if found is getattr(keras.losses, function, None) or type(found) is getattr(keras.losses, kind, None):
            return found, kind
    return loss, ""


def _with_labels(model: Any, loss: Any, name: str, labels: NDArray[Any]) -> Task:
    if name in (SQUARED, ABSOLUTE):
        return (Task.regression() if name == SQUARED else Task.regression(ABSOLUTE_ERROR)).with_targets(labels)
    smoothing = float(getattr(loss, "label_smoothing", 0) or 0)
    if name == BINARY_LOSS:
        return _yes_or_no(model, labels, smoothing)
    ignored = getattr(loss, "ignore_class", None)
    classes = _class_numbers(labels, is_dense=name == CATEGORICAL)
    task = Task.classes().with_targets(classes if ignored is None else classes[classes != ignored])
    outputs = (getattr(model, "output_shape", None) or (None,))[-1]
    return _smoothed(task, smoothing, outputs if isinstance(outputs, int) else labels.shape[-1])


def _yes_or_no(model: Any, labels: NDArray[Any], smoothing: float) -> Task:
    outputs = (getattr(model, "output_shape", None) or labels.shape)[-1] if labels.ndim > 1 else 1
    if outputs == 1:
        return _smoothed(Task.binary().with_targets(labels.reshape(-1)), smoothing, 2)
    if smoothing:
        raise SettingsError("label smoothing of several outputs is not known")
    if labels.ndim == 2 and _is_one_hot(labels):
        return Task.classes(BINARY_CROSS_ENTROPY).with_targets(labels)
    return Task.binary().with_targets(labels.reshape(-1, labels.shape[-1]))


def _smoothed(task: Task, smoothing: float, classes: int) -> Task:
    """The task whose targets are mixed with equal shares of all classes."""
    if not smoothing or not task.prior:
        return task
    shares = [*task.prior, *[0.0] * (classes - len(task.prior))]
    return replace(task, guessing_loss=prior_entropy([(1 - smoothing) * one + smoothing / classes for one in shares]))


def _class_numbers(labels: NDArray[Any], is_dense: bool = False) -> NDArray[Any]:
    """The classes (n,) of labels (N,) or (N, steps), or one-hot (N, ..., classes)."""
    return labels.argmax(axis=-1).reshape(-1) if is_dense and labels.ndim > 1 else classes_of(labels)


def _is_one_hot(labels: NDArray[Any]) -> bool:
    return bool(np.isin(labels, (0, 1)).all() and (labels.sum(axis=-1) == 1).all())


def _has_loss_weights(model: Any) -> bool:
    import keras

    weights = getattr(getattr(model, "_compile_loss", None), "_user_loss_weights", None)
    return any(one not in (None, 1) for one in keras.tree.flatten(weights))


def _masks(model: Any) -> bool:
    return any(getattr(one, "mask_zero", False) or type(one).__name__ == "Masking" for one in model.layers)


def _judged_by_losses(why: str) -> Task:
    log.warning("KerasRecorder: %s, so that the run is judged by its losses alone, unless you give task=...", why)
    return Task.loss_only()


def _words(loss: Any) -> str:
    if isinstance(loss, list | tuple | dict):
        return f"of {len(loss)} outputs"
    return str(
        loss if isinstance(loss, str) else getattr(loss, "name", "") or getattr(loss, "__name__", "") or "of fit"
    )
