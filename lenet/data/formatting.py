"""The loaders and ``formatData`` of the paper: from files to the inputs of networks.

The names and arguments are those of the paper. Its images are black and white, not
grey: a pixel above 64 becomes 1, any other 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lenet.arguments import expect_unmasked
from lenet.data.idx import IMAGES, LABELS, read_idx
from lenet.errors import ShapeError

THRESHOLD = 64

Arrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]


def load_mnist_images(path: Path | str) -> NDArray[np.uint8]:
    r"""Read an IDX file of images: uint8, (N, H, W), grey values from 0 to 255.

    Args:
        path: a plain or gzipped file. Backslashes separate folders on any system. If there is
            no such file, ``path`` with .gz at its end is read.

    Raises:
        DataError: the file is missing, damaged or no file of images.
    """
    return read_idx(path, IMAGES).values.copy()  # a copy, so that it can be written to


def load_mnist_labels(path: Path | str) -> NDArray[np.uint8]:
    """Read an IDX file of labels: uint8, (N,).

    Args:
        path: as in :func:`load_mnist_images`.

    Raises:
        DataError: the file is missing, damaged or no file of labels.
    """
    return read_idx(path, LABELS).values.copy()


def formatData(
    train_images: ArrayLike, test_images: ArrayLike, train_labels: ArrayLike, test_labels: ArrayLike
) -> Arrays:
    """Make inputs of networks from images and labels, as the paper does.

    Args:
        train_images: grey values, (N, H, W).
        test_images: the same for the test set.
        train_labels: whole numbers from 0, (N,).
        test_labels: the same for the test set.

    Returns:
        X_train, X_test, y_train, y_test: X float32, (N, H, W, 1), 1.0 where the
        grey value is above 64 and 0.0 elsewhere; y int64, (N,).

    Raises:
        ShapeError: images that are not (N, H, W), labels that are not one
            whole number an image.
    """
    given = {"train_images": train_images, "test_images": test_images, "train_labels": train_labels}
    for name, array in {**given, "test_labels": test_labels}.items():
        expect_unmasked(name, array)
    images = [np.asarray(train_images), np.asarray(test_images)]
    labels = [np.asarray(train_labels), np.asarray(test_labels)]
    for name, x, y in zip(("train", "test"), images, labels, strict=True):
        if x.ndim != 3:
            raise ShapeError(f"{name}_images: shape {x.shape} received, expected (N, H, W)")
        if y.shape != x.shape[:1] or y.dtype.kind not in "iu":
            raise ShapeError(
                f"{name}_labels: {y.dtype} of shape {y.shape} received, "
                f"expected {len(x)} whole numbers, one for each image"
            )
    return (binarise(images[0]), binarise(images[1]), labels[0].astype(np.int64), labels[1].astype(np.int64))


def binarise(images: NDArray[Any]) -> NDArray[np.float32]:
    """Images (N, H, W) of any type as (N, H, W, 1) float32: above 64 becomes 1.0, the rest 0.0."""
    out = np.empty((*images.shape, 1), np.float32)
    # One pass, without a second copy: the training set has 188 MB.
    np.greater(images, THRESHOLD, out=out[..., 0], casting="unsafe")
    return out
