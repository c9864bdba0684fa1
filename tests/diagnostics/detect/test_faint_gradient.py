"""When a gradient is too small for its loss, and what looks like it and is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.examples import example
from diagnostics.detect.rules.faint_gradient import FaintGradient
from diagnostics.detect.window import Window

NORM = "dense2/weights/gradient/norm"
LEAST = float(np.sqrt(16 * (0.2**2 + 0.3**2) * 0.9 / 128))  # of the network of the examples, at guessing


def guessing(share: float, loss: object = 2.3, **changes: object) -> Window:
    window = example(DEFAULT_THRESHOLDS, {"data_loss": loss, NORM: share * LEAST})
    return replace(window, info=replace(window.info, **changes))


def messages(window: Window) -> list[str]:
    return [finding.message for finding in FaintGradient().check(window)]


@pytest.mark.parametrize(("share", "is_told"), [(1.0, False), (0.31, False), (0.29, True), (0.008, True), (0.0, False)])
def test_it_fires_below_three_tenths_of_the_least_norm(share, is_told):
    assert bool(messages(guessing(share))) is is_told


@pytest.mark.parametrize(
    ("share", "batch", "words"),
    [
        (
            0.13,
            128,
            "times smaller than that of a mean cross-entropy of 2.3: softmax is applied twice, or it is divided",
        ),
        (0.01, 128, "it is divided by the batch size (128) twice, so the learning rate acts as if it were 128 times"),
        (
            0.1,
            16,
            "by the batch size (16) twice, or softmax is applied twice, or it is divided by the number of classes",
        ),
        (0.0001, 128, "it is divided once more than the loss"),
    ],
)
def test_what_it_is_divided_by_is_told_where_it_fits(share, batch, words):
    window = guessing(share, batch_size=batch)
    window.rows[:, window.columns.scalar("samples")] = batch
    window.rows[:, window.columns.names.index(NORM)] = share * LEAST * np.sqrt(128 / batch)

    assert words in messages(window)[0]


def test_a_loss_that_softmax_twice_cannot_have_is_not_explained_by_it():
    """With ten classes two softmaxes give at most ln(9 + e) = 2.46."""
    assert "softmax" not in messages(guessing(0.1, loss=3.0))[0]
    assert "number of classes" in messages(guessing(0.1, loss=3.0))[0]


def test_too_few_rows_that_guess_say_nothing():
    loss = np.where(np.arange(60) < 9, 2.3, 0.5)

    assert messages(guessing(0.1, loss=loss)) == []


def test_a_network_that_has_learned_has_small_gradients():
    assert messages(guessing(0.01, loss=0.2)) == []


@pytest.mark.parametrize("shape", ["sigmoid", "relu"])
def test_another_last_function_says_nothing(shape):
    window = guessing(0.1)
    last = replace(window.info.layers[-1], activation=shape)

    assert messages(replace(window, info=replace(window.info, layers=(*window.info.layers[:-1], last)))) == []


def test_a_gradient_that_was_derived_from_the_update_says_nothing():
    """A learning rate that was told wrongly would make it small."""
    window = guessing(0.1)
    derived = {**window.info.description, "derived_gradients": ["dense2/weights"]}

    assert messages(replace(window, info=replace(window.info, description=derived))) == []


def test_a_layer_before_the_last_that_is_silent_says_nothing():
    window = example(DEFAULT_THRESHOLDS, {"data_loss": 2.3, NORM: 0.0, "dense1/mean": 0.0, "dense1/std": 0.0})

    assert messages(window) == []


@pytest.mark.parametrize(("free_rows", "is_told"), [(0, False), (4, False), (6, True)])
def test_a_gradient_that_was_clipped_before_it_was_recorded_says_nothing(free_rows, is_told):
    """The whole gradient has one norm in the rows in which it was clipped, and a smaller one in others."""
    rows = np.where(np.arange(60) < free_rows, 0.5 + 0.01 * np.arange(60), 1.0)
    names = [f"{layer}/{one}/gradient/norm" for layer in ("conv1", "dense1", "dense2") for one in ("weights", "biases")]
    window = example(DEFAULT_THRESHOLDS, {"data_loss": 2.3, **dict.fromkeys(names, 0.1 * LEAST * rows)})

    assert bool(messages(window)) is is_told


@pytest.mark.parametrize("seed", range(3))
def test_batches_with_the_same_number_of_each_class_are_no_fault(seed):
    """Their bias gradients are nearly 0 from the start; those of the weights are not."""
    draw = np.random.default_rng(seed)
    batch, classes, hidden = 100, 10, 16
    truth = np.eye(classes)[np.arange(batch) % classes]
    h = np.maximum(0, draw.standard_normal((60, batch, hidden)))
    gradients = np.einsum("tnh,nk->thk", h, 0.1 - truth) / batch
    window = guessing(1.0)
    columns = {NORM: np.sqrt((gradients**2).sum(axis=(1, 2))), "dense1/mean": h.mean(), "dense1/std": h.std()}
    window = example(DEFAULT_THRESHOLDS, {"data_loss": 2.3, "samples": float(batch), **columns})

    assert messages(window) == []
