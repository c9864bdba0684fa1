"""The networks learn: quickly from a few digits, to above 96 % from all of them, and lenet with sigmoid too.

The learning rates are such that runs survive with any seed; what becomes of one
seed at the report's own 0.5 differs between machines and is nobody's promise.
"""

from __future__ import annotations

from typing import Any

import pytest

from lenet import NETWORKS, Dataset, Settings, load_dataset

# At the report's 0.5 some seeds die; at 0.1 all that were tried lived.
SURE_RATE = 0.1
SIGMOID: dict[str, Any] = {
    "activation": "sigmoid", "init": "glorot", "optimizer": "adam", "lr": 0.01, "lr_decay": "cosine",
}  # fmt: skip


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset()


def accuracy_after_training(settings: Settings, data: Dataset) -> float:
    samples = settings.limit or len(data.X_train)
    model = settings.build_model(samples=samples)
    model.train(
        data.X_train[:samples], data.y_train[:samples], settings.epochs, settings.batch_size, print_every=0,
        shuffle=settings.shuffle,
    )  # fmt: skip
    return model.validate((data.X_test, data.y_test), print_every=0)[1]


def test_feedforward_learns_from_6000_images_in_a_second(digits: Dataset) -> None:
    settings = Settings(network="feedforward", lr=SURE_RATE, epochs=8, limit=6000, batch_size=64)

    assert accuracy_after_training(settings, digits) > 0.85


@pytest.mark.parametrize("optimizer", ["momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_every_optimizer_learns_with_a_rate_that_suits_it(optimizer: str, activation: str, digits: Dataset) -> None:
    rate = {"momentum": 0.05, "rmsprop": 0.001, "adam": 0.002}[optimizer]
    settings = Settings(
        network="feedforward", activation=activation, init="glorot", optimizer=optimizer, lr=rate, epochs=4,
        limit=6000, batch_size=64, shuffle=True,
    )  # fmt: skip

    assert accuracy_after_training(settings, digits) > 0.85


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_a_healthy_run_of_three_epochs_ends_above_96_percent(network: str, digits: Dataset) -> None:
    assert accuracy_after_training(Settings(network=network, lr=SURE_RATE), digits) > 0.96


@pytest.mark.slow
def test_lenet_with_sigmoid_reaches_97_percent_with_its_documented_setting(digits: Dataset) -> None:
    assert accuracy_after_training(Settings(**SIGMOID), digits) >= 0.97
