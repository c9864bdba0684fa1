"""A gradient with the wrong sign, and one that is summed over the batch, in a network that somebody wrote."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import diagnostics as ld
from diagnostics.adapters import watch
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.rules.wrong_sign import WrongSign
from diagnostics.run.run import Run
from reports.pages.run_facts import run_facts
from reports.text.headline import headline


class SignedDense:
    def __init__(self, rng, inputs, outputs):
        self.W, self.b = rng.standard_normal((inputs, outputs)) * np.sqrt(2 / inputs), np.zeros(outputs)
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW, self.db = self.x.T @ d, d.sum(0)
        return d @ self.W.T


class SignedRelu:
    def forward(self, x):
        self.out = np.maximum(x, 0)
        return self.out

    def backward(self, d):
        return d * (self.out > 0)


class SignedNetwork:
    def __init__(self, rng):
        self.layers = [SignedDense(rng, 64, 32), SignedRelu(), SignedDense(rng, 32, 10)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x


def trained(factor, rate, steps=150, scale=1, path=None):
    """The diagnosis of a network whose gradient is multiplied by ``factor``, on inputs multiplied by ``scale``."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 2000)
    X = scale * (rng.random((10, 64))[y] + rng.normal(0, 0.3, (2000, 64)))
    network = SignedNetwork(rng)
    with np.errstate(all="ignore"), watch(network, path, labels=y) as watched:
        for _ in range(steps):
            batch = rng.integers(0, len(X), 128)
            logits = network.forward(X[batch])
            p = np.exp(logits - logits.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            right = p[np.arange(128), y[batch]]
            accuracy = float((p.argmax(1) == y[batch]).mean())
            d = p.copy()
            d[np.arange(128), y[batch]] -= 1
            d *= factor / 128
            for layer in reversed(network.layers):
                d = layer.backward(d)
            for layer in network.layers[::2]:
                layer.W -= rate * layer.dW
                layer.b -= rate * layer.db
            watched.step(loss=-np.log(right + 1e-12).mean(), accuracy=accuracy, inputs=X[batch], lr=rate)
    return watched.recorder.diagnosis


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.01])
def test_a_gradient_of_the_wrong_sign_points_to_the_code(rate):
    diagnosis = trained(-1, rate)

    assert diagnosis.verdict.is_defect
    assert (diagnosis.first_link.rule, diagnosis.first_link.origin) == ("wrong-sign", "code")
    assert diagnosis.remedies[0].startswith("a gradient check")
    assert "accumulated-gradient" not in {f.rule for f in diagnosis.chain}


def test_the_right_sign_is_healthy():
    diagnosis = trained(1, 0.1)

    assert diagnosis.verdict == "healthy"
    assert not {"wrong-sign", "summed-gradient"} & {f.rule for f in diagnosis.findings}


@pytest.mark.parametrize("rate", [0.5, 2, 8, 30])
def test_a_rate_that_is_too_large_is_no_wrong_sign(rate):
    diagnosis = trained(1, rate, steps=80)

    assert "wrong-sign" not in {f.rule for f in diagnosis.findings}


@pytest.mark.parametrize(("scale", "rate"), [(20, 1e-4), (100, 1e-6)])
def test_a_loss_that_varies_far_above_guessing_is_no_wrong_sign(scale, rate):
    diagnosis = trained(1, rate, steps=60, scale=scale)

    assert diagnosis.first_link.rule == "input-scale"
    assert "wrong-sign" not in {f.rule for f in diagnosis.findings}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """The log of a network whose gradient has the wrong sign, and its diagnosis."""
    path = tmp_path_factory.mktemp("wrong") / "run.h5"
    return path, trained(-1, 0.03, path=path)


def test_the_headline_names_the_fault_before_what_it_did_to_the_network(wrong):
    _, diagnosis = wrong
    blow = replace(diagnosis.first_link, rule="oversized-update", step=11, plain="Step 11 changed dense1.")

    assert headline(replace(diagnosis, blow=blow)) == f"{diagnosis.first_link.plain} Step 11 changed dense1."


def test_the_fault_is_the_mechanism_at_the_top_of_the_report(wrong, monkeypatch):
    path, diagnosis = wrong
    blow = replace(diagnosis.first_link, rule="oversized-update")
    monkeypatch.setattr(Run, "diagnosis", replace(diagnosis, blow=blow))
    answers = {fact.question: fact.answer for fact in run_facts(ld.open_run(path)).items}

    assert answers["Which mechanism?"] == "wrong sign"


def test_a_summed_gradient_is_seen_where_softmax_is_a_part_of_the_loss():
    diagnosis = trained(128, 0.1)

    assert (diagnosis.first_link.rule, diagnosis.first_link.origin) == ("summed-gradient", "code")


def fitted(factor, rate, *, tail=0.0, offset=0.0, is_linear=False, steps=150):
    """The run of a regression, which has no accuracy, with its gradient multiplied by ``factor``.

    ``offset``: of the inputs. ``tail``: how heavy the tails of the targets are. ``is_linear``: without a hidden layer.
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 64))
    y = np.tanh(X[:, :8] @ rng.standard_normal((8, 1))) * np.exp(tail * rng.standard_normal((2000, 1)))
    y, X = y / y.std(), X + offset
    network = SignedNetwork(rng)
    network.layers[-1] = SignedDense(rng, 32, 1)
    if is_linear:
        network.layers = [SignedDense(rng, 64, 1)]
        network.layers[0].W -= network.layers[0].W.mean()
        y = 3 * y
    task = ld.Task.regression()
    with np.errstate(all="ignore"), watch(network, labels=y, task=task, lr=rate) as watched:
        for _ in range(steps):
            batch = rng.integers(0, len(X), 32)
            error = network.forward(X[batch]) - y[batch]
            d = 2 * factor * error / len(error)
            for layer in reversed(network.layers):
                d = layer.backward(d)
            for layer in network.layers[::2]:
                layer.W -= rate * layer.dW
                layer.b -= rate * layer.db
            watched.step(loss=float((error**2).mean()), inputs=X[batch])
    return watched.recorder.diagnosis


@pytest.mark.parametrize("rate", [0.002, 0.0005])
def test_a_wrong_sign_is_seen_without_an_accuracy(rate):
    diagnosis = fitted(-1, rate, steps=300)

    assert diagnosis.verdict.is_defect
    assert (diagnosis.first_link.rule, diagnosis.first_link.origin) == ("wrong-sign", "code")


@pytest.mark.parametrize(
    "run",
    [
        {"rate": 0.002},
        {"rate": 0.002, "tail": 2.0},
        {"rate": 0.0005, "tail": 3.0},
        {"rate": 6e-6, "offset": 50.0},
        {"rate": 2.08 / 320_000, "offset": 50.0, "is_linear": True},  # steps in one direction, a little too long
    ],
)
def test_without_an_accuracy_neither_noise_nor_overshooting_is_a_wrong_sign(run):
    diagnosis = fitted(1, **run)

    assert "wrong-sign" not in {f.rule for f in diagnosis.findings}


def test_weights_of_a_regression_may_grow_while_its_loss_is_high():
    (growing,) = (case for case in WrongSign().cases(DEFAULT_THRESHOLDS) if "grow along" in case.title)
    regression = replace(growing.window, info=replace(growing.window.info, task=ld.Task.regression()))

    assert WrongSign().check(growing.window)
    assert not WrongSign().check(regression)
