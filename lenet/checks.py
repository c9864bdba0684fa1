"""Checks of what people hand to ``train`` and ``validate``, before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.errors import DataError, SettingsError, ShapeError
from lenet.layers.base import Array, Layer, Shape
from lenet.layers.convolution import ConvolutionLayer
from lenet.layers.dense import DenseLayer
from lenet.layers.flatten import Flatten

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


def check_train_arguments(epochs: int, batch_size: int | None, steps: int | None, print_every: int | None) -> None:
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


def check_lengths(name: str, X: Array, labels: NDArray[np.intp]) -> None:
    """Raises SettingsError unless there is one label for each of at least one sample."""
    if len(X) != len(labels):
        raise SettingsError(f"labels: received {len(labels)}, expected {len(X)}, one for each sample")
    if not len(X):
        raise SettingsError(f"{name}: received no samples, expected at least one")


def first_shape(layers: Sequence[Layer]) -> Shape:
    """Shape of one input sample, from the first layer that knows it."""
    first = layers[0]
    if isinstance(first, ConvolutionLayer):
        return first.input_size
    if isinstance(first, DenseLayer):
        return (first.n_inputs,)
    if isinstance(first, Flatten) and first.input_size is not None:
        return tuple(first.input_size)
    if isinstance(first, Flatten) and len(layers) > 1 and isinstance(layers[1], DenseLayer):
        return (layers[1].n_inputs,)
    raise SettingsError(
        f"finalize: the first layer is {first.title}, which does not say how large its input is; expected a "
        "ConvolutionLayer, a DenseLayer or Flatten(input_size=(height, width, depth))"
    )
