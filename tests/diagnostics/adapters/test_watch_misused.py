"""What watch says to a user who passes something wrong, and what it warns of."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from diagnostics import open_run
from diagnostics.adapters import watch
from diagnostics.adapters.tensors import find_layers
from lenet.errors import LenetError, SettingsError
from tests.helpers.wild_networks.blobs_to_learn import data, first_weights
from tests.helpers.wild_networks.dict_of_parameters import DictOfParameters

X, LABELS = data()
BATCH = {"loss": 1.0, "accuracy": 0.5, "inputs": X[:20], "lr": 0.1}


def parameters() -> dict[str, Any]:
    (W1, b1), (W2, b2) = first_weights(0.0)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


def gradients() -> dict[str, Any]:
    return {f"d{name}": np.full_like(array, 0.1) for name, array in parameters().items()}


def outputs() -> dict[str, Any]:
    return {"A1": np.ones((20, 8)), "A2": np.full((20, 3), 1 / 3)}


def step(watched: Any, network: dict[str, Any], **other: Any) -> None:
    for array in network.values():
        array -= 0.01
    watched.step(**{**BATCH, "gradients": gradients(), "outputs": outputs(), **other})


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("loss", np.ones(20), r"loss: received an array of shape \(20,\), expected one number"),
        ("loss", None, "loss: received None, expected one number"),
        ("loss", "2.3", "loss: received '2.3', expected one number"),
        ("accuracy", np.ones(20), r"accuracy: received an array of shape \(20,\), expected one number"),
        ("accuracy", float("nan"), "accuracy: received nan, expected a share from 0 to 1"),
        ("accuracy", 55.0, "accuracy: received 55.0, expected a share from 0 to 1"),
        ("penalty", [1.0], r"penalty: received \[1.0\], expected one number"),
        ("lr", "0.1", "lr: received '0.1', expected a number"),
        ("inputs", None, "inputs: received None, expected the numbers of the batch"),
        ("inputs", X[:0], r"inputs: received an array of float64, shape \(0, 64\), expected the numbers"),
        ("outputs", [np.ones((20, 8))], "outputs: received list, expected a dictionary"),
        ("outputs", {"hidden": np.ones((20, 8))}, "outputs: received hidden, expected some of layer1, layer2"),
        ("gradients", 3.0, "gradients: received float, expected names and shapes of"),
        ("gradients", {"W1": np.ones((8, 64))}, r"gradients: received \['W1'\] \(8, 64\), expected .* \(64, 8\)"),
    ],
)  # fmt: skip
def test_a_wrong_argument_of_a_step_is_named_in_one_line(argument: str, value: Any, message: str) -> None:
    network = parameters()
    with pytest.raises(SettingsError, match=f"^{message}") as raised:
        step(watch(network, labels=LABELS), network, **{argument: value})
    assert "\n" not in str(raised.value)


def test_targets_of_another_batch_are_refused() -> None:
    network = parameters()
    with pytest.raises(SettingsError, match=r"^targets: received 19, expected 20, one for each sample"):
        step(watch(network, labels=LABELS), network, accuracy=None, targets=LABELS[:19])


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("labels", LABELS.astype(str), "labels: received an array of <U21, expected the classes"),
        ("labels", 3, "labels: received 3, expected the classes"),
        ("labels", np.where(LABELS == 1, np.nan, LABELS), "labels: received NaN or infinity"),
        ("task", "classes", "task: received 'classes', expected an object of Task"),
        ("batch_size", 0, "batch_size: received 0, expected at least 1"),
        ("lr", "fast", "lr: received 'fast', expected a number"),
        ("activations", "relu", "activations: received 'relu', expected a dictionary"),
        ("activations", {"layer1": "swish"}, "activations: layer1: received 'swish', expected softmax, relu"),
        ("gradients", {"W1": X}, "gradients: received dict, expected a function"),
        ("description", "Adam", "description: received 'Adam', expected a dictionary"),
        ("recorder", "stop", "recorder: received 'stop', expected a dictionary"),
        ("hooks", print, "hooks: received a builtin_function_or_method, expected a list of hooks"),
        ("unit_axis", "first", "unit_axis: received 'first', expected a whole number"),
    ],
)
def test_a_wrong_option_is_named(argument: str, value: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=f"^{message}"):
        watch(parameters(), **{"labels": LABELS, argument: value})


@pytest.mark.parametrize(
    "labels",
    [LABELS[:, np.newaxis], LABELS[np.newaxis], np.eye(3)[LABELS], np.eye(3)[LABELS].T, np.eye(3)[LABELS][:, :, None]],
)
def test_labels_may_come_as_columns(labels: Any) -> None:
    network = parameters()
    watched = watch(network, labels=labels)
    step(watched, network)
    assert watched.recorder.info.prior == pytest.approx(np.bincount(LABELS) / len(LABELS))


@pytest.mark.parametrize(
    ("later", "message"),
    [
        ({"gradients": None}, r"\['dW1'\]: not found in NoneType at this step"),
        ({"gradients": {"dW1": np.ones((64, 8))}}, r"\['db1'\]: not found in dict at this step"),
        ({"outputs": {"A1": np.ones((20, 8))}}, r"\['A2'\]: not found in dict at this step"),
    ],
)
def test_what_a_later_step_lacks_is_named(later: dict[str, Any], message: str) -> None:
    network = parameters()
    watched = watch(network, labels=LABELS)
    step(watched, network)
    with pytest.raises(SettingsError, match=message):
        step(watched, network, **later)


def test_a_tensor_of_another_shape_is_named() -> None:
    network = parameters()
    watched = watch(network, labels=LABELS)
    step(watched, network, outputs=None)
    network["W1"] = np.ones((64, 9))
    with pytest.raises(
        LenetError, match=r"layer1: weights: received shape \(64, 9\), expected that of before, \(64, 8\)"
    ):
        step(watched, network, outputs=None)


def test_steps_of_several_threads_are_all_recorded(tmp_path: Path) -> None:
    network = parameters()
    watched = watch(network, tmp_path / "run.h5", labels=LABELS)
    step(watched, network)
    threads = [threading.Thread(target=lambda: [step(watched, network) for _ in range(20)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    watched.close()
    run = open_run(tmp_path / "run.h5")

    assert (run.notes, run.index["step"].tolist()) == ((), list(range(61)))


def test_a_step_after_the_end_is_refused() -> None:
    network = parameters()
    watched = watch(network, labels=LABELS)
    step(watched, network)
    watched.close()
    with pytest.raises(SettingsError, match=r"step: called after close\(\)"):
        step(watched, network)


def test_a_validation_is_checked() -> None:
    network = parameters()
    watched = watch(network, labels=LABELS)
    step(watched, network)
    with pytest.raises(SettingsError, match="validated: loss: received 'a', expected one number"):
        watched.validated("a", 0.5, 10)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="validated: samples: received None, expected a whole number"):
        watched.validated(1.0, 0.5, None)  # type: ignore[arg-type]


def test_a_first_step_that_changed_nothing_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    before_the_update = watch(parameters(), labels=LABELS)
    before_the_update.step(**BATCH, gradients=gradients())
    assert "the first step changed no tensor; call step after the update" in caplog.text

    caplog.clear()
    network = parameters()
    step(watch(network, labels=LABELS), network)
    watch(network, labels=LABELS).step(**BATCH, gradients={name: 0 * one for name, one in gradients().items()})
    watch(network, labels=LABELS).step(**{**BATCH, "lr": 0.0}, gradients=gradients())
    assert caplog.text == ""


def test_an_end_before_the_first_step_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    watch(parameters(), labels=LABELS).close()
    assert "closed before the first step, so nothing was recorded" in caplog.text


def test_a_cell_that_failed_can_be_run_again(tmp_path: Path) -> None:
    for last in (False, True):
        network = parameters()
        watched = watch(network, tmp_path / "run.h5", labels=LABELS, recorder={"overwrite": True})
        step(watched, network)
        if not last:
            with pytest.raises(SettingsError, match="loss"):
                step(watched, network, loss=None)
    watched.close()
    assert len(open_run(tmp_path / "run.h5")) == 1


class LayerOfNames(NamedTuple):
    kernel: Any
    bias: Any


class NetworkOfNames(NamedTuple):
    hidden: LayerOfNames
    answer: LayerOfNames


def test_the_fields_of_named_tuples_are_names() -> None:
    network = NetworkOfNames(*(LayerOfNames(*one) for one in first_weights(0.0)))
    found = find_layers(network)
    assert [layer.name for layer in found] == ["hidden", "answer"]
    assert [str(one.location) for one in found[0].tensors] == ["hidden.kernel", "hidden.bias"]
    assert [one.name for one in found[1].tensors] == ["weights", "biases"]


def test_a_network_that_is_used_right_is_not_complained_of(caplog: pytest.LogCaptureFixture) -> None:
    network = DictOfParameters()
    with watch(network.network, labels=LABELS, epochs=20) as watched:
        network.train(watched, 0.1)
    assert caplog.text == ""
