"""Hooks get every event, in order, and can change nothing."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pytest

from lenet import Hook, OptimizerSGD
from tests.helpers.small_models import EVENTS, STEP_EVENTS, Call, Everything, blobs, small_model, watched

# Order and fields --------------------------------------------------------------------------------


def test_all_events_arrive_in_their_order() -> None:
    heard = watched(epochs=2, validation_data=blobs(10))
    epoch = [*(3 * STEP_EVENTS), "on_epoch_end", "on_validation_end"]

    assert heard.names() == ["on_run_start", *epoch, *epoch, "on_run_end"]


def test_run_start_tells_what_lies_where_and_what_will_be() -> None:
    model = small_model(seed=3, threads=2)
    digest = model.digest()
    [start] = watched(model, epochs=2).of("on_run_start")

    assert [(t.layer, t.tensor, t.shape) for t in start.tensors] == [
        ("conv1", "weights", (3, 3, 1, 2)),
        ("conv1", "biases", (2,)),
        ("conv2", "weights", (2, 3, 2, 3)),
        ("conv2", "biases", (3,)),
        ("dense1", "weights", (18, 6)),
        ("dense1", "biases", (6,)),
        ("dense2", "weights", (6, 3)),
        ("dense2", "biases", (3,)),
    ]
    ends = [t.offset + t.size for t in start.tensors]
    assert [t.offset for t in start.tensors] == [0, *ends[:-1]]
    assert ends[-1] == start.values.size == model.parameters.values.size
    assert [(i.name, i.kind, i.activation, i.output_shape, i.units) for i in start.layers] == [
        ("conv1", "ConvolutionLayer", "relu", (8, 8, 2), 2),
        ("conv2", "ConvolutionLayer", "relu", (3, 2, 3), 3),
        ("dense1", "DenseLayer", "relu", (6,), 6),
        ("dense2", "DenseLayer", "softmax", (3,), 3),
    ]
    assert (start.first_step, start.total_steps, start.steps_per_epoch, start.epochs) == (0, 6, 3, 2)
    assert (start.batch_size, start.samples, start.seed, start.threads, start.digest) == (20, 50, 3, 2, digest)
    np.testing.assert_allclose(start.prior, np.bincount(blobs(50)[1]) / 50)
    assert start.description["optimizer"] == "OptimizerSGD"


def test_steps_are_counted_over_the_run_and_epochs_from_one() -> None:
    heard = watched(epochs=2)

    assert [e.step for e in heard.of("on_update_done")] == [0, 1, 2, 3, 4, 5]
    for name in ("on_step_start", "on_step_end"):
        assert [(e.step, e.epoch, e.step_in_epoch) for e in heard.of(name)] == [
            (0, 1, 0),
            (1, 1, 1),
            (2, 1, 2),
            (3, 2, 0),
            (4, 2, 1),
            (5, 2, 2),
        ]
    assert [(e.epoch, e.first_step, e.last_step) for e in heard.of("on_epoch_end")] == [(1, 0, 2), (2, 3, 5)]
    assert [e.samples for e in heard.of("on_step_end")] == [20, 20, 10, 20, 20, 10]


def test_gradient_and_update_fit_together_step_by_step() -> None:
    heard = watched(small_model(optimizer=OptimizerSGD(0.1, decay=0.1), l2=0.01), epochs=2)
    gradients = [a for name, a in heard.arrays if name == "on_gradients_ready.gradients"]
    before = [a for name, a in heard.arrays if name == "on_gradients_ready.values"]
    after = [a for name, a in heard.arrays if name == "on_update_done.values"]
    rates = [e.learning_rate for e in heard.of("on_gradients_ready")]

    assert rates == pytest.approx([0.1 / (1 + 0.1 * step) for step in range(6)])
    for p, g, q, rate in zip(before, gradients, after, rates, strict=True):
        np.testing.assert_allclose(q, p - rate * g, rtol=1e-5, atol=1e-7)
    assert all(np.array_equal(a, b) for a, b in zip(after[:-1], before[1:], strict=True))


def test_loss_is_data_loss_and_penalty_and_is_told_alike_by_all_events() -> None:
    model = small_model(l1=0.01, l2=0.02)
    weights = np.concatenate([layer.weights.ravel() for layer in model.trainable_layers]).astype(np.float64)
    heard = watched(model)
    first, end = heard.of("on_gradients_ready")[0], heard.of("on_step_end")[0]

    assert first.penalty == pytest.approx(0.01 * np.abs(weights).sum() + 0.02 * (weights**2).sum(), rel=1e-5)
    assert first.loss == first.data_loss + first.penalty
    for name in ("step", "epoch", "loss", "data_loss", "penalty", "accuracy", "learning_rate"):
        assert getattr(first, name) == getattr(end, name)


def test_an_epochs_numbers_are_means_over_its_samples() -> None:
    heard = watched()
    steps, [epoch] = heard.of("on_step_end"), heard.of("on_epoch_end")

    assert epoch.loss == pytest.approx(sum(s.loss * s.samples for s in steps) / 50)
    assert epoch.accuracy == pytest.approx(sum(s.accuracy * s.samples for s in steps) / 50)


def test_run_end_tells_status_steps_digest_and_seconds() -> None:
    model = small_model()
    heard = watched(model)
    [end] = heard.of("on_run_end")

    assert (end.status, end.reason, end.steps, end.error) == ("completed", "", 3, None)
    assert end.digest == model.digest()
    assert end.seconds >= sum(e.seconds for e in heard.of("on_step_end"))


def test_a_continued_run_starts_where_its_state_was_taken() -> None:
    model = small_model()
    watched(model, steps=2, epochs=2)
    other = small_model()
    other.restore(model.state())
    heard = watched(other, epochs=2)

    assert heard.of("on_run_start")[0].first_step == 2
    assert [e.step for e in heard.of("on_step_end")] == [2, 3, 4, 5]
    assert heard.of("on_run_end")[0].steps == 6


def test_training_again_without_a_state_begins_at_step_0_with_the_weights_as_they_are() -> None:
    model = small_model()
    watched(model)
    digest = model.digest()
    heard = watched(model)

    assert heard.of("on_run_start")[0].first_step == 0
    assert heard.of("on_run_start")[0].digest == digest


def test_events_cannot_be_changed() -> None:
    for _, event in watched(validation_data=blobs(10)).events:
        with pytest.raises(FrozenInstanceError):
            setattr(event, fields(event)[0].name, 0)


def test_time_spent_in_hooks_is_left_out_of_the_seconds_of_steps_and_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def nap(event: Any) -> None:
        clock[0] += 100

    def compute(*arguments: Any) -> float:
        clock[0] += 1
        return 0.0

    model = small_model(l2=0.01)
    for module in ("listeners", "announcer"):
        monkeypatch.setattr(f"lenet.training.{module}.perf_counter", lambda: clock[0])
    monkeypatch.setattr(model.penalty, "add", compute)  # where a step takes one second of the clock
    heard = Everything()
    watched(model, hooks=[heard, *(Call(event, nap, 1) for event in STEP_EVENTS)])

    assert [e.seconds for e in heard.of("on_step_end")] == [1, 1, 1]
    assert heard.of("on_epoch_end")[0].seconds == 3


def test_an_epoch_that_was_continued_has_the_seconds_of_all_its_steps() -> None:
    model = small_model()
    before = watched(model, steps=2)
    continued = small_model()
    continued.restore(model.state())
    after = watched(continued)

    steps = [event.seconds for heard in (before, after) for event in heard.of("on_step_end")]
    assert len(steps) == 3
    assert after.of("on_epoch_end")[0].seconds == pytest.approx(sum(steps))


# Read-only ---------------------------------------------------------------------------------------


def arrays_of(event: Any) -> list[Any]:
    values = [getattr(event, part.name) for part in fields(event)]
    inside = [array for parts in getattr(event, "outputs", {}).values() for array in parts]
    return [value for value in values if isinstance(value, np.ndarray)] + inside


@pytest.mark.parametrize("event", ["on_run_start", "on_activations_ready", "on_gradients_ready", "on_update_done"])
def test_arrays_in_events_cannot_be_written_to(event: str) -> None:
    tried = []

    def write(told: Any) -> None:
        for array in arrays_of(told):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
            tried.append(array.shape)

    watched(hooks=[Call(event, write)])

    assert tried


def test_the_outputs_of_an_event_are_a_mapping_that_cannot_be_changed() -> None:
    def change(event: Any) -> None:
        with pytest.raises(TypeError):
            event.outputs["conv1"] = ()

    watched(hooks=[Call("on_activations_ready", change)])


# wants -------------------------------------------------------------------------------------------


class Sparse(Everything):
    """Wants every third step."""

    def wants(self, step: int) -> bool:
        return step % 3 == 0


def test_a_hook_gets_the_steps_it_wants_and_all_events_of_run_epoch_and_validation() -> None:
    sparse, full = Sparse(), Everything()
    watched(samples=100, epochs=2, hooks=[sparse, full], validation_data=blobs(10))
    step_events = [(name, event.step) for name, event in sparse.events if name in STEP_EVENTS]

    assert step_events == [(name, step) for step in (0, 3, 6, 9) for name in STEP_EVENTS]
    rest = [name for name in sparse.names() if name not in STEP_EVENTS]
    assert rest == ["on_run_start", *2 * ["on_epoch_end", "on_validation_end"], "on_run_end"]
    assert len([name for name in full.names() if name in STEP_EVENTS]) == 10 * len(STEP_EVENTS)


def test_hooks_that_want_different_steps_each_get_their_own() -> None:
    class OddSteps(Everything):
        def wants(self, step: int) -> bool:
            return step % 2 == 1

    odd, sparse = OddSteps(), Sparse()
    watched(samples=100, epochs=2, hooks=[odd, sparse])

    assert [e.step for e in odd.of("on_step_end")] == [1, 3, 5, 7, 9]
    assert [e.step for e in sparse.of("on_step_end")] == [0, 3, 6, 9]


def test_hooks_hear_an_event_in_the_order_they_are_listed() -> None:
    order: list[str] = []
    hooks = [Call("on_step_end", lambda _, name=name: order.append(name), 1) for name in "abc"]
    watched(hooks=hooks)

    assert order == ["a", "b", "c"]


# Defining hooks ----------------------------------------------------------------------------------


def test_a_hook_with_an_unknown_event_is_an_error_when_it_is_defined() -> None:
    with pytest.raises(TypeError) as caught:

        class Misspelt(Hook):
            def on_stepend(self, event: Any) -> None: ...

    assert str(caught.value) == (
        "Misspelt listens to unknown event on_stepend; known events: on_activations_ready, on_epoch_end, "
        "on_gradients_ready, on_run_end, on_run_start, on_step_end, on_step_start, on_turned_back, on_update_done, "
        "on_validation_end"
    )


def test_other_methods_of_a_hook_are_its_own_affair_and_the_base_does_nothing() -> None:
    class Fine(Hook):
        one_more = 1

        def report(self) -> None: ...
        def _on_private(self) -> None: ...

    heard = watched(hooks=[Fine(), Hook()])

    assert heard.events == []
    assert Hook().wants(3)
    assert [getattr(Hook(), name)(None) for name in EVENTS] == [None] * 10
