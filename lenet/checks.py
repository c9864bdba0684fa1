"""Checks of the arguments of ``train`` and ``validate``, before anything is computed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lenet.arguments import expect_unmasked, expect_whole
from lenet.errors import DataError, SettingsError, ShapeError
from lenet.hooks import Hook
from lenet.layers.workspace import Array, Shape

CHUNK = 4096


def check_inputs(name: str, X: NDArray[Any], input_shape: Shape) -> Array:
    """X as (N, *input_shape).

    Rows are read as images and images as rows, and (N, H, W) as (N, H, W, 1). Nothing
    else is reshaped, so that an image with its channels first is never read as one with
    its channels last.

    Args:
        name: the name of the array in messages.
        X: the samples, (N, ...).
        input_shape: shape of one sample, (H, W, C) or (F,).

    Raises:
        ShapeError: samples of another shape.
        DataError: NaN, an infinite value, or no array of numbers.
    """
    expect_unmasked(name, X)
    try:
        X = np.asarray(X)
    except ValueError as error:  # rows of different lengths
        raise DataError(f"{name}: received no array ({error}), expected numbers") from None
    if X.ndim < 2 or not _is_readable_as(X.shape[1:], input_shape):
        raise ShapeError(f"{name}: received shape {X.shape}, expected (N, {', '.join(map(str, input_shape))})")
    if X.dtype.kind not in "fiub":
        raise DataError(f"{name}: received an array of {X.dtype}, expected numbers")
    if X.dtype.kind == "f":
        for first in range(0, len(X), CHUNK):
            chunk = X[first : first + CHUNK]
            if not np.isfinite(chunk).all():
                where = int(np.argwhere(~np.isfinite(chunk))[0][0]) + first
                raise DataError(f"{name}: received NaN or infinity in sample {where}, expected finite numbers")
    return X.reshape(len(X), *input_shape)


def _is_readable_as(shape: Shape, input_shape: Shape) -> bool:
    """Whether samples of ``shape`` have the numbers of ``input_shape`` in the same order."""
    if math.prod(shape) != math.prod(input_shape):
        return False
    sides, expected = ([side for side in one if side != 1] for one in (shape, input_shape))
    return sides == expected or len(shape) == 1 or len(input_shape) == 1


def check_pair(name: str, data: object) -> tuple[Any, Any]:
    """The pair (inputs, labels). Raises SettingsError for anything else."""
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise SettingsError(f"{name}: received {_kind(data)}, expected a pair (inputs, labels)")
    return data[0], data[1]


def check_hooks(hooks: object) -> None:
    """Raises SettingsError unless ``hooks`` is a list or tuple of hooks."""
    if not isinstance(hooks, list | tuple):
        raise SettingsError(f"hooks: received {_kind(hooks)}, expected a list of hooks")
    for hook in hooks:
        if not isinstance(hook, Hook):
            raise SettingsError(f"hooks: received {_kind(hook)}, expected objects of classes derived from Hook")


def check_kind(name: str, value: object, kind: type, known_as: str = "") -> None:
    """Raises SettingsError unless ``value`` is an object of ``kind``. ``known_as``: its name in messages."""
    if not isinstance(value, kind):
        raise SettingsError(f"{name}: received {_kind(value)}, expected an object of {known_as or kind.__name__}")


def _kind(value: object) -> str:
    """The received value in words, for messages."""
    if isinstance(value, type):
        return f"the class {value.__name__}, not an object of it"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value) if value is None or isinstance(value, int | float | str) else f"a {type(value).__name__}"


def check_train_arguments(epochs: int, batch_size: int | None, steps: int | None, print_every: int | None) -> None:
    """Raises SettingsError for counts out of range; all but ``epochs`` may be None."""
    counts: tuple[tuple[str, object, int], ...] = (
        ("epochs", epochs, 1),
        ("batch_size", batch_size, 1),
        ("steps", steps, 1),
        ("print_every", print_every, 0),
    )
    for name, value, least in counts:
        if value is None and name != "epochs":
            continue
        expect_whole(name, value, least)


def check_same_feeding(steps_then: int, shuffle_then: bool, steps_now: int, shuffle_now: bool) -> None:
    """Raises SettingsError if a restored run would go on with other batches than before."""
    if steps_now != steps_then:
        raise SettingsError(
            f"train: received data and a batch size that make {steps_now} steps an epoch, expected {steps_then} as in "
            "the run that was restored; restore(state, position=False) starts a new run"
        )
    if shuffle_now != shuffle_then:
        raise SettingsError(
            f"train: received shuffle={shuffle_now}, expected {shuffle_then} as in the run that was restored"
        )


def precision(dtype: DTypeLike) -> np.dtype[Any]:
    """float32 or float64. Raises SettingsError for any other."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise SettingsError(f"dtype: received {dtype!r}, expected float32 or float64") from None
    if found not in (np.float32, np.float64):
        raise SettingsError(f"dtype: received {found}, expected float32 or float64")
    return found


def check_lengths(name: str, X: Array, labels: NDArray[np.intp]) -> None:
    """Raises SettingsError unless there is one label for each of at least one sample."""
    if len(X) != len(labels):
        raise SettingsError(f"labels: received {len(labels)}, expected {len(X)}, one for each sample")
    if not len(X):
        raise SettingsError(f"{name}: received no samples, expected at least one")
