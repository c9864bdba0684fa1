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
    LenetError,
    LoopMonitor,
    Model,
    PrintProgress,
    SettingsError,
    ShapeError,
    StopTraining,
    formatData,
)
from tests.helpers.scratch_network import ScratchNetwork
from tests.helpers.small_models import STEP_EVENTS, Call, Everything, raising, ready
from tests.helpers.small_trainings import small_model


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
                training.validated(0.4, 0.9, 50, 0.01)

    told = [(e.epoch, e.step, e.loss, e.accuracy, e.samples) for e in heard.of("on_validation_end")]
    assert told == [(1, 2, 0.4, 0.9, 50), (None, 3, 0.4, 0.9, 50)]


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


# What is refused -----------------------------------------------------------------------------------


def with_layer(**changes: Any) -> LoopMonitor:
    """A training whose first layer has other attributes."""
    network = ScratchNetwork()
    network.gradients(slice(0, 20))
    for name, value in changes.items():
        setattr(network.dense1, name, value)
    return network.training()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": None}, "dense1: Dense has no weights, expected an array"),
        ({"dweights": None}, "dense1: Dense has no dweights, expected an array"),
        ({"dweights": np.ones((6, 64))}, r"dense1: dweights: received shape \(6, 64\), expected \(64, 6\)"),
        ({"dbiases": np.ones((20, 6))}, r"dense1: dbiases: received shape \(120,\), expected \(6,\)"),
        ({"biases": np.zeros(6, int)}, "dense1: biases of Dense: received an array of int64"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LenetError, match=message), with_layer(**changes) as training:
        training.before_update(ScratchNetwork().images[:20], 1.0, 0.5, 0.1)


def test_outputs_that_do_not_fit_are_refused() -> None:
    network = ScratchNetwork()
    network.gradients(slice(0, 20))
    network.relu.output = network.relu.output[:7]
    with (
        pytest.raises(
            ShapeError, match="received 20 from input, 7 from dense1, 20 from dense2 samples, expected the same batch"
        ),
        network.training() as training,
    ):
        training.before_update(ScratchNetwork().images[:20], 1.0, 0.5, 0.1)
    network.relu.output = np.ones((20, 2, 3))
    with (
        pytest.raises(ShapeError, match=r"dense1: received an output of shape \(20, 2, 3\), expected \(N, F\) or"),
        network.training() as training,
    ):
        training.before_update(ScratchNetwork().images[:20], 1.0, 0.5, 0.1)


@pytest.mark.parametrize("inputs", [np.zeros(20), np.zeros((20, 2, 2, 2, 2)), np.array([["a"]] * 20)])
def test_a_batch_that_is_none_is_refused(inputs: Any) -> None:
    network = ScratchNetwork()
    loss, accuracy = network.gradients(slice(0, 20))
    with pytest.raises(ShapeError, match="before_update: inputs: received an array of"), network.training() as training:
        training.before_update(inputs, loss, accuracy, 0.1)


def test_the_two_calls_come_in_turn() -> None:
    network = ScratchNetwork()
    with network.training() as training:
        with pytest.raises(SettingsError, match="after_update: called without before_update"):
            training.after_update()
        with pytest.raises(SettingsError, match="validated: called before the first step"):
            training.validated(1.0, 0.5, 50)
        training.before_update(network.images[:20], *network.gradients(slice(0, 20)), 0.1)
        with pytest.raises(SettingsError, match="before_update: called twice"):
            training.before_update(ScratchNetwork().images[:20], 1.0, 0.5, 0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size: received 0, expected at least 1"),
        ({"epochs": 1.5}, "epochs: received 1.5, expected a whole number"),
        ({"steps_per_epoch": 0}, "steps_per_epoch: received 0, expected at least 1"),
        ({"labels": []}, "labels: received none"),
        ({"hooks": [print]}, "hooks: received a builtin_function_or_method, expected objects of classes derived"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ScratchNetwork().training(**options)


def test_layers_that_cannot_be_are_refused() -> None:
    one = ScratchNetwork().layers()[0]
    options: dict[str, Any] = {"labels": [0, 1], "batch_size": 1, "epochs": 1, "hooks": []}
    with pytest.raises(SettingsError, match="layers: received none"):
        LoopMonitor([], **options)
    with pytest.raises(SettingsError, match="received the names dense1, dense1, expected different ones"):
        LoopMonitor([one, one], **options)
    with pytest.raises(SettingsError, match="layers: received a Dense, expected an object of LayerTap"):
        LoopMonitor([one.layer], **options)
    with pytest.raises(SettingsError, match="dense1: activation: received 'ReLU', expected one of relu, sigmoid"):
        LayerTap("dense1", one.layer, "ReLU")  # type: ignore[arg-type]


def test_labels_that_do_not_fit_the_network_are_refused_before_any_hook_hears_of_a_step() -> None:
    network, heard = ScratchNetwork(), Everything()
    with pytest.raises(LenetError, match="received class 3, expected 0 to 2"):
        network.train(network.training([heard], labels=[0, 1, 2, 3]))

    assert heard.names() == ["on_run_end"]


@pytest.mark.parametrize("value", ["much", None, np.ones(3)])
def test_a_loss_that_is_not_one_number_is_refused_and_nan_is_not(value: Any) -> None:
    network = ScratchNetwork()
    _, accuracy = network.gradients(slice(0, 20))
    with network.training() as training:
        with pytest.raises(SettingsError, match=r"before_update: data_loss: received .*, expected one number"):
            training.before_update(network.images[:20], value, accuracy, 0.1)
        training.before_update(network.images[:20], float("nan"), accuracy, 0.1)


@pytest.mark.parametrize("accuracy", [97.5, -0.1, 1.1, float("nan"), float("inf")])
def test_an_accuracy_that_is_no_share_is_refused(accuracy: float) -> None:
    network = ScratchNetwork()
    loss, right = network.gradients(slice(0, 20))
    with network.training() as training:
        with pytest.raises(SettingsError, match=r"before_update: accuracy: received .*, expected a share from 0 to 1"):
            training.before_update(network.images[:20], loss, accuracy, 0.1)
        training.before_update(network.images[:20], loss, right, 0.1)
        training.after_update()
        with pytest.raises(SettingsError, match=r"validated: accuracy: received .*, expected a share from 0 to 1"):
            training.validated(loss, accuracy, 20)


@pytest.mark.parametrize(
    ("activation", "outputs", "found"),
    [
        ("relu", [-0.3, 2.0], "-0.3 after relu, expected 0 to inf"),
        ("sigmoid", [0.5, 1.5], "1.5 after sigmoid, expected 0 to 1"),
        ("softmax", [-0.5, 0.5], "-0.5 after softmax, expected 0 to 1"),
        ("tanh", [-3.0, 0.0], "-3 after tanh, expected -1 to 1"),
    ],
)
def test_outputs_that_do_not_come_out_of_the_function_are_refused(
    activation: Any, outputs: list[float], found: str
) -> None:
    network = ScratchNetwork()
    network.gradients(slice(0, 20))
    network.dense1.output = np.tile(np.array(outputs), (20, 3))
    tap = LayerTap("dense1", network.dense1, activation)

    with pytest.raises(SettingsError, match=f"dense1: received an output of {found}; say in output_of whose output"):
        tap.output()
    assert LayerTap("dense1", network.dense1).output().shape == (20, 6)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "softmax"])
def test_rounded_and_nan_outputs_are_those_of_the_function(activation: Any) -> None:
    network = ScratchNetwork()
    network.gradients(slice(0, 20))
    for value in (0.0, -1e-7, 1.0, np.nan):
        network.dense1.output = np.full((20, 6), value)

        assert LayerTap("dense1", network.dense1, activation).output().shape == (20, 6)


def test_arrays_with_masked_entries_are_refused_wherever_they_are_handed_over() -> None:
    def masked(shape: tuple[int, ...]) -> Any:
        array = np.ma.masked_array(np.zeros(shape), mask=False)
        array[0] = np.ma.masked
        return array

    network = ScratchNetwork()
    loss, accuracy = network.gradients(slice(0, 20))
    with network.training() as training, pytest.raises(LenetError, match="inputs: received an array with masked"):
        training.before_update(masked((20, 64)), loss, accuracy, 0.1)
    network.dense1.weights = masked(network.dense1.weights.shape)
    with pytest.raises(LenetError, match="dense1: weights of Dense: received an array with masked entries"):
        LayerTap("dense1", network.dense1)
    model = small_model()
    with pytest.raises(LenetError, match="X: received an array with masked entries"):
        model.train(masked((20, 8, 8, 1)), np.zeros(20, int))
    with pytest.raises(LenetError, match="labels: received an array with masked entries"):
        model.train(np.zeros((20, 8, 8, 1)), masked((20,)))
    with pytest.raises(LenetError, match="train_images: received an array with masked entries"):
        formatData(masked((20, 8, 8)), np.zeros((2, 8, 8)), np.zeros(20, int), np.zeros(2, int))


def test_an_array_whose_mask_hides_nothing_is_an_ordinary_array() -> None:
    network = ScratchNetwork()
    loss, accuracy = network.gradients(slice(0, 20))
    with network.training() as training:
        training.before_update(np.ma.masked_array(network.images[:20], mask=False), loss, accuracy, 0.1)
