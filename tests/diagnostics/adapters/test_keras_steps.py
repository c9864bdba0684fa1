"""What KerasRecorder says of each step, against a second computation of the same small network in NumPy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics import open_run
from diagnostics.adapters.keras_arrays import as_array
from diagnostics.schema.task import prior_entropy

pytestmark = pytest.mark.frameworks
SAMPLES, FEATURES, CLASSES, BATCH = 50, 4, 3, 20
draw = np.random.default_rng(0)
LABELS = np.arange(SAMPLES) % CLASSES
INPUTS = (draw.standard_normal((CLASSES, FEATURES))[LABELS] * 2 + draw.standard_normal((SAMPLES, FEATURES))).astype("f")
ONE_HOT = np.eye(CLASSES, dtype=np.float32)[LABELS]
BATCHES = [np.arange(start, min(start + BATCH, SAMPLES)) for start in range(0, SAMPLES, BATCH)] * 2
WITH_JAX = """
import sys
from tests.diagnostics.adapters.test_keras_steps import check_a_fit_with_jax
check_a_fit_with_jax(sys.argv[1])
"""


def network(**options: Any) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((FEATURES,)),
            layers.Dense(5, activation="relu", name="hidden", **options),
            layers.Dense(CLASSES, activation="softmax", name="answer"),
        ]
    )


def recorded(
    path: Path, model: Any = None, *, callbacks: Any = (), labels: Any = LABELS, optimizer: Any = None,
    loss: Any = "sparse_categorical_crossentropy", metrics: Any = ("accuracy",), compiled: Any = None, **fit: Any,
) -> tuple[Any, list[list[np.ndarray]]]:  # fmt: skip
    """The run of a fit of two epochs, and the weights before each of its steps."""
    import keras

    from diagnostics.adapters import KerasRecorder

    model, before = model or network(), []

    class KeepsWeights(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            before.append([as_array(one).astype("d") for one in self.model.trainable_variables])

    model.compile(optimizer or keras.optimizers.SGD(0.1), loss, metrics=list(metrics), **(compiled or {}))
    model.fit(
        INPUTS, labels, batch_size=BATCH, verbose=0, shuffle=False,
        callbacks=[KeepsWeights(), KerasRecorder(path, labels=labels), *callbacks], **{"epochs": 2, **fit},
    )  # fmt: skip
    return open_run(path) if path.exists() else None, before


def expected(before: list[list[np.ndarray]]) -> tuple[list[float], list[float], list[np.ndarray]]:
    """Losses, accuracies, and gradients of the weights of the last layer."""
    losses, accuracies, gradients = [], [], []
    for (kernel, bias, out, out_bias), batch in zip(before, BATCHES, strict=True):
        hidden = np.maximum(INPUTS[batch] @ kernel + bias, 0)
        powers = np.exp(hidden @ out + out_bias)
        shares = powers / powers.sum(axis=1, keepdims=True)
        losses.append(float(-np.log(shares[np.arange(len(batch)), LABELS[batch]]).mean()))
        accuracies.append(float((shares.argmax(axis=1) == LABELS[batch]).mean()))
        gradients.append(hidden.T @ (shares - ONE_HOT[batch]) / len(batch))
    return losses, accuracies, gradients


def check(run: Any, before: list[list[np.ndarray]], rates: list[float]) -> None:
    losses, accuracies, gradients = expected(before)
    np.testing.assert_allclose(run.steps["data_loss"], losses, rtol=1e-4)
    np.testing.assert_allclose(run.steps["accuracy"], accuracies, atol=1e-5)
    np.testing.assert_allclose(run.steps["learning_rate"], rates, rtol=1e-5)
    assert run.steps["samples"].tolist() == [20, 20, 10] * 2
    found = run.tensor_frame(["norm"], kind="gradient", layer="answer", tensor="weights")["norm"]
    np.testing.assert_allclose(found, [np.linalg.norm(one) for one in gradients], rtol=1e-2)


def setting_rates() -> Any:
    """A callback that stands behind the recorder, sets the rate before a step, and evaluates the model after it."""
    import keras

    class SetsRates(keras.callbacks.Callback):
        steps = 0

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.steps += 1
            self.model.optimizer.learning_rate = 0.05 * self.steps

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.evaluate(INPUTS[:7], LABELS[:7], verbose=0)

    return SetsRates()


def check_a_fit_with_jax(path: str) -> None:
    run, before = recorded(Path(path), network(kernel_regularizer="l2"), callbacks=[setting_rates()])
    check(run, before, [0.05 * n for n in range(1, 7)])
    assert run.info.not_recorded == ("inputs", "activations")
    assert (run.steps["penalty"] > 0).all()


def test_numbers_are_those_of_single_batches_whatever_other_callbacks_do(tmp_path: Path) -> None:
    run, before = recorded(
        tmp_path / "run.h5", network(kernel_regularizer="l2"), callbacks=[setting_rates()], epochs=7, initial_epoch=5
    )

    check(run, before, [0.05 * n for n in range(1, 7)])
    expected_penalties = [0.01 * float((kernel**2).sum()) for kernel, *_ in before]
    np.testing.assert_allclose(run.steps["penalty"], expected_penalties, rtol=1e-4)
    assert (run.info.epochs, run.info.total_steps) == (2, 6)


def test_so_they_are_with_jax(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", WITH_JAX, str(tmp_path / "run.h5")], env=environment, check=True)


def test_a_train_step_of_the_user_has_its_own_losses_and_the_gradients_of_its_optimizer(tmp_path: Path) -> None:
    import keras
    import torch

    class OwnStep(keras.Sequential):
        def train_step(self, data: Any) -> Any:
            inputs, labels = data
            loss = keras.losses.SparseCategoricalCrossentropy()(labels, self(inputs, training=True))
            loss.backward()
            weights = list(self.trainable_weights)
            with torch.no_grad():
                self.optimizer.apply([one.value.grad for one in weights], weights)
            self.zero_grad()
            return {"loss": loss.detach()}

    run, before = recorded(tmp_path / "run.h5", OwnStep(network().layers), loss=None, metrics=())
    losses, _, gradients = expected(before)

    np.testing.assert_allclose(run.steps["loss"], losses, rtol=1e-4)
    found = run.tensor_frame(["norm"], kind="gradient", layer=run.info.tensors[-1].layer, tensor="weights")["norm"]
    np.testing.assert_allclose(found, [np.linalg.norm(one) for one in gradients], rtol=1e-3)
    assert run.info.task.kind == "loss-only"


@pytest.mark.parametrize("weighs", ["class_weight", "loss_weights", "sum", "own"])
def test_a_loss_that_cannot_be_compared_with_guessing_is_judged_by_losses(weighs: str) -> None:
    network()
    import keras

    from diagnostics.adapters.keras_task import task_of

    def weighted_categorical_crossentropy(truth: Any, answers: Any) -> Any:
        return 30 * keras.losses.categorical_crossentropy(truth, answers)

    model = network()
    loss: Any = "sparse_categorical_crossentropy"
    if weighs == "sum":
        loss = keras.losses.SparseCategoricalCrossentropy(reduction="sum")
    elif weighs == "own":
        loss = weighted_categorical_crossentropy
    model.compile("sgd", loss, loss_weights=[2.0] if weighs == "loss_weights" else None)

    assert task_of(model, LABELS, is_weighted=weighs == "class_weight").kind == "loss-only"


def test_weights_of_samples_are_seen_in_the_batches(tmp_path: Path) -> None:
    run, _ = recorded(tmp_path / "run.h5", class_weight={0: 9.0, 1: 1.0, 2: 1.0})

    assert run.info.task.kind == "loss-only"


def test_the_task_follows_from_the_loss_and_the_labels() -> None:
    model = network()
    import keras

    from diagnostics.adapters.keras_task import task_of

    several = np.stack([LABELS == 0, LABELS < 2, INPUTS[:, 0] > 0], axis=1).astype("f")
    steps = np.stack([LABELS, LABELS, LABELS + 1], axis=1)
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert task_of(model, LABELS, False).prior == pytest.approx((17 / 50, 17 / 50, 16 / 50))
    assert task_of(model, steps, False).prior == pytest.approx(tuple(np.bincount(steps.ravel()) / 150))
    model.compile("sgd", "binary_crossentropy")
    assert task_of(model, several, False).kind == "binary"
    assert task_of(model, ONE_HOT, False).kind == "classes"
    assert task_of(model, several / 3, False).kind == "loss-only"
    model.compile("sgd", keras.losses.CategoricalCrossentropy(label_smoothing=0.3))
    shares = np.array([0.5, 0.5, 0.0])
    found = task_of(model, np.eye(3)[np.arange(50) % 2], False).guessing_loss
    assert found == pytest.approx(prior_entropy((0.7 * shares + 0.1).tolist()))


def test_gradients_follow_from_the_update_only_where_nothing_else_changes_the_weights() -> None:
    network()
    import keras

    from diagnostics.adapters.keras_step import describe, follows_from_update

    def follows(optimizer: Any, **options: Any) -> bool:
        model = network(**options)
        model.compile(optimizer, "mse")
        return follows_from_update(model, describe(model))

    sgd = keras.optimizers.SGD
    assert follows(sgd(0.1))
    assert not follows(sgd(0.1, gradient_accumulation_steps=2))
    assert not follows(sgd(0.1, use_ema=True, ema_overwrite_frequency=2))
    assert not follows(keras.optimizers.LossScaleOptimizer(sgd(0.1)))
    assert not follows(sgd(0.1), kernel_constraint=keras.constraints.MaxNorm(1.0))


def test_nothing_of_the_recorder_ends_a_training(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = network()
    import keras

    from diagnostics.adapters import KerasRecorder

    def accuracy(truth: Any, answers: Any) -> Any:
        return 100 * keras.ops.mean(keras.ops.cast(keras.ops.argmax(answers, -1) == truth, "float32"))

    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[accuracy])
    data, options = (INPUTS, LABELS), {"verbose": 0, "validation_data": (INPUTS, LABELS)}
    recorder = KerasRecorder(tmp_path / "run.h5", labels=LABELS)
    for _ in range(2):  # the log of the first fit stays
        model.fit(*data, **options, callbacks=[recorder])
    assert "this fit is not recorded" in caplog.text
    assert open_run(tmp_path / "run.h5").info.not_recorded == ("accuracy",)

    late = KerasRecorder(tmp_path / "late.h5", labels=LABELS)
    (tmp_path / "late.h5").write_text("something else")
    model.fit(*data, **options, callbacks=[late])
    assert "the recording ends, and the training goes on" in caplog.text
    assert model.train_function.__name__ != "_train"  # the model has its own function again


def test_layers_of_any_names_and_types_are_told_apart(tmp_path: Path) -> None:
    network()
    import keras

    layers = keras.layers

    class Own(layers.Layer):
        def build(self, shape: Any) -> None:
            self.one, self.two = (self.add_weight(shape=(FEATURES, FEATURES), name="w") for _ in range(2))
            self.scale = self.add_weight(shape=(), name="scale", initializer="ones")

        def call(self, x: Any) -> Any:
            return x @ self.one @ self.two * self.scale

    inputs, shared = keras.Input((FEATURES,)), layers.Dense(FEATURES, name="input", dtype="bfloat16")
    pair = layers.Reshape((2, 2))(Own(name="own")(shared(shared(inputs))))
    flat = layers.Flatten()(layers.MultiHeadAttention(1, 2, name="attention")(pair, pair))
    model = keras.Model(inputs, layers.Dense(CLASSES, activation="softmax", name="answer")(flat))
    run, _ = recorded(tmp_path / "run.h5", model, optimizer="adam")

    names = [(one.layer, one.tensor, one.shape) for one in run.info.tensors if not one.layer.startswith("attention")]
    assert names[:2] == [("input_", "weights", (4, 4)), ("input_", "biases", (4,))]
    assert names[2:5] == [("own", "w", (4, 4)), ("own", "w_2", (4, 4)), ("own", "scale", (1,))]
    assert [one.name for one in run.info.layers] == [
        "own",
        "answer",
    ]  # the others have several outputs, or inner layers
    assert len(run) == 6
