"""KerasRecorder as a callback of ``model.fit``, with the backends torch, JAX and TensorFlow."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics import open_run
from tests.helpers.small_models import blobs

pytestmark = pytest.mark.frameworks
BATCH, EPOCHS = 20, 25
PROGRAM = """
import sys
from tests.diagnostics.adapters.test_keras import fitted
fitted(sys.argv[1], optimizer=sys.argv[2], bias=float(sys.argv[3]))
"""
UNBUILT = """
import keras, numpy as np
from diagnostics.adapters import KerasRecorder
model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
if {is_called}:
    model(np.ones((1, 4), np.float32))
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
images, labels = np.ones((20, 4), np.float32), np.array([0, 1] * 10)
model.fit(images, labels, validation_data=(images, labels), verbose=0, callbacks=[KerasRecorder("run.h5")])
"""


def fitted(path: str | Path, *, bias: float = 0.0, optimizer: str = "sgd", loss: str = "", **options: Any) -> Any:
    """A small network, trained; the recorder that was among its callbacks."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    from diagnostics.adapters import KerasRecorder

    keras.utils.set_random_seed(0)
    images, labels = blobs(200)
    X, y = images.reshape(200, 64).astype(np.float32), labels.astype(np.int64)
    targets: Any = y if not loss else np.stack([3 + 2.0 * y, X.mean(axis=1) * 4], axis=1).astype(np.float32)
    model = keras.Sequential(
        [
            keras.layers.Input((64,)),
            keras.layers.Dense(8, activation="relu", bias_initializer=keras.initializers.Constant(bias), name="hidden"),
            keras.layers.Dense(2, name="answer")
            if loss
            else keras.layers.Dense(3, activation="softmax", name="answer"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.02 if loss else 0.1) if optimizer == "sgd" else keras.optimizers.Adam(0.01),
        loss=loss or "sparse_categorical_crossentropy",
        metrics=[] if loss else ["accuracy"],
    )
    recorder = KerasRecorder(path, labels=targets, **options)
    model.fit(X, targets, batch_size=BATCH, epochs=EPOCHS, verbose=0, shuffle=False, callbacks=[recorder])
    return recorder


def test_a_healthy_and_a_dying_model_are_judged_right_with_their_gradients(tmp_path: Path) -> None:
    for bias, verdict in ((0.0, "healthy"), (-1000.0, "never-learned")):
        fitted(tmp_path / f"{bias}.h5", bias=bias)
        run = open_run(tmp_path / f"{bias}.h5")

        assert run.verdict == verdict
        assert len(run) == 10 * EPOCHS
        assert run.info.not_recorded == ()
        norms = run.tensor_frame(["norm"], kind="gradient", tensor="weights")["norm"].unstack("layer")
        assert list(norms) == ["hidden", "answer"] or set(norms) == {"hidden", "answer"}
        assert (norms["hidden"] > 0).all() == (bias == 0)
        assert [(one.name, one.activation, one.units) for one in run.info.layers] == [
            ("hidden", "relu", 8), ("answer", "softmax", 3),
        ]  # fmt: skip
        assert (run.activation_frame(["dead_fraction"], layer="hidden")["dead_fraction"].iloc[-1] == 1) == (bias < 0)
        if bias:
            assert (run.diagnosis.blow.rule, run.diagnosis.blow.layer) == ("dead-units", "hidden")


def test_functions_of_their_own_layers_feature_maps_and_models_within_models_are_seen(tmp_path: Path) -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    from diagnostics.adapters import KerasRecorder

    inputs = keras.Input((8, 8, 1))
    inner = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3, name="conv"), keras.layers.ReLU()])
    x = keras.layers.Flatten()(inner(inputs))
    left, right = keras.layers.Dense(6, name="left")(x), keras.layers.Dense(6, activation="tanh", name="right")(x)
    x = keras.layers.Add()([keras.layers.Activation("sigmoid")(left), right])
    model = keras.Model(inputs, keras.layers.Dense(3, name="answer")(x))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    images, labels = blobs(50)
    recorder = KerasRecorder(tmp_path / "run.h5", labels=labels)
    data = images.reshape(50, 8, 8, 1), labels
    model.fit(*data, batch_size=20, epochs=2, verbose=0, validation_data=data, callbacks=[recorder])
    run = open_run(tmp_path / "run.h5")

    found = {one.name.split("/")[-1]: (one.activation, one.units) for one in run.info.layers}
    assert found == {"conv": ("relu", 4), "left": ("sigmoid", 6), "right": ("tanh", 6), "answer": (None, 3)}
    assert run.steps["samples"].tolist() == [20, 20, 10] * 2
    assert run.validations["step"].tolist() == [2, 5]
    assert run.validations["samples"].tolist() == [0, 0]  # Keras does not say how many they were
    assert run.info.batch_size == 20
    means = run.activation_frame(["mean", "zero_fraction"])
    assert means.notna().all(axis=None)
    assert not any(layer._forward_hooks for layer in (model, inner, *model.layers, *inner.layers))


def test_a_model_whose_shapes_are_not_known_is_recorded_without_activations(tmp_path: Path) -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    from diagnostics.adapters import KerasRecorder

    model = keras.Sequential(
        [keras.Input((None, 4)), keras.layers.LSTM(5), keras.layers.Dense(2, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    recorder = KerasRecorder(tmp_path / "run.h5", labels=np.array([0, 1] * 10))
    model.fit(np.ones((20, 7, 4), np.float32), np.array([0, 1] * 10), batch_size=10, verbose=0, callbacks=[recorder])

    assert open_run(tmp_path / "run.h5").info.not_recorded == ("inputs", "activations")


def test_losses_gradients_and_updates_are_those_of_the_steps(tmp_path: Path) -> None:
    fitted(tmp_path / "run.h5")
    run = open_run(tmp_path / "run.h5")

    update = run.tensor_frame(["norm"], kind="update", tensor="weights")["norm"].to_numpy()
    gradient = run.tensor_frame(["norm"], kind="gradient", tensor="weights")["norm"].to_numpy()
    np.testing.assert_allclose(update, 0.1 * gradient, rtol=1e-3, atol=1e-7)  # plain SGD with rate 0.1
    assert (run.steps["learning_rate"] == np.float32(0.1)).all()
    right = run.steps["accuracy"] * BATCH
    np.testing.assert_allclose(right, right.round(), atol=1e-3)  # single batches, not means of the epoch


def test_a_regression_is_known_by_its_loss(tmp_path: Path) -> None:
    run_of = fitted(tmp_path / "run.h5", loss="mse").recorder

    assert run_of.info.task.kind == "regression"
    assert run_of.diagnosis.verdict == "healthy"
    assert open_run(tmp_path / "run.h5").info.not_recorded == ("accuracy",)


def test_a_run_is_stopped_at_a_defect(tmp_path: Path) -> None:
    recorder = fitted(tmp_path / "run.h5", bias=-1000.0, recorder={"on_defect": "stop"})

    assert recorder.model.stop_training
    assert open_run(tmp_path / "run.h5").status == "stopped"
    assert recorder.recorder.step < 10 * EPOCHS - 1


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
@pytest.mark.parametrize(("optimizer", "lacks"), [("sgd", False), ("adam", True)])
def test_jax_and_tensorflow_keep_no_gradients_and_the_log_says_so(
    optimizer: str, lacks: bool, backend: str, tmp_path: Path
) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    path = tmp_path / "run.h5"
    subprocess.run([sys.executable, "-c", PROGRAM, str(path), optimizer, "0"], env=environment, check=True)
    run = open_run(path)

    assert run.verdict == "healthy"
    assert run.info.description["backend"] == backend
    assert run.info.not_recorded[:2] == ("inputs", "activations")
    assert ("gradients" in run.info.not_recorded) is lacks
    assert ("derived_gradients" in run.info.description) is not lacks
    assert (run.tensor_frame(["norm"], kind="update", tensor="weights")["norm"] > 0).mean() > 0.9
    said = {check.rule: check.message for check in run.diagnosis.checks}
    assert (said["zero-gradient"] == "not asked: no gradients in this run") is lacks


def test_a_model_that_tensorflow_builds_in_its_first_step_is_refused_with_a_cure(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", exc_type=ImportError)
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
    environment["PYTHONPATH"] = str(Path(__file__).parents[3])
    refused, recorded = (
        subprocess.run(
            [sys.executable, "-c", UNBUILT.format(is_called=is_called)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )
        for is_called in (False, True)
    )  # fmt: skip

    assert "has not been built before its first step, expected its variables; begin it with" in refused.stderr
    assert recorded.returncode == 0, recorded.stderr
    assert len(open_run(tmp_path / "run.h5").validations) == 1


def test_the_page_runs_and_its_run_is_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "keras.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    os.environ.setdefault("KERAS_BACKEND", "torch")
    exec("\n".join(blocks), {})
    assert open_run(tmp_path / "keras.h5").verdict == "healthy"
    assert len(open_run(tmp_path / "loop.h5")) == 200
