"""Checks of what people hand to ``train`` and ``validate``, before anything is computed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.errors import DataError, SettingsError, ShapeError
from lenet.layers.base import Array, Shape

CHUNK = 4096


def check_inputs(name: str, X: NDArray[Any], input_shape: Shape) -> Array:
    """X as (N, *input_shape): flat input for images and images for a flat input are reshaped.

    Raises ShapeError where sizes differ, DataError for NaN or infinite values.
    """
    X = np.asarray(X)
    if X.ndim < 2 or math.prod(X.shape[1:]) != math.prod(input_shape):
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


def check_train_arguments(
    epochs: int, batch_size: int | None, steps: int | None, print_every: int | None
) -> None:
    """Raises SettingsError for counts that cannot be; only ``epochs`` must not be None."""
    counts: tuple[tuple[str, object, int], ...] = (
        ("epochs", epochs, 1),
        ("batch_size", batch_size, 1),
        ("steps", steps, 1),
        ("print_every", print_every, 0),
    )
    for name, value, least in counts:
        if value is None and name != "epochs":
            continue
        if not isinstance(value, int | np.integer):
            raise SettingsError(f"{name}: received {value!r}, expected a whole number")
        if value < least:
            raise SettingsError(f"{name}: received {value}, expected at least {least}")
