"""Orders: which samples an epoch trains on, given by hand, and changed from a place in the run on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lenet import SettingsError
from lenet.training.order import as_they_lie, reshuffled, shuffled
from tests.helpers.small_models import Call, blobs, small_model

SAMPLES, BATCH = 50, 8
STEPS = 7  # of an epoch; the last batch is a partial one


def digest(steps: int | None = None, **options: Any) -> str:
    model = small_model(seed=3)
    X, y = blobs(SAMPLES)
    model.train(X, y, epochs=3, batch_size=BATCH, print_every=0, steps=steps, **options)
    return model.digest()


@pytest.mark.parametrize(
    ("given", "options"),
    [(lambda epoch: np.arange(SAMPLES), {}), (as_they_lie, {}), (shuffled(3, SAMPLES), {"shuffle": True})],
)
def test_an_order_that_says_what_shuffle_says_gives_the_same_bits(given: Any, options: Any) -> None:
    assert digest(order=given) == digest(**options)


def test_the_epochs_are_counted_from_one() -> None:
    asked: list[int] = []

    def order(epoch: int) -> None:
        asked.append(epoch)

    digest(order=order)
    assert asked == [1, 2, 3]


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_reshuffled_order_keeps_the_past_and_mixes_the_rest(shuffle: bool) -> None:
    before = shuffled(3, SAMPLES) if shuffle else as_they_lie
    lying = [np.arange(SAMPLES) if before(e) is None else before(e) for e in (1, 2, 3)]
    order = reshuffled(before, 11, first_sample=24, epoch=2, samples=SAMPLES)
    first, second, third = (order(e) for e in (1, 2, 3))
    assert np.array_equal(lying[0] if first is None else first, lying[0])
    assert np.array_equal(second[:24], lying[1][:24])
    assert not np.array_equal(second[24:], lying[1][24:])
    assert np.array_equal(np.sort(second[24:]), np.sort(lying[1][24:]))
    assert np.array_equal(np.sort(third), np.arange(SAMPLES))
    assert not np.array_equal(third, lying[2])
    again, other = (reshuffled(before, seed, 24, 2, SAMPLES)(2) for seed in (11, 12))
    assert np.array_equal(second, again)
    assert not np.array_equal(second, other)


def test_a_branch_goes_on_from_a_state_in_another_order() -> None:
    """One training with the order from its beginning, and one restored at the place where the order changes."""
    X, y = blobs(SAMPLES)
    order = reshuffled(shuffled(3, SAMPLES), 5, 2 * BATCH, epoch=2, samples=SAMPLES)
    states: list[Any] = []
    model = small_model(seed=3)
    take = Call("on_step_start", lambda event: states.append(model.state()), STEPS + 2)
    model.train(X, y, epochs=3, batch_size=BATCH, print_every=0, shuffle=True, hooks=[take])
    branch = small_model(seed=9)
    branch.restore(states[0])
    branch.train(X, y, epochs=3, batch_size=BATCH, print_every=0, order=order)
    assert branch.digest() == digest(order=order)
    assert branch.digest() != model.digest()


@pytest.mark.parametrize(
    "wrong",
    [
        np.arange(SAMPLES - 1),
        np.arange(SAMPLES) + 1,
        np.arange(SAMPLES) - 1,
        np.zeros(SAMPLES),
        np.zeros((SAMPLES, 1), int),
    ],
)
def test_what_is_no_order_of_the_samples_is_refused(wrong: Any) -> None:
    with pytest.raises(SettingsError, match="order: received"):
        digest(order=lambda epoch: wrong)


def test_an_order_and_shuffling_contradict_each_other() -> None:
    with pytest.raises(SettingsError, match="one of the two"):
        digest(order=as_they_lie, shuffle=True)


@pytest.mark.parametrize(
    ("options", "said"), [({}, "as they lie"), ({"shuffle": True}, "shuffled"), ({"order": as_they_lie}, "given")]
)
def test_hooks_are_told_the_order_and_the_data(options: Any, said: str) -> None:
    heard: list[Any] = []
    digest(steps=1, hooks=[Call("on_run_start", heard.append)], **options)
    X, y = blobs(SAMPLES)
    assert heard[0].description["order"] == said
    assert np.array_equal(heard[0].inputs, X)
    assert np.array_equal(heard[0].labels, y)
    assert not heard[0].inputs.flags.writeable
