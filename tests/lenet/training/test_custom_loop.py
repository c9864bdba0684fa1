"""Hooks get the same events of a loop that a user wrote as of the loop of the library."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lenet import (
    ActivationReLU,
    ActivationSoftmax,
    DenseLayer,
    Hook,
    LayerTap,
    LoopMonitor,
    Model,
    PrintProgress,
    StopTraining,
)
from tests.helpers.scratch_network import ScratchNetwork
from tests.helpers.small_models import STEP_EVENTS, Call, Everything, raising, ready


def heard_of_own(**options: Any) -> Everything:
    heard, network = Everything(), ScratchNetwork()
    network.train(network.training([heard], **options))
    return heard


def heard_of_the_library(network: ScratchNetwork, *hooks: Hook) -> Everything:
    """The same network in this library, trained on the same batches."""
    model = ready(Model(dtype=np.float64), DenseLayer(64, 6), ActivationReLU(), DenseLayer(6, 3), ActivationSoftmax())
    for ours, theirs in zip(model.trainable_layers, (network.dense1, network.dense2), strict=True):
        ours.weights, ours.biases = theirs.weights, theirs.biases[0]
    heard = Everything()
    model.train(network.images, network.labels, epochs=2, batch_size=20, print_every=0, hooks=[heard, *hooks])
    return heard


# What is told -------------------------------------------------------------------------------------


def test_the_events_are_those_of_the_library_s_own_loop_in_the_same_order() -> None:
    epoch = [*(3 * STEP_EVENTS), "on_epoch_end"]

    assert heard_of_own().names() == ["on_run_start", *epoch, *epoch, "on_run_end"]


def test_every_number_and_array_is_that_of_the_library_s_own_loop() -> None:
    own, library = heard_of_own(), heard_of_the_library(ScratchNetwork())

    for (name, mine), (other, theirs) in zip(own.events, library.events, strict=True):
        assert name == other
        for field in type(mine).__dataclass_fields__:
            a, b = getattr(mine, field), getattr(theirs, field)
            if isinstance(a, int | float) and field not in ("seconds", "threads", "seed"):
                assert a == pytest.approx(b, rel=1e-9), (name, field)
    # Only the library's own loop knows the training set.
    library.arrays = [(name, array) for name, array in library.arrays if name.split(".")[1] not in ("inputs", "labels")]
    assert [name for name, _ in own.arrays] == [name for name, _ in library.arrays]
    for (name, mine_too), (_, theirs_too) in zip(own.arrays, library.arrays, strict=True):
        np.testing.assert_allclose(mine_too, theirs_too, rtol=1e-9, atol=1e-12, err_msg=name)
    mine, theirs = own.of("on_run_start")[0], library.of("on_run_start")[0]
    assert mine.tensors == theirs.tensors
    assert mine.prior == theirs.prior
    for one, two in zip(mine.layers, theirs.layers, strict=True):
        assert (one.name, one.activation, one.output_shape, one.units) == (
            two.name,
            two.activation,
            two.output_shape,
            two.units,
        )


class Outputs(Hook):
    """Copies of all outputs, a portion each."""

    def __init__(self) -> None:
        self.portions: list[tuple[int, int, int, dict[str, Any]]] = []
        self.mappings: list[int] = []

    def on_activations_ready(self, event: Any) -> None:
        copies = {name: np.concatenate(parts) for name, parts in event.outputs.items()}
        self.portions.append((event.first_sample, event.samples, event.batch_samples, copies))
        self.mappings.append(id(event.outputs))


def test_outputs_come_as_they_are_and_lie_where_those_of_the_last_such_batch_lay() -> None:
    network, outputs = ScratchNetwork(), Outputs()
    with network.training([outputs]) as training:
        for rows in network.batches():
            training.before_update(network.images[rows], *network.gradients(rows), 0.1)
            *_, told = outputs.portions[-1]
            np.testing.assert_array_equal(told["dense1"], network.relu.output)
            np.testing.assert_array_equal(told["dense2"], network.softmax.output)
            network.update()
            training.after_update()

    assert [portion[:3] for portion in outputs.portions[:3]] == [(0, 20, 20), (0, 20, 20), (0, 10, 10)]
    assert len(set(outputs.mappings)) == 2


def test_outputs_are_those_of_the_library_s_own_loop() -> None:
    own, library = Outputs(), Outputs()
    network = ScratchNetwork()
    network.train(network.training([own]))
    heard_of_the_library(ScratchNetwork(), library)

    assert len(own.portions) == len(library.portions) == 6
    for (*mine, outputs), (*theirs, others) in zip(own.portions, library.portions, strict=True):
        assert mine == theirs
        assert list(outputs) == list(others) == ["input", "dense1", "dense2"]
        for name, output in outputs.items():
            np.testing.assert_allclose(output, others[name], rtol=1e-9, atol=1e-12)


def test_large_batches_come_in_portions() -> None:
    outputs, samples = Outputs(), 2500
    layer = SimpleNamespace(weights=np.ones((1, 3)), biases=np.zeros(3))
    layer.dweights, layer.dbiases, layer.output = layer.weights, layer.biases, np.arange(3.0 * samples).reshape(-1, 3)
    one = LayerTap("dense1", layer)
    labels = np.arange(samples) % 3
    with LoopMonitor([one], labels=labels, batch_size=samples, epochs=1, hooks=[outputs]) as training:
        training.before_update(np.zeros((samples, 1)), 1.0, 0.5, 0.1)
        training.after_update()

    assert [portion[:3] for portion in outputs.portions] == [(0, 1024, 2500), (1024, 1024, 2500), (2048, 452, 2500)]
    whole = np.concatenate([portion[3]["dense1"] for portion in outputs.portions])
    np.testing.assert_array_equal(whole, layer.output)


def test_validation_belongs_to_the_epoch_that_has_just_ended() -> None:
    network, heard = ScratchNetwork(), Everything()
    with network.training([heard]) as training:
        for step, rows in enumerate(network.batches()):
            training.before_update(network.images[rows], *network.gradients(rows), 0.1)
            network.update()
            training.after_update()
            if step in (2, 3):
                training.validated(0.4, 0.9, 50 if step == 2 else 0, 0.01)

    told = [(e.epoch, e.step, e.loss, e.accuracy, e.samples) for e in heard.of("on_validation_end")]
    assert told == [(1, 2, 0.4, 0.9, 50), (None, 3, 0.4, 0.9, 0)]


def test_answers_to_parts_of_samples_are_not_rounded_and_a_rate_may_be_unknown() -> None:
    layer, heard = SimpleNamespace(weights=np.ones((1, 3)), biases=np.zeros(3)), Everything()
    layer.dweights, layer.dbiases, layer.output = layer.weights, layer.biases, np.zeros((4, 3))
    with LoopMonitor([LayerTap("one", layer)], samples=8, batch_size=4, epochs=1, hooks=[heard]) as training:
        for accuracy in (0.05, np.float32(0.15)):  # as of 20 tokens in the 4 samples
            training.before_update(np.zeros((4, 1)), 1.0, accuracy, None)
            training.after_update()

    [epoch] = heard.of("on_epoch_end")
    assert epoch.accuracy == pytest.approx(0.1)
    assert np.isnan(epoch.learning_rate)


def test_a_penalty_is_part_of_the_loss() -> None:
    network, heard = ScratchNetwork(), Everything()
    with network.training([heard]) as training:
        training.before_update(network.images[:20], *network.gradients(slice(0, 20)), 0.1, penalty=0.25)
        training.after_update()

    [step] = heard.of("on_step_end")
    assert (step.penalty, step.loss) == (0.25, step.data_loss + 0.25)


def test_the_time_of_hooks_and_validations_is_not_the_loop_s(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def lasts(seconds: float) -> None:
        clock[0] += seconds

    for module in ("listeners", "announcer"):
        monkeypatch.setattr(f"lenet.training.{module}.perf_counter", lambda: clock[0])
    network, heard = ScratchNetwork(), Everything()
    hooks = [heard, *(Call(event, lambda event: lasts(100)) for event in STEP_EVENTS)]
    with network.training(hooks) as training:
        for rows in network.batches():
            lasts(1)
            training.before_update(network.images[rows], *network.gradients(rows), 0.1)
            lasts(2)
            training.after_update()
            if training.step % 3 == 0:
                lasts(50)
                training.validated(0.4, 0.9, 50)

    assert [e.seconds for e in heard.of("on_step_end")] == [3.0] * 6
    assert [e.seconds for e in heard.of("on_epoch_end")] == [9.0] * 2


def test_the_report_s_lines_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    network = ScratchNetwork()
    network.train(network.training([PrintProgress(2)]))

    assert "step:2, acc:" in capsys.readouterr().out


# How it ends ---------------------------------------------------------------------------------------


def test_a_hook_that_asks_to_stop_ends_the_block_after_the_step_and_nothing_is_raised() -> None:
    network, heard = ScratchNetwork(), Everything()
    training = network.training([Call("on_gradients_ready", raising(StopTraining("enough")), 1), heard])

    network.train(training)

    [end] = heard.of("on_run_end")
    assert (end.status, end.reason, end.steps, end.error) == ("stopped", "enough", 2, None)
    assert training.status == "stopped"
    assert len(heard.of("on_step_end")) == 2


def test_a_hook_that_asks_to_stop_at_the_start_of_the_run_ends_the_block_before_the_first_step() -> None:
    network, heard = ScratchNetwork(), Everything()
    training = network.training([Call("on_run_start", raising(StopTraining("not today"))), heard])

    network.train(training)

    assert heard.names() == ["on_run_start", "on_run_end"]
    assert (heard.of("on_run_end")[0].status, heard.of("on_run_end")[0].steps) == ("stopped", 0)


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), "interrupted"), (ZeroDivisionError("mine"), "failed")]
)
def test_whatever_ends_the_block_is_told_and_passed_on(error: BaseException, status: str) -> None:
    heard, network = Everything(), ScratchNetwork()
    training = network.training([heard, Call("on_update_done", raising(error), 1)])

    with pytest.raises(type(error)):
        network.train(training)

    [end] = heard.of("on_run_end")
    assert (end.status, end.steps, end.error) == (status, 2, error)
    assert training.status == status
