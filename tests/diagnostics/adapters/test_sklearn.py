"""SklearnRecorder around an MLPClassifier that is trained by partial_fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics import open_run
from lenet.errors import SettingsError
from tests.helpers.small_models import blobs

pytestmark = pytest.mark.frameworks
BATCH, EPOCHS = 20, 25


def fitted(path: Path, *, named: bool = False, classes: int = 3, kill: int | None = None, **settings: Any) -> Any:
    """A small classifier, trained; ``kill``: the step before which its hidden biases are set far below 0."""
    from sklearn.neural_network import MLPClassifier

    from diagnostics.adapters import SklearnRecorder

    images, labels = blobs(200)
    X, y = images.reshape(200, 64).astype(np.float64), labels % classes
    targets: Any = np.array(["cat", "dog", "owl"])[y] if named else y
    classifier = MLPClassifier((8,), random_state=0, batch_size=BATCH, **settings)
    with SklearnRecorder(classifier, path, labels=targets, epochs=EPOCHS) as recorded:
        for step, start in enumerate([*range(0, 200, BATCH)] * EPOCHS):
            if step == kill:
                classifier.intercepts_[0][:] = -1000.0
            recorded.partial_fit(X[start : start + BATCH], targets[start : start + BATCH])
    return recorded


@pytest.mark.parametrize("classes", [2, 3])
def test_plain_sgd_is_recorded_with_derived_gradients_and_outputs(classes: int, tmp_path: Path) -> None:
    settings = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1, "alpha": 0.01}
    fitted(tmp_path / "run.h5", named=True, classes=classes, **settings)
    run = open_run(tmp_path / "run.h5")

    assert run.verdict == "healthy"
    assert len(run) == 10 * EPOCHS - 1  # the first step makes the weights
    assert run.info.not_recorded == ()
    assert len(run.info.description["derived_gradients"]) == 4
    assert [layer.activation for layer in run.info.layers] == ["relu", "sigmoid" if classes == 2 else "softmax"]
    assert (run.steps["penalty"] > 0).all()
    np.testing.assert_allclose(run.steps["loss"], run.steps["data_loss"] + run.steps["penalty"], rtol=1e-5)
    assert run.steps["accuracy"].iloc[-50:].mean() > 0.9


def test_adam_has_no_gradients_and_the_log_says_so(tmp_path: Path) -> None:
    fitted(tmp_path / "run.h5", solver="adam", learning_rate_init=0.01)
    run = open_run(tmp_path / "run.h5")

    assert run.verdict == "healthy"
    assert run.info.not_recorded == ("gradients",)


def test_a_classifier_whose_units_die_is_a_defect_run_and_the_layer_is_named(tmp_path: Path) -> None:
    fitted(tmp_path / "run.h5", solver="sgd", momentum=0.0, learning_rate_init=0.1, alpha=0.0, kill=120)
    run = open_run(tmp_path / "run.h5")

    assert run.verdict == "collapsed"
    assert run.diagnosis.blow is not None
    assert run.diagnosis.blow.layer == "layer1"


def test_learning_rates_are_those_of_the_update(tmp_path: Path) -> None:
    settings = {"solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling", "learning_rate_init": 0.5}
    fitted(tmp_path / "sgd.h5", **settings)
    fitted(tmp_path / "adam.h5", learning_rate_init=0.01)
    run = open_run(tmp_path / "sgd.h5")

    samples = BATCH * np.arange(1, 10 * EPOCHS)  # before each step that is recorded
    np.testing.assert_allclose(run.steps["learning_rate"], 0.5 / np.sqrt(samples + 1), rtol=1e-5)
    assert (open_run(tmp_path / "adam.h5").steps["learning_rate"] == np.float32(0.01)).all()


@pytest.mark.parametrize("kind", ["numbers", "several"])
def test_numbers_and_several_answers_are_learned_too(kind: str, tmp_path: Path) -> None:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    from diagnostics.adapters import SklearnRecorder

    images, labels = blobs(200)
    X = images.reshape(200, 64).astype(np.float64)
    several = np.stack([labels == 0, labels < 2, labels > 0], axis=1).astype(int)
    y, made = (labels * 3.0, MLPRegressor) if kind == "numbers" else (several, MLPClassifier)
    estimator = made(hidden_layer_sizes=(8,), random_state=0, batch_size=BATCH, learning_rate_init=0.01)
    with SklearnRecorder(estimator, tmp_path / "run.h5", labels=y, epochs=EPOCHS) as recorded:
        for start in [*range(0, 200, BATCH)] * EPOCHS:
            recorded.partial_fit(X[start : start + BATCH], y[start : start + BATCH])
    run = open_run(tmp_path / "run.h5")

    assert run.verdict == "healthy"
    assert run.info.task.kind == ("regression" if kind == "numbers" else "binary")
    if kind == "numbers":
        assert run.info.task.guessing_loss == pytest.approx(0.5 * y.var())
    else:
        shares = several.mean(axis=0)
        entropy = -(shares * np.log(shares) + (1 - shares) * np.log(1 - shares)).sum()
        assert run.info.task.guessing_loss == pytest.approx(entropy)
        assert run.steps["accuracy"].iloc[-50:].mean() > 0.9


def test_what_would_be_no_single_update_is_refused(tmp_path: Path) -> None:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline

    from diagnostics.adapters import SklearnRecorder

    with pytest.raises(SettingsError, match="received 'lbfgs', expected 'sgd' or 'adam'"):
        SklearnRecorder(MLPClassifier(solver="lbfgs"), labels=np.array([0, 1]))
    with pytest.raises(SettingsError, match="received Pipeline, expected an MLPClassifier or an MLPRegressor; take it"):
        SklearnRecorder(make_pipeline(MLPClassifier()), labels=np.array([0, 1]))
    recorded = SklearnRecorder(MLPClassifier(batch_size=20), labels=np.array([0, 1]))
    with pytest.raises(SettingsError, match="received 21 samples, expected at most 20"):
        recorded.partial_fit(np.zeros((21, 3)), np.zeros(21, int))


def test_the_page_runs_and_its_run_is_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "sklearn.md").read_text()
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(block, {})
    assert open_run(tmp_path / "sklearn.h5").verdict == "healthy"
