"""tap, within the compiled step of a training with JAX and optax."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics import Task, open_run
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from lenet.errors import SettingsError
from tests.helpers.small_models import blobs

pytestmark = pytest.mark.frameworks
BATCH, EPOCHS = 20, 25


def trained(path: Path, *, bias: float = 0.0, adam: bool = False, numbers: bool = False, **options: Any) -> Any:
    """A small network in JAX; its parameters before and after every step, and the recorder."""
    import jax
    import jax.numpy as jnp
    import optax

    from diagnostics.adapters.jax_tap import JaxRecorder, tap

    images, labels = blobs(200)
    X, y = images.reshape(200, 64).astype(np.float32), labels
    t = np.stack([3 + 2.0 * y, X.mean(axis=1) * 4], axis=1).astype(np.float32) if numbers else y
    draw, outputs = np.random.default_rng(0).standard_normal, 2 if numbers else 3
    params: Any = {
        "hidden": {"kernel": jnp.asarray(0.2 * draw((64, 8)), jnp.float32), "bias": jnp.full(8, bias, jnp.float32)},
        "out": {"kernel": jnp.asarray(0.3 * draw((8, outputs)), jnp.float32), "bias": jnp.zeros(outputs)},
    }
    recorder = JaxRecorder(
        path, labels=t, task=Task.regression() if numbers else None, batch_size=BATCH, epochs=EPOCHS, lr=0.1, **options
    )
    rate = 0.02 if numbers and not bias else 0.1  # a dead network learns its last biases only, quickly
    optimizer = tap(optax.adam(0.01) if adam else optax.sgd(rate), recorder)

    def loss_of(params: Any, x: Any, t: Any) -> Any:
        hidden = jax.nn.relu(x @ params["hidden"]["kernel"] + params["hidden"]["bias"])
        answers = hidden @ params["out"]["kernel"] + params["out"]["bias"]
        if numbers:
            return ((answers - t) ** 2).mean(), jnp.nan
        loss = optax.softmax_cross_entropy_with_integer_labels(answers, t).mean()
        return loss, (answers.argmax(axis=1) == t).mean()

    @jax.jit
    def step(params: Any, state: Any, x: Any, t: Any) -> Any:
        (loss, accuracy), gradients = jax.value_and_grad(loss_of, has_aux=True)(params, x, t)
        updates, state = optimizer.update(gradients, state, params, value=loss, accuracy=accuracy)
        return optax.apply_updates(params, updates), state

    state = optimizer.init(params)
    kept = [params]
    with recorder:
        for start in [*range(0, 200, BATCH)] * EPOCHS:
            params, state = step(params, state, X[start : start + BATCH], t[start : start + BATCH])
            kept.append(params)
            if recorder.should_stop:
                break
    return recorder, kept


@pytest.mark.parametrize("numbers", [False, True])
def test_a_healthy_and_a_dying_network_are_judged_right(numbers: bool, tmp_path: Path) -> None:
    for bias, verdict in ((0.0, "healthy"), (-1000.0, "never-learned")):
        path = tmp_path / f"{bias}.h5"
        recorder, _ = trained(path, bias=bias, numbers=numbers)
        run = open_run(path)

        assert recorder.recorder.diagnosis.verdict == verdict
        assert run.verdict == verdict
        assert len(run) == 10 * EPOCHS
        assert list(run.epochs.index) == list(range(1, EPOCHS + 1))
        assert set(run.info.not_recorded) == {"inputs", "activations", "penalty", *(["accuracy"] if numbers else [])}


def test_the_statistics_are_those_of_the_arrays(tmp_path: Path) -> None:
    _, kept = trained(tmp_path / "run.h5")
    run = open_run(tmp_path / "run.h5")

    assert {(one.layer, one.tensor) for one in run.info.tensors} == {
        ("hidden", "weights"),
        ("hidden", "biases"),
        ("out", "weights"),
        ("out", "biases"),
    }
    for step in (0, 7, 100):
        before, after = (np.asarray(kept[step + i]["hidden"]["kernel"], np.float64) for i in (0, 1))
        value = run.tensors.loc[(step, "hidden", "weights", "value")]
        update = run.tensors.loc[(step, "hidden", "weights", "update")]
        gradient = run.tensors.loc[(step, "hidden", "weights", "gradient")]
        assert value["norm"] == pytest.approx(np.linalg.norm(before), rel=1e-5)
        assert (value["min"], value["max"]) == pytest.approx((before.min(), before.max()), rel=1e-6)
        assert (value["mean"], value["std"]) == pytest.approx((before.mean(), before.std()), rel=1e-4, abs=1e-7)
        assert update["norm"] == pytest.approx(np.linalg.norm(after - before), rel=1e-3)
        assert update["norm"] == pytest.approx(0.1 * gradient["norm"], rel=1e-4)
        assert update["ratio"] == pytest.approx(update["norm"] / value["norm"], rel=1e-5)
        assert value["nonfinite"] == 0


def test_tap_changes_nothing(tmp_path: Path) -> None:
    import jax
    import jax.numpy as jnp
    import optax

    from diagnostics.adapters.jax_tap import JaxRecorder, tap

    params = {"w": jnp.arange(6.0).reshape(2, 3)}
    plain = optax.adam(0.1)
    tapped = tap(plain, JaxRecorder(batch_size=4))
    gradients = {"w": jnp.ones((2, 3))}
    expected, _ = plain.update(gradients, plain.init(params), params)
    found, _ = jax.jit(tapped.update)(gradients, tapped.init(params), params, value=1.0)
    assert (np.asarray(found["w"]) == np.asarray(expected["w"])).all()


def test_a_run_is_stopped_at_a_defect(tmp_path: Path) -> None:
    # Without the outputs of layers nothing is proven, so that the run has to stand still for the wait.
    at_patience = DEFAULT_THRESHOLDS.changed({"verdict.standstill": 1})
    recorder, kept = trained(tmp_path / "run.h5", bias=-1000.0, recorder={"on_defect": "stop", "detector": at_patience})

    assert recorder.should_stop
    assert len(kept) < 10 * EPOCHS
    assert open_run(tmp_path / "run.h5").status == "stopped"


def test_steps_between_two_rows_are_not_measured(tmp_path: Path) -> None:
    recorder, _ = trained(tmp_path / "run.h5", recorder={"log_every": 5})
    run = open_run(tmp_path / "run.h5")

    assert run.index["step"].tolist() == list(range(0, 10 * EPOCHS, 5))
    assert len(run.epochs) == EPOCHS
    assert recorder.recorder.diagnosis.steps == run.steps_made == 10 * EPOCHS


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    import jax.numpy as jnp
    import optax

    from diagnostics.adapters.jax_tap import JaxRecorder, tap

    params = {"w": jnp.ones(3)}
    optimizer = tap(optax.sgd(0.1), JaxRecorder(batch_size=4))
    state = optimizer.init(params)
    with pytest.raises(SettingsError, match="received no value=loss"):
        optimizer.update(params, state, params)
    with pytest.raises(SettingsError, match="received no params"):
        optimizer.update(params, state, value=1.0)


@pytest.mark.parametrize(
    ("parts", "axes", "name"),
    [
        (["params", "Dense_0", "kernel"], 2, ("Dense_0", "weights")),
        (["params", "Dense_0", "bias"], 1, ("Dense_0", "biases")),
        (["W1"], 2, ("layer1", "weights")),
        (["b12"], 1, ("layer12", "biases")),
        (["0", "1"], 1, ("layer1", "biases")),
        (["layers", "2", "w"], 2, ("layers/layer3", "weights")),
        (["enc", "0", "1"], 1, ("enc/layer1", "biases")),
        (["l1", "kernel", "value"], 2, ("l1", "weights")),
        (["scale"], 1, ("network", "scale")),
    ],
)
def test_tensors_are_called_by_their_places(parts: list[str], axes: int, name: tuple[str, str]) -> None:
    from diagnostics.adapters.tree_names import layer_and_tensor

    assert layer_and_tensor(parts, axes) == name


def updated(
    params: Any, optimizer: Any, gradients: Any, steps: int = 1, path: Path | None = None, **options: Any
) -> Any:
    """A run of a compiled update with these gradients, and the parameters after it."""
    import jax
    import optax

    from diagnostics.adapters.jax_tap import JaxRecorder, tap

    recorder = JaxRecorder(path, batch_size=4, **options)
    tapped = tap(optimizer, recorder)
    state = tapped.init(params)
    update = jax.jit(lambda gradients, state, params: tapped.update(gradients, state, params, value=1.0))
    for _ in range(steps):
        changes, state = update(gradients, state, params)
        params = optax.apply_updates(params, changes)
    recorder.close()
    return params, (open_run(path) if path else None)


def test_tensors_of_one_name_and_leaves_that_are_no_numbers(tmp_path: Path) -> None:
    import jax.numpy as jnp
    import optax

    params = [jnp.ones((2, 3)), jnp.zeros(3), jnp.ones((3, 2)), jnp.zeros(2), jnp.ones(3, int), jnp.zeros((0,))]
    gradients = [*params[:4], None, params[5]]
    with_none = [*params[:4], None, params[5]]
    _, run = updated(with_none, optax.sgd(0.1), gradients, path=tmp_path / "run.h5")

    assert [(one.layer, one.tensor, one.shape) for one in run.info.tensors] == [
        ("network", "weights", (2, 3)), ("network", "biases", (3,)),
        ("network_2", "weights", (3, 2)), ("network_2", "biases", (2,)),
    ]  # fmt: skip


def test_the_rate_of_a_schedule_is_that_of_the_optimizers_count(tmp_path: Path) -> None:
    import jax.numpy as jnp
    import optax

    schedule = optax.linear_schedule(0.1, 0.0, 10)
    params = {"w": jnp.ones((2, 3))}
    # Every second step updates: the schedule counts updates, not steps.
    _, run = updated(params, optax.MultiSteps(optax.sgd(schedule), 2), params, 4, tmp_path / "run.h5", lr=schedule)
    kept = optax.inject_hyperparams(optax.sgd)(learning_rate=0.25)
    _, other = updated(params, kept, params, 2, tmp_path / "kept.h5")

    np.testing.assert_allclose(run.steps["learning_rate"], [0.1, 0.1, 0.09, 0.09], rtol=1e-5)
    np.testing.assert_allclose(other.steps["learning_rate"], [0.25, 0.25])


def test_an_update_that_a_narrow_type_rounds_away_is_none(tmp_path: Path) -> None:
    import jax.numpy as jnp
    import optax

    params = {"w": jnp.ones((2, 3), jnp.bfloat16)}
    after, run = updated(params, optax.sgd(1e-4), params, path=tmp_path / "run.h5", lr=1e-4)

    assert (after["w"] == params["w"]).all()
    assert run.tensor_frame(["norm"], kind="update")["norm"].tolist() == [0]


def test_an_error_of_the_recorder_ends_the_recording_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import jax.numpy as jnp
    import optax

    params = {"w": jnp.ones((2, 3))}
    options: Any = {"recorder": {"overwrite": False}}

    def schedule(step: Any) -> float:
        raise OSError("no schedule here")

    after, _ = updated(params, optax.sgd(0.5), params, lr=schedule, **options)
    assert after["w"].tolist() == [[0.5] * 3] * 2
    assert "no schedule here; the recording ends, and the training goes on" in caplog.text


def test_the_page_runs_and_its_run_is_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "jax.md").read_text()
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(block, {})
    assert open_run(tmp_path / "jax.h5").verdict == "healthy"
