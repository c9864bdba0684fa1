"""Checks of what users pass to ``watch`` and its steps, before anything is recorded. Each raises SettingsError."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.stages import FUNCTIONS
from diagnostics.adapters.tap_finder import FoundTap
from diagnostics.adapters.walk import arrays_of
from lenet.arguments import expect_number, expect_scalar, expect_share, expect_whole
from lenet.checks import check_hooks
from lenet.errors import SettingsError


def expect_options(
    *,
    gradients: object,
    activations: object,
    unit_axis: object,
    description: object,
    recorder: object,
    hooks: object,
    batch_size: object,
    lr: object,
) -> None:
    """The options of ``watch``, as far as no other class checks them."""
    if gradients not in (None, False) and not callable(gradients):
        kind = type(gradients).__name__
        raise SettingsError(
            f"gradients: received {kind}, expected a function that returns the gradients, None or False; "
            "those of one step go to step(gradients=...)"
        )
    for name, value in (("activations", activations), ("description", description), ("recorder", recorder)):
        if value is not None and not isinstance(value, Mapping):
            raise SettingsError(f"{name}: received {value!r}, expected a dictionary")
    functions = [name for name, _ in FUNCTIONS]
    for layer, function in (activations or {}).items() if isinstance(activations, Mapping) else ():
        if function is not None and function not in functions:
            raise SettingsError(f"activations: {layer}: received {function!r}, expected {', '.join(functions)} or None")
    if unit_axis is not None:
        expect_whole("unit_axis", unit_axis, -4)
    if batch_size is not None:
        expect_whole("batch_size", batch_size, 1)
    if lr is not None:
        expect_number("lr", lr, "finite", lambda value: True)
    check_hooks(list(hooks) if isinstance(hooks, Sequence) else hooks)


def class_labels(labels: NDArray[Any]) -> NDArray[Any]:
    """Classes of a training set (N,) or one-hot (N, classes), which may come as a column, as a row, or in columns."""
    if not labels.ndim or labels.dtype.kind not in "fiub":
        shown = f"an array of {labels.dtype}" if labels.ndim else repr(labels.item())
        raise SettingsError(f"labels: received {shown}, expected the classes of the training set, as numbers")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise SettingsError("labels: received NaN or infinity, expected the classes of the training set")
    if labels.ndim == 3 and labels.shape[2] == 1:  # a column of 0s and a 1 for each sample
        labels = labels[:, :, 0]
    if labels.ndim == 2 and 1 in labels.shape:
        labels = labels.reshape(-1)
    if labels.ndim == 2 and np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) != 1).any():
        if (labels.sum(axis=0) == 1).all():
            return labels.T
        raise SettingsError(
            "labels: received rows with no 1 or several, expected one-hot rows; where a sample has several yes or "
            "no, say task=Task.binary()"
        )
    return labels


def expect_numbers_of_step(loss: object, accuracy: object, lr: object, penalty: object, outputs: object) -> None:
    """The numbers that a step is told, and its outputs as a dictionary."""
    for name, value in (("loss", loss), ("accuracy", accuracy), ("penalty", penalty)):
        if name != "accuracy" or value is not None:
            expect_scalar(name, value)
    if accuracy is not None:
        expect_share("accuracy", float(accuracy))  # type: ignore[arg-type]
    expect_number("lr", lr, "finite", lambda value: True)
    if outputs is not None and not isinstance(outputs, Mapping):
        raise SettingsError(
            f"outputs: received {type(outputs).__name__}, expected a dictionary of arrays by the names of the layers"
        )


def expect_used(found: Sequence[FoundTap], gradients: Any, outputs: Mapping[str, Any]) -> None:
    """Of the gradients and of the outputs that the first step passed at least one belongs to a layer."""
    if gradients is not None and not any("given" in tap.gradients.values() for tap in found):
        tensors = [
            f"{place} {np.shape(read())}"
            for tap in found
            for place, read in zip(tap.tensors.values(), tap.tap.tensors.values(), strict=True)
        ]
        received = [f"{one.location} {one.value.shape}" for one in arrays_of(gradients)[:6]]
        raise SettingsError(
            f"gradients: received {', '.join(received) or type(gradients).__name__}, expected names and shapes of "
            f"{', '.join(tensors[:6])}"
        )
    if outputs and not any(tap.output == "given" for tap in found):
        raise SettingsError(
            f"outputs: received {', '.join(map(str, list(outputs)[:6]))}, expected some of "
            f"{', '.join(tap.tap.name for tap in found)}, or names such as A1"
        )
