"""The networks learn: quickly from a few digits, to above 96 % from all of them, and lenet with sigmoid too.

The settings are such that runs survive with any seed; what becomes of one seed
with the paper's own differs between machines and is nobody's promise.
"""

from __future__ import annotations

from typing import Any

import pytest

from lenet import NETWORKS, Dataset, Settings, load_dataset

# With the paper's start and its rate of 0.5 some seeds die. With He's start and a rate that falls all that
# were tried lived, and ended the better for it: 96.6 % and more for feedforward, 97.7 % and more for the others.
SURE: dict[str, Any] = {"init": "he", "lr_decay": "cosine"}
SURE_RATE = {"feedforward": 0.5, "conv": 0.2, "conv2": 0.2, "conv-pool": 0.2, "lenet": 0.2}
SIGMOID: dict[str, Any] = {
    "activation": "sigmoid",
    "init": "glorot",
    "optimizer": "adam",
    "lr": 0.01,
    "lr_decay": "cosine",
}


@pytest.fixture(scope="module")
def digits(whole_test_set: None) -> Dataset:
    return load_dataset()


def accuracy_after_training(settings: Settings, data: Dataset) -> float:
    samples = settings.limit or len(data.X_train)
    model = settings.build_model(samples=samples)
    model.train(
        data.X_train[:samples],
        data.y_train[:samples],
        settings.epochs,
        settings.batch_size,
        print_every=0,
        shuffle=settings.shuffle,
    )
    return model.validate((data.X_test, data.y_test), print_every=0)[1]


def test_feedforward_learns_from_6000_images_in_a_second(digits: Dataset) -> None:
    settings = Settings(network="feedforward", lr=0.1, epochs=8, limit=6000, batch_size=64)

    assert accuracy_after_training(settings, digits) > 0.85


@pytest.mark.parametrize(
    ("optimizer", "activation"),
    [
        ("momentum", "relu"),
        ("rmsprop", "tanh"),
        ("adam", "relu"),
        *(
            pytest.param(*both, marks=pytest.mark.slow)
            for both in (("momentum", "tanh"), ("rmsprop", "relu"), ("adam", "tanh"))
        ),
    ],
)
def test_every_optimizer_learns_with_a_rate_that_suits_it(optimizer: str, activation: str, digits: Dataset) -> None:
    rate = {"momentum": 0.05, "rmsprop": 0.001, "adam": 0.002}[optimizer]
    settings = Settings(
        network="feedforward",
        activation=activation,
        init="glorot",
        optimizer=optimizer,
        lr=rate,
        epochs=4,
        limit=6000,
        batch_size=64,
        shuffle=True,
    )

    assert accuracy_after_training(settings, digits) > 0.85


@pytest.mark.slow
@pytest.mark.parametrize(("network", "epochs"), [(name, 1 if name == "conv2" else 3) for name in NETWORKS])
def test_a_healthy_run_ends_above_96_percent(network: str, epochs: int, digits: Dataset) -> None:
    # An epoch of conv2 takes as long as eight of lenet, and is enough for it.
    settings = Settings(network=network, lr=SURE_RATE[network], epochs=epochs, **SURE)

    assert accuracy_after_training(settings, digits) > 0.96


@pytest.mark.slow
def test_lenet_with_sigmoid_reaches_97_percent_with_its_documented_setting(digits: Dataset) -> None:
    assert accuracy_after_training(Settings(**SIGMOID), digits) >= 0.97
