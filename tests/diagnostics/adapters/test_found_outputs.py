"""Whose outputs and activation functions watch finds, and what it says where it finds none."""

from __future__ import annotations

from types import SimpleNamespace as Holder
from typing import Any

import numpy as np
import pytest

from diagnostics import Task
from diagnostics.adapters import watch
from diagnostics.adapters.read_layer import units_last
from diagnostics.adapters.stages import FoundStage, find_stage
from diagnostics.adapters.tap_finder import FoundTap, TapFinder
from diagnostics.adapters.tensors import find_layers
from lenet.errors import SettingsError

SAMPLES = 5
BATCH = np.arange(20.0).reshape(SAMPLES, 4)
OUTPUTS = np.ones((SAMPLES, 3))
LABELS = np.arange(SAMPLES) % 3


class DenseOfStages:
    def __init__(self, units: int = 3, **held: Any) -> None:
        self.W, self.b = np.ones((3, units)), np.ones(units)
        vars(self).update(held)


class ReluOfStages:
    def __init__(self, **held: Any) -> None:
        vars(self).update(held)


class ActivationOfStages(ReluOfStages):
    pass


class SoftmaxOfStages(ReluOfStages):
    pass


class AdamOfStages:
    def __init__(self) -> None:
        self.first = np.ones((3, 3))


def stages_of(network: Any) -> list[FoundStage]:
    layers = find_layers(network)
    return [find_stage(network, layer, layers, SAMPLES) for layer in layers]


def taps_of(network: Any) -> list[FoundTap]:
    return TapFinder(lambda: network, lambda: None, lambda: {}, {}, None).find(BATCH)


def where(stage: FoundStage) -> tuple[str | None, str]:
    return stage.activation, stage.output.what if stage.output else ""


def test_what_comes_after_the_list_of_layers_is_after_its_last_layer() -> None:
    network = Holder(
        layers=[DenseOfStages(), ReluOfStages(), DenseOfStages(x=OUTPUTS)], last_layer=SoftmaxOfStages(y=OUTPUTS)
    )
    assert [where(stage) for stage in stages_of(network)] == [
        ("relu", "x of the next stage, DenseOfStages"),
        ("softmax", "y of SoftmaxOfStages"),
    ]


def test_a_copy_of_the_layers_does_not_come_after_the_last_one() -> None:
    network = Holder(
        layers=[DenseOfStages(output=OUTPUTS)], best_layers=[DenseOfStages(), ReluOfStages()], last=SoftmaxOfStages()
    )
    assert [stage.activation for stage in stages_of(network)] == ["softmax"]


def test_what_comes_after_a_layer_may_be_in_another_block() -> None:
    blocks = [
        Holder(modules=[DenseOfStages()]),
        ReluOfStages(out=OUTPUTS),
        Holder(modules=[ReluOfStages(), DenseOfStages()]),
    ]
    assert [where(stage) for stage in stages_of(blocks)] == [("relu", "out of ReluOfStages"), (None, "")]
    within = [Holder(modules=[DenseOfStages()]), Holder(modules=[ReluOfStages(out=OUTPUTS), DenseOfStages()])]
    assert where(stages_of(within)[0]) == ("relu", "out of ReluOfStages")


@pytest.mark.parametrize("name", ["activation", "act_fn", "activation_func", "activation_name", "_nonlinearity"])
def test_a_stage_may_name_its_function_in_an_attribute(name: str) -> None:
    network = [DenseOfStages(), ActivationOfStages(**{name: "relu"}), DenseOfStages(layer_input=OUTPUTS)]
    assert where(stages_of(network)[0]) == ("relu", "layer_input of the next stage, DenseOfStages")
    assert stages_of([DenseOfStages(**{name: ReluOfStages()})])[0].activation == "relu"


def test_what_an_object_of_several_layers_keeps_is_the_output_of_its_last_layer() -> None:
    network = Holder(W1=np.ones((4, 3)), b1=np.ones(3), W2=np.ones((3, 2)), b2=np.ones(2), output=np.ones((SAMPLES, 2)))
    assert [tap.output for tap in taps_of(network)] == ["", "output of SimpleNamespace"]


def test_outputs_are_found_by_the_word_of_their_layer() -> None:
    weights = {"hidden_weights": np.ones((4, 3)), "output_weights": np.ones((3, 2))}
    network = Holder(**weights, hidden_output=OUTPUTS)
    assert [tap.output for tap in taps_of(network)] == ["hidden_output", ""]


HIDDEN, ANSWERS = np.ones((SAMPLES, 4)), np.ones((SAMPLES, 4)) / 4
WITH_ONES = np.hstack([np.ones((SAMPLES, 1)), BATCH])


@pytest.mark.parametrize(
    ("tensors", "kept", "places"),
    [
        ({"weights": 2}, {"activations": [BATCH, HIDDEN, ANSWERS]}, ["activations[1]", "activations[2]"]),
        ({"weights": 2}, {"activations": [BATCH.T, HIDDEN.T, ANSWERS.T]}, ["activations[1]", "activations[2]"]),
        ({"weights": 2}, {"activations": [BATCH + 1, HIDDEN, ANSWERS]}, ["activations[1]", "activations[2]"]),
        ({"weights": 2}, {"activations": [HIDDEN, ANSWERS]}, ["activations[0]", "activations[1]"]),
        ({"W1": 0, "W2": 0}, {"activations": [HIDDEN, ANSWERS]}, ["activations[0]", "activations[1]"]),
        ({"W1": 0, "W2": 0}, {"A0": BATCH, "A1": HIDDEN, "A2": ANSWERS}, ["A1", "A2"]),
        ({"Theta1": 0, "Theta2": 0}, {"a1": WITH_ONES, "a2": HIDDEN, "a3": ANSWERS}, ["a2", "a3"]),
        ({"W1": 0, "W2": 0}, {"A2": ANSWERS}, ["", "A2"]),
        ({"W1": 0, "W2": 0}, {"A2": ANSWERS, "grads": {"dA1": HIDDEN, "dA2": ANSWERS}}, ["", "A2"]),
        ({"syn0": 0, "syn1": 0}, {"l0": BATCH, "l1": HIDDEN, "l2": ANSWERS}, ["l1", "l2"]),
        (
            {"weights1": 0, "weights2": 0},
            {"layer1": HIDDEN, "output": ANSWERS},
            ["layer1", "output of SimpleNamespace"],
        ),
    ],
)
def test_outputs_that_begin_with_the_inputs_are_those_of_the_layer_before(
    tensors: dict[str, int], kept: dict[str, Any], places: list[str]
) -> None:
    def matrices(count: int) -> Any:
        return [np.ones((4, 4)) for _ in range(count)] if count else np.ones((4, 4))

    network = Holder(**{name: matrices(count) for name, count in tensors.items()}, **kept)
    assert [tap.output for tap in taps_of(network)] == places


def test_the_place_of_a_stage_in_a_list_is_no_number_of_a_layer() -> None:
    layers = [DenseOfStages(), ReluOfStages(), DenseOfStages(), ReluOfStages(a=OUTPUTS), DenseOfStages()]
    assert [tap.output for tap in taps_of(layers)] == ["", "a of ReluOfStages", ""]


def test_a_layer_that_is_a_dictionary_may_keep_its_outputs() -> None:
    layers = [{"W": np.ones((4, 4)), "b": np.ones(4), "A": kept} for kept in (HIDDEN, ANSWERS)]
    assert [np.asarray(tap.tap.output()).max() if tap.tap.output else None for tap in taps_of(layers)] == [1, 0.25]


def test_the_targets_of_a_batch_are_no_outputs() -> None:
    network = Holder(W1=np.ones((4, 3)), W2=np.ones((3, 3)), y=np.eye(3)[LABELS])
    assert [tap.output for tap in taps_of(network)] == ["", ""]


def test_an_array_that_does_not_fit_is_not_taken_for_outputs() -> None:
    assert [tap.output for tap in taps_of([DenseOfStages(units=4, output=OUTPUTS)])] == [""]
    assert [tap.output for tap in taps_of([DenseOfStages(units=3, output=OUTPUTS)])] == ["output of DenseOfStages"]


def test_outputs_that_a_function_cannot_have_are_not_said_to_be_its() -> None:
    found = taps_of([DenseOfStages(output=OUTPUTS - 2, activation="relu")])[0]
    assert (found.tap.activation, found.how) == (None, "none seen")


def test_one_output_for_each_sample_may_come_without_an_axis_of_units() -> None:
    assert units_last("answer", np.arange(5.0), 5, 1, None).tolist() == [[0], [1], [2], [3], [4]]


def test_a_network_whose_names_say_nothing_is_refused_with_the_names_of_its_matrices() -> None:
    network = Holder(U=np.ones((4, 3)), V=np.ones((3, 2)), state=np.ones(3))
    with pytest.raises(
        SettingsError, match=r"^network: .* which holds U \(4, 3\), V \(3, 2\), expected .*W1"
    ) as raised:
        watch(network, labels=LABELS, lr=0.1).step(loss=1.0, accuracy=0.5, inputs=np.ones((SAMPLES, 4)))
    assert "\n" not in str(raised.value)


def test_a_network_of_units_is_refused_with_a_way_to_stack_them() -> None:
    network = Holder(neurons=[Holder(weights=np.ones(4)) for _ in range(3)])
    with pytest.raises(SettingsError, match=r"^network: .* such as neurons\[0\].weights, .*np.stack"):
        watch(network, labels=LABELS, lr=0.1).step(loss=1.0, accuracy=0.5, inputs=np.ones((SAMPLES, 4)))


DERIVED = "weights: derived from the update, biases: derived from the update"


def stepped(network: Any, change: Any, **options: Any) -> Any:
    watched = watch(network, labels=LABELS, lr=0.1, **options)
    change(network)
    watched.step(loss=1.0, accuracy=0.5, inputs=np.ones((SAMPLES, 4)))
    return watched


def test_gradients_that_the_network_has_set_to_zero_are_derived(caplog: pytest.LogCaptureFixture) -> None:
    def update(network: Any) -> None:
        network[0].W -= 0.5

    zero = DenseOfStages(dW=np.zeros((3, 3)), db=np.zeros(3))
    watched = stepped([zero], update)
    assert "gradients that the network keeps are all 0 after the first step" in caplog.text
    assert "derived" in watched.found.loc["denseofstages1", "gradients"]

    caplog.clear()
    kept = DenseOfStages(dW=np.zeros((3, 3)), db=np.full(3, 0.5))
    assert stepped([kept], update).found.loc["denseofstages1", "gradients"] == "[0].dW, [0].db"
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("kept", "place"),
    [
        ({"v_W": np.ones((3, 3))}, "[0].v_W"),
        ({"m": {"W": np.ones((3, 3))}}, "[0].m['W']"),
        ({"optimizer": Holder(state=[AdamOfStages()])}, "[0].optimizer.state[0].first"),
        ({"optimizer": Holder(config={"velocity": np.ones(3)})}, "[0].optimizer.config['velocity']"),
        ({"v_W": np.zeros((3, 3))}, None),
        ({"optimizer": Holder(updt=np.ones((3, 3)))}, None),
        ({"v_W": np.ones((3, 3)), "dW": np.ones((3, 3)), "db": np.ones(3)}, None),
    ],
)
def test_gradients_are_not_derived_from_the_updates_of_another_optimizer(
    kept: dict[str, Any], place: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    def update(network: Any) -> None:
        network[0].W -= 0.5

    watched = stepped([DenseOfStages(**kept)], update)
    assert watched.recorder.not_recorded == (("gradients",) if place else ())
    assert ("not recorded" in watched.found.loc["denseofstages1", "gradients"]) == bool(place)
    warning = "found no gradients, and they do not follow from updates with "
    assert (f"{warning}{place}" if place else "") in caplog.text
    assert (warning in caplog.text) == (place is not None)


@pytest.mark.parametrize(
    ("share", "words", "norm"),
    [
        (1 / SAMPLES, "[0].dW / batch size, [0].db / batch size", 1 / SAMPLES),
        (1.0, "[0].dW, [0].db", 1.0),
        (0.5, "[0].dW, [0].db", 1.0),
        (10.0, DERIVED, 10.0),
        (-10.0, DERIVED, 10.0),
        (-1.0, "[0].dW, [0].db", 1.0),
        (-1 / SAMPLES, "[0].dW / batch size, [0].db / batch size", 1 / SAMPLES),
    ],
)
def test_kept_arrays_are_divided_or_are_no_gradients_as_the_update_says(share: float, words: str, norm: float) -> None:
    gradients = {"dW": np.arange(9.0).reshape(3, 3), "db": np.arange(3.0)}

    def update(network: Any) -> None:
        network[0].W = network[0].W - 0.1 * share * gradients["dW"]
        network[0].b = network[0].b - 0.1 * share * gradients["db"]

    watched = stepped([DenseOfStages(**gradients)], update)
    assert watched.found.loc["denseofstages1", "gradients"] == words
    row = dict(zip(watched.recorder.info.columns.names, watched.recorder.latest, strict=True))
    assert row["denseofstages1/weights/gradient/norm"] == pytest.approx(norm * np.linalg.norm(gradients["dW"]))


def test_a_description_says_that_the_updates_are_plain() -> None:
    def update(network: Any) -> None:
        network[0].W -= 0.5

    watched = stepped([DenseOfStages(v_W=np.ones((3, 3)))], update, description={"optimizer": "SGD"})
    assert watched.recorder.not_recorded == ()


@pytest.mark.parametrize(
    ("loss", "accuracy", "task", "is_warned"),
    [(0.09, 0.1, None, True), (0.7, 0.0, None, False), (0.01, 1.0, None, False), (0.09, 0.1, "squared-error", False)],
)
def test_a_first_loss_that_is_no_cross_entropy_is_warned_of(
    loss: float, accuracy: float, task: str | None, is_warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    watched = watch([DenseOfStages(dW=np.ones((3, 3)))], labels=LABELS, lr=0.1, task=task and Task.classes(task))
    watched.step(loss=loss, accuracy=accuracy, inputs=BATCH)
    assert ("is no mean cross-entropy" in caplog.text) == is_warned


def test_a_matrix_that_changes_under_an_unknown_name_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    def update(network: Any) -> None:
        network.W -= 0.5
        network.U -= 0.5
        network.states[:] = 2.0
        network.running_cov -= 0.5

    network = Holder(
        W=np.ones((3, 3)), U=np.ones((4, 3)), data=np.ones((9, 4)), states=OUTPUTS.copy(), running_cov=np.ones((3, 3))
    )
    stepped(network, update)
    assert "the first step changed U (4, 3), whose names do not say that they are trained" in caplog.text
