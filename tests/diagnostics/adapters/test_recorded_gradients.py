"""Gradients are derived from the updates of plain gradient descent alone, and the user is told what is not certain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace as Holder
from typing import Any

import numpy as np
import pytest

from diagnostics import open_run
from diagnostics.adapters import Watch, watch

SAMPLES, INPUTS, CLASSES, STEPS, RATE = 6, 12, 3, 4, 0.1
OTHER = "they do not follow from the updates"
ASSUMED = "they are derived from the updates as those of plain gradient descent"
OLDER = "the gradients of the second step are not those of its batch alone"


def momentum(state: dict[str, Any], name: str, gradient: Any) -> Any:
    state[name] = 0.9 * state.get(name, 0.0) + gradient
    return RATE * state[name]


def adam(state: dict[str, Any], name: str, gradient: Any) -> Any:
    steps = state[f"{name} steps"] = state.get(f"{name} steps", 0) + 1
    mean = state[f"{name} mean"] = 0.9 * state.get(f"{name} mean", 0.0) + 0.1 * gradient
    square = state[f"{name} square"] = 0.999 * state.get(f"{name} square", 0.0) + 0.001 * gradient**2
    return RATE * mean / (1 - 0.9**steps) / (np.sqrt(square / (1 - 0.999**steps)) + 1e-8)


class HiddenOptimizer:
    """A softmax regression whose optimizer nobody sees, and what its gradients really are."""

    def __init__(self, rule: Callable[..., Any] | None, *, decay: float = 0.0, inputs: int = INPUTS) -> None:
        draw = np.random.default_rng(3)
        self.batches = draw.standard_normal((STEPS, SAMPLES, inputs))
        self.labels = draw.integers(0, CLASSES, (STEPS, SAMPLES))
        self.layer = Holder(W=0.3 * draw.standard_normal((inputs, CLASSES)), b=np.zeros(CLASSES))
        self.rule, self.decay, self.state, self.norms = rule, decay, {}, list[float]()

    def step(self, number: int, *, keep: bool = False) -> None:
        layer, inputs = self.layer, self.batches[number]
        powers = np.exp(inputs @ layer.W + layer.b)
        wrong = (powers / powers.sum(axis=1, keepdims=True) - np.eye(CLASSES)[self.labels[number]]) / SAMPLES
        gradients = {"W": inputs.T @ wrong + self.decay * layer.W, "b": wrong.sum(axis=0)}
        self.norms.append(float(np.linalg.norm(gradients["W"])))
        for name, gradient in gradients.items():
            step = self.rule(self.state, name, gradient) if self.rule else RATE * gradient
            setattr(layer, name, getattr(layer, name) - step)
            if keep:
                setattr(layer, f"d{name}", step / RATE)

    def train(self, path: Path | None = None, *, keep: bool = False, steps: int = STEPS, **options: Any) -> Watch:
        with watch([self.layer], path, labels=self.labels.reshape(-1), lr=RATE, **options) as watched:
            for number in range(steps):
                self.step(number, keep=keep)
                watched.step(loss=1.0, accuracy=0.5, inputs=self.batches[number])
        return watched


@pytest.mark.parametrize(
    ("made", "recorded", "warning"),
    [
        (lambda: HiddenOptimizer(None), True, ""),
        (lambda: HiddenOptimizer(None, decay=0.1), True, ""),
        (lambda: HiddenOptimizer(momentum), False, OTHER),
        (lambda: HiddenOptimizer(momentum, decay=0.1), False, OTHER),
        (lambda: HiddenOptimizer(adam), False, OTHER),
        (lambda: HiddenOptimizer(None, inputs=SAMPLES - 2), True, ASSUMED),
    ],
    ids=["plain", "with decay", "momentum", "momentum with decay", "Adam", "few inputs"],
)
def test_gradients_are_derived_where_the_updates_can_be_those_of_plain_gradient_descent(
    made: Callable[[], HiddenOptimizer], recorded: bool, warning: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trained = made()
    trained.train(tmp_path / "run.h5")
    run = open_run(tmp_path / "run.h5")

    assert len(run) == STEPS
    assert ("gradients" in run.info.not_recorded) is not recorded
    assert ("derived_gradients" in run.info.description) is recorded
    assert warning in caplog.text
    assert caplog.text.count("WARNING") == bool(warning)
    if recorded:
        norms = run.tensor_frame(["norm"], kind="gradient", tensor="weights")["norm"]
        assert norms.to_list() == pytest.approx(trained.norms, rel=1e-5)


def test_inputs_that_the_network_changes_first_say_nothing_certain(caplog: pytest.LogCaptureFixture) -> None:
    trained = HiddenOptimizer(None)
    scales = np.linspace(0.5, 2, INPUTS)
    with watch([trained.layer], labels=trained.labels.reshape(-1), lr=RATE) as watched:
        for number in range(STEPS):
            trained.step(number)
            watched.step(loss=1.0, accuracy=0.5, inputs=trained.batches[number] * scales)
    assert watched.recorder.not_recorded == ("gradients",)
    assert 'description={"optimizer": "SGD"}' in caplog.text


@pytest.mark.parametrize(("optimizer", "recorded"), [("SGD", True), ("Momentum", False)])
def test_what_the_user_says_of_the_optimizer_counts(
    optimizer: str, recorded: bool, caplog: pytest.LogCaptureFixture
) -> None:
    watched = HiddenOptimizer(momentum).train(description={"optimizer": optimizer})
    assert watched.recorder.not_recorded == (() if recorded else ("gradients",))
    assert caplog.text == ""


def test_kept_gradients_that_hold_earlier_batches_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    HiddenOptimizer(None).train(keep=True)
    assert caplog.text == ""
    HiddenOptimizer(momentum).train(keep=True)
    assert OLDER in caplog.text


def test_a_first_step_that_waits_is_recorded_as_it_was(tmp_path: Path) -> None:
    trained = HiddenOptimizer(None)
    before = np.linalg.norm(trained.layer.W)
    targets = np.zeros(SAMPLES, int)
    batch = np.empty((SAMPLES, INPUTS))  # the loop writes each batch into it
    with watch([trained.layer], tmp_path / "run.h5", lr=RATE) as watched:
        for number in range(2):
            trained.step(number)
            batch[:] = trained.batches[number]
            watched.step(loss=1.0 + number, accuracy=0.5, inputs=batch, targets=targets + number)
            assert watched.recorder.step == (-1, 1)[number]
    run = open_run(tmp_path / "run.h5")
    assert run.steps["loss"].to_list() == [1, 2]
    assert run.tensor_frame(["norm"], kind="value", tensor="weights")["norm"].iloc[0] == pytest.approx(before, rel=1e-6)
    assert run.activation_frame(["std"], "input")["std"].iloc[0] == pytest.approx(trained.batches[0].std(), rel=1e-4)


@pytest.mark.parametrize("last", ["close", "validated", "error"])
def test_a_first_step_that_waits_is_not_lost(last: str, tmp_path: Path) -> None:
    trained = HiddenOptimizer(None)
    watched = watch([trained.layer], tmp_path / "run.h5", labels=trained.labels.reshape(-1), lr=RATE)
    trained.step(0)
    watched.step(loss=1.0, accuracy=0.5, inputs=trained.batches[0])
    if last == "validated":
        watched.validated(1.0, 0.5, 10)
    watched.__exit__(*((ValueError, ValueError("spilled"), None) if last == "error" else (None, None, None)))
    run = open_run(tmp_path / "run.h5")
    assert (len(run), run.status) == (1, "failed" if last == "error" else "completed")


def test_a_run_that_stops_at_its_first_step_stops() -> None:
    trained = HiddenOptimizer(None)
    with watch([trained.layer], labels=trained.labels.reshape(-1), lr=RATE, recorder={"on_defect": "stop"}) as watched:
        for number in range(STEPS):
            trained.step(number)
            watched.step(loss=np.nan, accuracy=0.5, inputs=trained.batches[number])
    assert watched.status == "stopped"
