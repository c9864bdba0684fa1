"""formatData: images in black and white, with one channel."""

from __future__ import annotations

import numpy as np
import pytest

from lenet.data import formatData
from lenet.errors import ShapeError
from tests.lenet.data.test_idx import IMAGE, LABEL, Bytes


def test_format_data_makes_black_and_white_images_with_one_channel() -> None:
    images = np.array([[[0, 64], [65, 255]]], np.uint8)

    X_train, X_test, y_train, y_test = formatData(images, images.tolist(), LABEL[:1], [7])

    assert X_train.dtype == X_test.dtype == np.float32
    assert y_train.dtype == y_test.dtype == np.int64
    np.testing.assert_array_equal(X_train, [[[[0], [0]], [[1], [1]]]])
    np.testing.assert_array_equal(X_test, X_train)
    assert (y_train.tolist(), y_test.tolist()) == ([3], [7])


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGE[0], LABEL, r"train_images: shape \(3, 4\) received, expected \(N, H, W\)"),
        (IMAGE, LABEL[:1], r"train_labels: uint8 of shape \(1,\) received, expected 2 whole numbers"),
        (IMAGE, LABEL.astype(float), "train_labels: float64 of shape"),
    ],
)
def test_format_data_refuses_what_does_not_fit(images: Bytes, labels: Bytes, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        formatData(images, IMAGE, labels, LABEL)
