"""The same seed gives the same bits, whatever the number of threads, the process and the hooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenet import NETWORKS, Hook, Settings
from tests.helpers.forked import run
from tests.helpers.resumed_run import make, train
from tests.helpers.small_models import EVENTS, OPTIMIZERS, Everything, blobs, mnist, small_model

ROOT = Path(__file__).resolve().parents[3]


def lenet_digest(batch_size: int = 32, threads: int = 1, hooks: Any = (), **changes: Any) -> str:
    """Digest of one of the five networks after three steps on real digits."""
    settings = Settings(**{"threads": threads, "lr": 0.1, "batch_size": batch_size, **changes})
    model = settings.build_model(samples=3 * batch_size)
    data, used = mnist(), slice(0, 3 * batch_size)
    model.train(
        data.X_train[used],
        data.y_train[used],
        batch_size=batch_size,
        print_every=0,
        hooks=hooks,
        shuffle=settings.shuffle,
    )
    return model.digest()


def in_another_process(case: dict[str, Any], *states: Path) -> Any:
    """What tests/helpers/resumed_run.py prints for the case."""
    command = ["-W", "error", "-m", "tests.helpers.resumed_run", json.dumps(case), *map(str, states)]
    return json.loads(run(*command, cwd=ROOT, check=True).stdout)


# The same seed -----------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("convolution", ["exact", "report"])
def test_a_seed_has_one_fate_with_one_two_and_three_threads(network: str, convolution: str) -> None:
    options = {"network": network, "convolution": convolution, "shuffle": True}
    digests = [lenet_digest(64, threads, **options) for threads in (1, 1, 2, 3)]

    assert len(set(digests)) == 1


@pytest.mark.parametrize("batch_size", [1, 31, 32, 33, 128, 200])
def test_threads_do_not_matter_at_any_batch_size(batch_size: int) -> None:
    digests = [lenet_digest(batch_size, threads) for threads in (1, 2, 3)]

    assert len(set(digests)) == 1


@pytest.mark.parametrize("network", ["feedforward", "conv-pool"])
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_matter_where_a_batch_is_done_in_several_portions(network: str, threads: int) -> None:
    data = mnist()
    digests = []
    for count in (1, threads):
        model = Settings(network=network, threads=count, lr=0.1).build_model(samples=3000)
        model.train(data.X_train[:3000], data.y_train[:3000], batch_size=1500, steps=2, print_every=0)
        digests.append(model.digest())

    assert digests[0] == digests[1]


def test_another_seed_is_another_run_in_weights_and_in_order() -> None:
    assert lenet_digest(seed=0) != lenet_digest(seed=1)
    assert lenet_digest(shuffle=True) != lenet_digest(shuffle=False)


def test_every_epoch_is_shuffled_in_an_order_of_its_own_and_sees_every_sample_once() -> None:
    X, y = blobs(50)
    seen: list[Any] = []

    class Inputs(Hook):
        def on_activations_ready(self, event: Any) -> None:
            seen.extend(tuple(image.ravel()) for part in event.outputs["input"] for image in part)

    small_model().train(X, y, epochs=2, batch_size=16, print_every=0, shuffle=True, hooks=[Inputs()])
    rows = {tuple(image.ravel()): n for n, image in enumerate(X)}
    order = [rows[image] for image in seen]

    assert sorted(order[:50]) == sorted(order[50:]) == list(range(50))
    assert order[:50] != order[50:]
    assert order[:50] != list(range(50))


def test_another_process_comes_to_the_same_weights_and_numbers() -> None:
    case = {"optimizer": "adam with all", "validate": True}

    assert in_another_process({**case, "threads": 2}) == train(make(case), case)


def test_the_hash_seed_and_the_number_of_blas_threads_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    case = {"optimizer": "momentum"}
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "2")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    first = in_another_process(case)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PYTHONHASHSEED", "8")

    assert in_another_process(case) == first


# Hooks change nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"convolution": "report"},
        {"activation": "sigmoid"},
        {"activation": "tanh"},
        {"optimizer": "adam", "l2": 0.01},
        {"clip_norm": 0.1},
        {"network": "feedforward"},
        {"network": "conv2"},
    ],
    ids=str,
)
def test_a_hook_that_listens_to_everything_changes_nothing(options: dict[str, Any]) -> None:
    heard = Everything()
    watched = lenet_digest(40, 2, hooks=[heard], **options)

    assert watched == lenet_digest(40, 2, **options)
    assert set(heard.names()) == set(EVENTS) - {"on_validation_end", "on_turned_back"}


def test_a_hook_that_takes_and_uses_states_predictions_and_digests_changes_nothing() -> None:
    X, y = blobs(80)
    model = small_model(optimizer=OPTIMIZERS["momentum"]())
    plain = small_model(optimizer=OPTIMIZERS["momentum"]())

    class Curious(Hook):
        def on_step_end(self, event: Any) -> None:
            state = model.state()
            state["parameters"][:] = 0
            model.digest()
            model.describe()

        def on_epoch_end(self, event: Any) -> None:
            model.predict(X[:20])
            model.validate((X[:30], y[:30]), print_every=0)

    model.train(X, y, epochs=2, batch_size=16, print_every=0, hooks=[Curious()])
    plain.train(X, y, epochs=2, batch_size=16, print_every=0)

    assert model.digest() == plain.digest()


def test_nothing_touches_the_global_random_generator() -> None:
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    case = {"optimizer": "sgd"}
    train(make(case), case)

    assert np.random.random() == expected  # noqa: NPY002
