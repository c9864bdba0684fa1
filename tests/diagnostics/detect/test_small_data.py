"""Trainings on a few samples, in large and in tiny batches: what is usual there is no fault."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics import Task
from diagnostics.adapters import watch
from diagnostics.detect.findings import Diagnosis


def trained(x, answers, *, hidden=8, rate=0.5, steps=400, batch=None, function="tanh") -> Diagnosis:
    """What the detector says of a network of two layers, whose last one has a unit for each class."""
    generator, classes = np.random.default_rng(0), int(answers.max()) + 1
    draw = generator.standard_normal
    net = {"W1": draw((x.shape[1], hidden)), "b1": np.zeros(hidden)}
    net |= {"W2": draw((hidden, classes)) / 3, "b2": np.zeros(classes)}
    inputs, truths = x, np.eye(classes)[answers]
    with watch(net, labels=answers, epochs=steps) as watched:
        for _ in range(steps):
            chosen = slice(None) if batch is None else generator.choice(len(inputs), batch, replace=False)
            x, truth = inputs[chosen], truths[chosen]
            h = np.tanh(x @ net["W1"] + net["b1"])
            if function == "sigmoid":
                h = 0.5 + 0.5 * h
            powers = np.exp(h @ net["W2"] + net["b2"])
            p = powers / powers.sum(axis=1, keepdims=True)
            d2 = (p - truth) / len(x)
            d1 = (d2 @ net["W2"].T) * (1 - h**2 if function == "tanh" else 2 * h * (1 - h))
            gradients = {"W1": x.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d2, "b2": d2.sum(axis=0)}
            for name in net:
                net[name] -= rate * gradients[name]
            loss, accuracy = -np.log((p * truth).sum(axis=1)).mean(), (p.argmax(axis=1) == truth.argmax(axis=1)).mean()
            told = {"gradients": gradients, "outputs": {"layer1": h}}
            watched.step(loss=loss, accuracy=accuracy, inputs=x, lr=rate, **told)
    diagnosis: Diagnosis = watched.recorder.diagnosis
    return diagnosis


def clouds():
    draw = np.random.default_rng(1)
    answers = np.repeat(np.arange(3), 20)
    return draw.normal(np.array([[0, 0], [2.5, 0], [0, 2.5]])[answers], 0.4), answers


EXCLUSIVE_OR = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0])


@pytest.mark.parametrize(
    ("data", "how"),
    [
        (EXCLUSIVE_OR, {}),
        (clouds(), {}),
        (clouds(), {"function": "sigmoid", "batch": 16, "hidden": 64, "rate": 0.1}),
        ((np.linspace(-1, 1, 40)[:, None], np.repeat([0, 1], 20)), {"batch": 1, "rate": 0.1}),
    ],
    ids=["exclusive or", "three clouds", "batches of 16", "one number at a time"],
)
def test_a_small_training_set_that_is_learned_is_healthy_and_shows_no_fault(data, how):
    diagnosis = trained(*data, **how)

    assert diagnosis.verdict == "healthy"
    assert [finding.rule for finding in diagnosis.findings if finding.rule != "early-warning"] == []


def test_steps_that_throw_the_last_bias_to_and_fro_are_told_and_not_unexplained():
    x = np.tile([[0, 0], [0, 1], [1, 0], [1, 1.0]], (32, 1))
    targets = (x.sum(axis=1, keepdims=True) == 1).astype(float)
    net = {"W1": np.ones((2, 1)), "b1": np.zeros(1), "W2": np.full((1, 1), 2.0), "b2": np.zeros(1)}
    with watch(net, task=Task.regression(), labels=targets, epochs=160) as watched:
        for _ in range(160):
            h = np.tanh(x @ net["W1"] + net["b1"])
            wrong = h @ net["W2"] + net["b2"] - targets
            gradients = {name: np.full(array.shape, 1e-6) for name, array in net.items()}
            gradients["b2"] = 2 * wrong.mean(axis=0)
            for name in net:
                net[name] -= gradients[name]
            told = {"gradients": gradients, "outputs": {"layer1": h}}
            watched.step(loss=(wrong**2).mean(), inputs=x, lr=1.0, **told)

    diagnosis = watched.recorder.diagnosis
    assert diagnosis.verdict == "never-learned"
    assert diagnosis.first_link is not None
    assert diagnosis.first_link.rule == "huge-steps"
    assert "a smaller learning rate" in diagnosis.remedies


def test_a_loss_in_float64_that_grows_for_hundreds_of_steps_broke_where_it_began_to():
    generator = np.random.default_rng(0)
    x = generator.standard_normal((64, 3))
    targets = x @ np.array([[1.0], [-2.0], [0.5]])
    net = {"W1": generator.standard_normal((3, 1)), "b1": np.zeros(1)}
    with watch(net, task=Task.regression(), labels=targets, epochs=300) as watched, np.errstate(all="ignore"):
        for _ in range(300):
            wrong = x @ net["W1"] + net["b1"] - targets
            gradients = {"W1": 2 * x.T @ wrong / len(x), "b1": 2 * wrong.mean(axis=0)}
            for name in net:
                net[name] -= 3.0 * gradients[name]
            watched.step(loss=(wrong**2).mean(), inputs=x, lr=3.0, gradients=gradients)

    diagnosis = watched.recorder.diagnosis
    assert diagnosis.verdict == "diverged"
    assert diagnosis.onset is not None
    assert diagnosis.onset > 100
    assert diagnosis.first_link is not None
    assert diagnosis.first_link.rule == "oversized-update"
    assert diagnosis.first_link.step < 20
