"""The model: the paper's set-up code runs and prints its lines, and layers, weights and seeds are put together."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from lenet import (
    AccuracyCategorical,
    ActivationReLU,
    ActivationSoftmax,
    AveragePooling,
    ConvolutionLayer,
    DenseLayer,
    Flatten,
    LossCategoricalCrossEntropy,
    Model,
    OptimizerSGD,
    formatData,
    load_mnist_images,
    load_mnist_labels,
)
from lenet.data.dataset import EMBEDDED
from lenet.settings import Settings
from tests.helpers.small_models import Call, Everything, blobs, mnist, ready, small_model


class FakeTracker:
    """Keeps what a model tells a tracker."""

    def __init__(self) -> None:
        self.times: list[tuple[str, float]] = []
        self.epochs: list[tuple[int, float]] = []
        self.validations: list[float] = []

    def add_time(self, phase: str, seconds: float) -> None:
        self.times.append((phase, seconds))

    def record_epoch_accuracy(self, epoch: int, accuracy: float) -> None:
        self.epochs.append((epoch, accuracy))

    def record_validation_accuracy(self, accuracy: float) -> None:
        self.validations.append(accuracy)

    def count(self, phase: str) -> int:
        return sum(one == phase for one, _ in self.times)


def report_setup(stats: Any, epochs: int, images: int = 600) -> tuple[Model, tuple[float, float]]:
    """The paper's set-up code with its names and arguments, on the first images only."""
    folder = EMBEDDED
    train_images = load_mnist_images(f"{folder}\\train-images-idx3-ubyte")[:images]
    train_labels = load_mnist_labels(f"{folder}\\train-labels-idx1-ubyte")[:images]
    test_images = load_mnist_images(f"{folder}\\t10k-images-idx3-ubyte")[:300]
    test_labels = load_mnist_labels(f"{folder}\\t10k-labels-idx1-ubyte")[:300]
    X_train, X_test, train_labels, test_labels = formatData(train_images, test_images, train_labels, test_labels)

    model = Model(stats)

    model.add(ConvolutionLayer(depth=6, kernel_size=(5, 5), padding="same", input_size=(28, 28, 1)))
    model.add(ActivationReLU())
    model.add(AveragePooling())
    model.add(ConvolutionLayer(depth=16, kernel_size=(5, 5), input_size=(14, 14, 6)))
    model.add(ActivationReLU())
    model.add(AveragePooling())

    model.add(Flatten())

    model.add(DenseLayer(n_inputs=400, n_neurons=120))
    model.add(ActivationReLU())
    model.add(DenseLayer(n_inputs=120, n_neurons=84))
    model.add(ActivationReLU())
    model.add(DenseLayer(n_inputs=84, n_neurons=10))
    model.add(ActivationSoftmax())

    model.set(
        loss=LossCategoricalCrossEntropy(), optimizer=OptimizerSGD(learning_rate=0.5), accuracy=AccuracyCategorical()
    )
    model.finalize()
    model.train(X_train, train_labels, epochs=epochs, print_every=2, batch_size=128)
    result = model.validate(validation_data=(X_test, test_labels), batch_size=128, print_every=2)
    return model, result


# The paper's code and its lines -----------------------------------------------------------------


def test_the_reports_setup_code_runs_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    tracker = FakeTracker()
    model, (loss, accuracy) = report_setup(tracker, epochs=2)

    assert model.step == 2 * 5
    assert np.isfinite(loss)
    assert 0 <= accuracy <= 1
    assert [epoch for epoch, _ in tracker.epochs] == [1, 2]
    assert tracker.validations == [accuracy]
    phases = ("step", "epoch", "training", "validation", "combined")
    assert [tracker.count(phase) for phase in phases] == [10, 2, 1, 1, 1]
    assert "final validation - acc:" in capsys.readouterr().out


def test_hooks_and_tracker_are_told_of_a_validation_within_train_and_after_it_alike() -> None:
    tracker, heard = FakeTracker(), Everything()
    model = small_model(tracker)
    X, y = blobs(50)
    model.train(X, y, epochs=2, batch_size=20, print_every=0, hooks=[heard], validation_data=blobs(10))
    within = heard.of("on_validation_end")
    assert [e.epoch for e in within] == [1, 2]
    assert tracker.validations == [e.accuracy for e in within]
    assert (tracker.count("validation"), tracker.count("combined")) == (2, 0)

    loss, accuracy = model.validate((X, y), batch_size=10, print_every=0)
    after = heard.of("on_validation_end")[-1]
    assert (after.epoch, after.step, after.loss, after.accuracy, after.samples) == (None, 5, loss, accuracy, 50)
    assert tracker.validations[2:] == [accuracy]
    assert tracker.times[-2:] == [("validation", after.seconds), ("combined", model.run_end.seconds + after.seconds)]


def test_a_model_that_was_not_trained_tells_its_tracker_of_a_validation_too() -> None:
    tracker = FakeTracker()
    _, accuracy = small_model(tracker).validate(blobs(10), print_every=0)

    assert tracker.validations == [accuracy]
    assert [phase for phase, _ in tracker.times] == ["validation", "combined"]
    assert tracker.times[0][1] == tracker.times[1][1]


def test_a_hook_that_validates_within_a_step_adds_nothing_to_the_times_of_the_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, model, heard = [0.0], small_model(), Everything()

    def validate(event: Any) -> None:
        clock[0] += 100
        model.validate(blobs(10), print_every=0)

    for module in ("listeners", "announcer"):
        monkeypatch.setattr(f"lenet.training.{module}.perf_counter", lambda: clock[0])
    X, y = blobs(50)
    hooks = [Call("on_gradients_ready", validate), heard]
    model.train(X, y, batch_size=20, print_every=0, hooks=hooks)

    assert [e.seconds for e in heard.of("on_step_end")] == [0, 0, 0]
    assert [(e.epoch, e.step) for e in heard.of("on_validation_end")] == [(None, step) for step in (-1, 0, 1)]


def test_validate_prints_the_reports_lines(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = blobs(50)
    model = small_model()
    loss, accuracy = model.validate((X, y), batch_size=10, print_every=2)
    second = model.validate((X[20:30], y[20:30]), print_every=0)
    lines = re.sub(r"took \d+\.\d\d seconds", "took seconds", capsys.readouterr().out).splitlines()

    assert lines[0] == f"validation, step:2, acc:{second[1]:.3f}, loss:{second[0]:.3f}"
    assert [line.partition(", acc")[0] for line in lines[1:4]] == [
        "step took seconds",
        "validation, step:4",
        "step took seconds",
    ]
    assert lines[4:] == [f"final validation - acc:{accuracy:.3f}, loss:{loss:.3f}", "validation took seconds"]


def test_the_setup_code_builds_the_network_called_lenet_with_the_default_settings() -> None:
    model, _ = report_setup(None, epochs=1, images=300)
    named = Settings(epochs=1).build_model(samples=300)
    data = mnist(300)
    named.train(data.X_train, data.y_train, epochs=1, batch_size=128, print_every=0)

    assert named.describe() == model.describe()
    assert named.digest() == model.digest()


def test_lines_are_printed_in_the_reports_form_every_so_many_steps_of_an_epoch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    X, y = blobs(90)
    small_model().train(X, y, epochs=2, batch_size=10, print_every=4)
    lines = capsys.readouterr().out.split("\n")

    expected = [
        r"step:4, acc:[01]\.\d{3}, loss:\d+\.\d{3}",
        r"step took \d+\.\d\d seconds",
        r"step:8, acc:[01]\.\d{3}, loss:\d+\.\d{3}",
        r"step took \d+\.\d\d seconds",
        r"epoch:EPOCH, acc:[01]\.\d{3}, loss:\d+\.\d{3}",
        r"epoch took \d+\.\d\d seconds",
        r"",
    ]
    patterns = [one.replace("EPOCH", epoch) for epoch in "12" for one in expected] + [""]
    assert len(lines) == len(patterns)
    assert [line for line, one in zip(lines, patterns, strict=True) if not re.fullmatch(one, line)] == []


def test_printed_numbers_are_those_of_the_events(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = blobs(60)
    heard = Everything()
    small_model().train(X, y, batch_size=10, print_every=3, hooks=[heard])
    step, epoch = heard.of("on_step_end")[3], heard.of("on_epoch_end")[0]

    assert capsys.readouterr().out == (
        f"step:3, acc:{step.accuracy:.3f}, loss:{step.loss:.3f}\nstep took {step.seconds:.2f} seconds\n"
        f"epoch:1, acc:{epoch.accuracy:.3f}, loss:{epoch.loss:.3f}\nepoch took {epoch.seconds:.2f} seconds\n\n"
    )


@pytest.mark.parametrize("never", [0, None])
def test_nothing_is_printed_where_print_every_is_0_or_none(
    never: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    X, y = blobs(40)
    model = small_model()
    model.train(X, y, batch_size=10, print_every=never)
    model.validate((X, y), batch_size=10, print_every=never)

    assert capsys.readouterr() == ("", "")


# Putting it together -----------------------------------------------------------------------------


def test_layers_get_their_names_in_the_order_they_are_added() -> None:
    names = [layer.name for layer in Settings().build_model(samples=10).layers]

    expected = "conv1 relu1 pool1 conv2 relu2 pool2 flatten1 dense1 relu3 dense2 relu4 dense3 softmax1"
    assert names == expected.split()


def test_weights_set_by_hand_before_finalize_are_kept_and_setting_them_later_changes_the_model() -> None:
    layer = DenseLayer(4, 3)
    layer.weights = np.arange(12.0).reshape(4, 3)
    model = ready(Model(threads=1), layer, ActivationSoftmax())
    before = model.digest()

    assert np.array_equal(model.parameters.values[:12], np.arange(12))
    layer.biases = np.ones(3)
    assert model.digest() != before
    assert np.array_equal(model.parameters.values[12:], np.ones(3))


def test_every_seed_has_weights_of_its_own_and_a_layer_does_not_depend_on_those_before_it() -> None:
    weights = [ready(Model(seed=s), DenseLayer(4, 3), ActivationSoftmax()).digest() for s in (0, 0, 1)]

    assert weights[0] == weights[1] != weights[2]


def test_finalizing_twice_changes_nothing() -> None:
    model = small_model()
    before = model.digest()
    model.finalize()

    assert model.digest() == before
