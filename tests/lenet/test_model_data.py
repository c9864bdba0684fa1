"""Forms of data: labels, inputs, partial batches, validation data, and the number of steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet import OptimizerSGD
from tests.helpers.small_models import Everything, blobs, one_hot, small_model


def trained(X: Any, y: Any, **options: Any) -> str:
    model = small_model()
    model.train(X, y, **{"epochs": 2, "batch_size": 32, "print_every": 0, **options})
    return model.digest()


def test_one_hot_and_sparse_labels_of_any_number_type_give_the_same_run_bit_for_bit() -> None:
    X, y = blobs(100)
    forms = [y, y.astype(np.uint8), y.astype(float), list(y), one_hot(y, 3), one_hot(y, 3).astype(bool)]

    assert len({trained(X, form) for form in forms}) == 1


def test_inputs_of_any_number_type_or_memory_order_give_the_same_run_bit_for_bit() -> None:
    X, y = blobs(100)
    X = np.round(4 * X)
    forms = [X, X.astype(np.float64), X.astype(np.int8), np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]]
    flat = X.reshape(100, 64)

    assert len({trained(form, y) for form in [*forms, flat]}) == 1


def test_training_does_not_write_into_the_data() -> None:
    X, y = blobs(100)
    X.flags.writeable = y.flags.writeable = False
    trained(X, y, shuffle=True, validation_data=(X, y))


def test_the_last_partial_batch_is_trained_on_and_weighs_by_its_samples() -> None:
    X, y = blobs(70)
    heard = Everything()
    small_model(optimizer=OptimizerSGD(0.0)).train(X, y, batch_size=32, print_every=0, hooks=[heard])
    loss, accuracy = small_model().validate((X, y), print_every=0)
    [epoch] = heard.of("on_epoch_end")

    assert [step.samples for step in heard.of("on_step_end")] == [32, 32, 6]
    assert epoch.loss == pytest.approx(loss, rel=1e-6)
    assert epoch.accuracy == accuracy


def test_batch_size_none_or_above_the_number_of_samples_is_one_step_an_epoch() -> None:
    X, y = blobs(70)

    assert trained(X, y, batch_size=None) == trained(X, y, batch_size=70) == trained(X, y, batch_size=1000)
    assert trained(X, y, batch_size=None) != trained(X, y, batch_size=35)


@pytest.mark.parametrize("batch_size", [None, 1, 32, 45, 90, 500])
def test_validate_gives_mean_loss_and_accuracy_whatever_the_batches(batch_size: int | None) -> None:
    X, y = blobs(90)
    model = small_model()
    probabilities = model.predict(X).astype(np.float64)
    loss, accuracy = model.validate((X, y), batch_size, print_every=0)

    assert loss == pytest.approx(-np.log(probabilities[np.arange(90), y]).mean(), rel=1e-5)
    assert accuracy == np.mean(probabilities.argmax(axis=1) == y)


def test_validating_changes_nothing() -> None:
    X, y = blobs(90)
    model = small_model()
    before = model.digest()
    model.validate((X, y), 32, print_every=0)

    assert model.digest() == before
    assert model.step == 0


def test_validation_data_of_train_leaves_the_run_as_it_is_and_gives_what_validate_gives() -> None:
    X, y = blobs(90)
    heard = Everything()
    model = small_model()
    model.train(X, y, epochs=2, batch_size=32, print_every=0, hooks=[heard], validation_data=(X[:50], y[:50]))
    first, last = heard.of("on_validation_end")

    assert model.digest() == trained(X, y)
    assert (first.epoch, first.step, last.epoch, last.step, last.samples) == (1, 2, 2, 5, 50)
    assert (last.loss, last.accuracy) == model.validate((X[:50], y[:50]), print_every=0)


def test_steps_end_the_run_in_the_middle_of_an_epoch() -> None:
    X, y = blobs(90)
    heard = Everything()
    model = small_model()
    model.train(X, y, epochs=3, batch_size=30, steps=4, print_every=0, hooks=[heard])

    assert model.step == 4
    assert [event.epoch for event in heard.of("on_epoch_end")] == [1]
    assert heard.of("on_run_end")[0].status == "completed"


def test_predict_gives_probabilities_for_any_number_of_samples() -> None:
    X, _ = blobs(300)
    model = small_model()
    whole = model.predict(X)

    assert whole.shape == (300, 3)
    np.testing.assert_allclose(whole.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.predict(X[:7]), whole[:7], rtol=1e-4)
