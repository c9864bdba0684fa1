"""``train`` and ``validate`` refuse data that do not fit with one line, before anything is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet import (
    ActivationSoftmax,
    ConvolutionLayer,
    DataError,
    DenseLayer,
    Flatten,
    Hook,
    LenetError,
    Model,
    SettingsError,
    ShapeError,
)
from tests.helpers.small_models import blobs, ready, small_model
from tests.lenet.test_refusals import one_line

X, Y = blobs(20)


def changed(array: Any, where: Any, value: Any) -> Any:
    array = np.array(array, dtype=float)
    array[where] = value
    return array


DATA: list[tuple[Any, Any, type[LenetError], str]] = [
    (X[:, :7], Y, ShapeError, "X: received shape (20, 7, 8, 1), expected (N, 8, 8, 1)"),
    (X.transpose(0, 3, 1, 2).repeat(2, 1).reshape(20, 4, 32), Y, ShapeError,
     "X: received shape (20, 4, 32), expected (N, 8, 8, 1)"),
    ([[1.0], [1.0, 2.0]], Y, DataError, "X: received no array (setting an array element with a sequence."),
    (X[0, 0, 0], Y, ShapeError, "X: received shape (1,), expected (N, 8, 8, 1)"),
    (changed(X, (13, 2, 2, 0), np.nan), Y, DataError,
     "X: received NaN or infinity in sample 13, expected finite numbers"),
    (changed(X, (0, 2, 2, 0), -np.inf), Y, DataError,
     "X: received NaN or infinity in sample 0, expected finite numbers"),
    (X.astype(str), Y, DataError, "X: received an array of <U32, expected numbers"),
    (X[:0], Y[:0], SettingsError, "X: received no samples, expected at least one"),
    (X, Y[:19], SettingsError, "labels: received 19, expected 20, one for each sample"),
    (X, changed(Y, 3, 3), DataError, "labels: received class 3, expected 0 to 2 (the network has 3 outputs)"),
    (X, changed(Y, 3, -1), DataError, "labels: received class -1, expected 0 to 2 (the network has 3 outputs)"),
    (X, changed(Y, 3, 0.5), DataError, "labels: received numbers that are not whole, expected class numbers"),
    (X, changed(Y, 3, np.nan), DataError, "labels: received numbers that are not whole, expected class numbers"),
    (X, Y.astype(str), DataError, "labels: received an array of <U21, expected class numbers"),
    (X, np.eye(4)[Y], DataError, "labels: received one-hot rows of 4, expected 3 classes"),
    (X, np.ones((20, 3)), DataError,
     "labels: received rows that are not one-hot, expected a single 1 among 0s in each"),
    (X, np.zeros((20, 3, 1)), DataError, "labels: received shape (20, 3, 1), expected (N,) or one-hot (N, 3)"),
]  # fmt: skip


@pytest.mark.parametrize(("inputs", "labels", "kind", "message"), DATA, ids=[case[3][:60] for case in DATA])
def test_data_that_does_not_fit_is_refused_by_train_and_as_validation_data(
    inputs: Any, labels: Any, kind: type[LenetError], message: str
) -> None:
    model = small_model()
    before = model.digest()

    assert one_line(lambda: model.train(inputs, labels, print_every=0), kind).startswith(message)
    name = message.replace("X:", "validation_data:")
    assert one_line(lambda: model.validate((inputs, labels), print_every=0), kind).startswith(name[:20])
    assert one_line(lambda: model.train(X, Y, print_every=0, validation_data=(inputs, labels)), kind).startswith(
        name[:20]
    )
    assert model.digest() == before


def test_images_with_their_channels_first_are_not_read_as_if_they_came_last() -> None:
    layer = ConvolutionLayer(2, 3, input_size=(8, 8, 3))
    model = ready(Model(), layer, Flatten(), DenseLayer(72, 3), ActivationSoftmax())
    images = np.random.default_rng(0).random((4, 8, 8, 3))

    assert one_line(lambda: model.predict(images.transpose(0, 3, 1, 2)), ShapeError) == (
        "X: received shape (4, 3, 8, 8), expected (N, 8, 8, 3)"
    )
    assert np.array_equal(model.predict(images.reshape(4, -1)), model.predict(images))


@pytest.mark.parametrize("images", [X[..., 0], X.reshape(20, 64), X.transpose(0, 3, 1, 2)], ids=["NHW", "NF", "N1HW"])
def test_grey_images_are_read_in_every_form_that_keeps_their_order(images: Any) -> None:
    model = small_model()

    assert np.array_equal(model.predict(images), model.predict(X))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (X, "validation_data: received a ndarray, expected a pair (inputs, labels)"),
        ((X, Y, Y), "validation_data: received a tuple of 3, expected a pair (inputs, labels)"),
        (7, "validation_data: received 7, expected a pair (inputs, labels)"),
    ],
    ids=["an array", "three", "a number"],
)
def test_validation_data_that_is_no_pair_is_refused(data: Any, message: str) -> None:
    model = small_model()

    assert one_line(lambda: model.validate(data, print_every=0), SettingsError) == message
    assert one_line(lambda: model.train(X, Y, print_every=0, validation_data=data), SettingsError) == message


@pytest.mark.parametrize(
    ("hooks", "message"),
    [
        (Hook(), "hooks: received a Hook, expected a list of hooks"),
        ([Hook], "hooks: received the class Hook, not an object of it, expected objects of classes derived from Hook"),
        ([Hook(), 3], "hooks: received 3, expected objects of classes derived from Hook"),
    ],
    ids=["no list", "a class", "a number"],
)
def test_hooks_that_are_none_are_refused(hooks: Any, message: str) -> None:
    assert one_line(lambda: small_model().train(X, Y, print_every=0, hooks=hooks), SettingsError) == message


@pytest.mark.parametrize(
    ("argument", "value", "least"),
    [("epochs", 0, 1), ("batch_size", 0, 1), ("batch_size", -5, 1), ("steps", 0, 1), ("print_every", -1, 0)],
)
def test_counts_that_cannot_be_are_refused(argument: str, value: int, least: int) -> None:
    message = one_line(lambda: small_model().train(X, Y, **{"print_every": 0, argument: value}), SettingsError)

    assert message == f"{argument}: received {value}, expected at least {least}"


@pytest.mark.parametrize(
    ("argument", "value"), [("epochs", 1.5), ("epochs", None), ("batch_size", "32"), ("steps", 2.0)]
)
def test_counts_that_are_no_whole_numbers_are_refused(argument: str, value: Any) -> None:
    message = one_line(lambda: small_model().train(X, Y, **{"print_every": 0, argument: value}), SettingsError)

    assert message == f"{argument}: received {value!r}, expected a whole number"
