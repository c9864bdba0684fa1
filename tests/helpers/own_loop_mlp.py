"""Two dense layers on MNIST with a loop of their own, right or with one of the mistakes that people ask about.

diagnosis = trained("summed")        # 25,600 samples of every second row and column, one epoch of 200 steps
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from diagnostics import Recorder
from diagnostics.detect.findings import Diagnosis
from lenet import LayerTap, LoopMonitor
from lenet.data import load_dataset
from tests.helpers.plain_layers import Dense, ReLU, Softmax

SAMPLES, BATCH, HIDDEN = 25_600, 128, 64
PIXELS = 14 * 14
MISTAKES = (
    "",
    "unassigned",
    "equal",
    "accumulating",
    "relu-output",
    "summed",
    "softmax-twice",
    "averaged-twice",
    "labels/255",
    "shuffled-labels",
    "constant-inputs",
    "nan-weights",
    "biases-alone",
    "tiny-steps",
    "noise",
    "squared-error",
    "binary-cross-entropy",
    "accuracy-of-elements",
    "sorted",
    "tiny-weights",
    "decayed",
)


@cache
def _data() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Images and labels. A quarter of the pixels, twice as bright, have the size of all: a network learns as fast."""
    data = load_dataset(limit=SAMPLES)
    return 2.0 * data.X_train[:, ::2, ::2].reshape(SAMPLES, PIXELS).astype(np.float64), data.y_train


@cache
def trained(mistake: str = "", rate: float = 0.1) -> Diagnosis:
    """What the detector says of one epoch with a mistake."""
    assert mistake in MISTAKES
    recorder = Recorder()
    _train(mistake, rate, recorder)
    assert recorder.diagnosis is not None
    return recorder.diagnosis


def _train(mistake: str, rate: float, recorder: Recorder) -> None:
    images, labels = _data()
    draw = np.random.default_rng(0).standard_normal
    dense1 = Dense(0.05 * draw((PIXELS, HIDDEN)), np.zeros((1, HIDDEN)))
    dense2 = Dense(0.1 * draw((HIDDEN, 10)), np.zeros((1, 10)))
    noise = np.random.default_rng(1)
    if mistake == "shuffled-labels":
        labels = noise.permutation(labels)
    if mistake == "constant-inputs":
        images = np.broadcast_to(images[:1], images.shape)
    if mistake == "sorted":
        order = np.argsort(labels, kind="stable")
        images, labels = images[order], labels[order]
    if mistake == "tiny-weights":
        dense1.weights *= 1e-6
        dense2.weights *= 1e-6
    if mistake == "tiny-steps":
        dense2.weights *= 0.01
        rate *= 1e-5
    if mistake == "nan-weights":
        dense1.weights[:] = np.nan
    if mistake == "biases-alone":
        dense2.weights[:], dense2.biases[:] = 0, np.log(np.bincount(labels) / SAMPLES)
    if mistake == "equal":
        dense1.weights[:], dense2.weights[:] = 0.01, 0.01
    if mistake in ("squared-error", "binary-cross-entropy"):  # no hidden unit ever opens, so the answer is constant
        dense1.biases[:] = -100
    relu, out = ReLU(), ReLU() if mistake == "relu-output" else Softmax()
    again = Softmax()
    kind = "relu" if mistake == "relu-output" else "softmax"
    layers = [LayerTap("dense1", dense1, "relu", relu), LayerTap("dense2", dense2, kind, out)]
    with LoopMonitor(layers, labels=labels, batch_size=BATCH, epochs=1, hooks=[recorder]) as training:
        for start in range(0, SAMPLES, BATCH):
            x, y = images[start : start + BATCH], labels[start : start + BATCH]
            dense1.forward(x)
            relu.forward(dense1.output)
            dense2.forward(relu.output)
            out.forward(dense2.output)
            p = out.output
            if mistake == "softmax-twice":
                again.forward(p)
                p = again.output
            truth = np.eye(10)[y]
            right = np.clip(p[np.arange(BATCH), y], 1e-7, 1 - 1e-7)
            loss = float(-np.log(right).mean())
            accuracy = float((p.argmax(axis=1) == y).mean())
            if mistake == "squared-error":
                loss = float(((p - truth) ** 2).mean())
            if mistake == "binary-cross-entropy":
                loss = float(-np.where(truth == 1, np.log(p), np.log(1 - p)).mean())
            if mistake == "accuracy-of-elements":
                accuracy = float(((p > 0.5) == truth).mean())
            gradient = (p - truth) / BATCH
            if mistake == "softmax-twice":
                inner = out.output
                gradient = inner * (gradient - (gradient * inner).sum(axis=1, keepdims=True))
            if mistake == "averaged-twice":
                gradient = gradient / BATCH
            if mistake == "relu-output":
                gradient = -truth / np.clip(p, 1e-7, None) / BATCH * (dense2.output > 0)
            if mistake == "summed":
                loss, gradient = loss * BATCH, gradient * BATCH
            if mistake == "labels/255":  # an integer division gives class 0 to everything
                truth = np.eye(10)[y // 255]
                loss = float(-np.log(np.clip(p[:, 0], 1e-7, 1)).mean())
                gradient = (p - truth) / BATCH
            old = [getattr(layer, name, None) for layer in (dense1, dense2) for name in ("dweights", "dbiases")]
            dense2.backward(gradient)
            relu.backward(dense2.dinputs)
            dense1.backward(relu.dinputs)
            if mistake == "accumulating" and start:
                for layer, pair in ((dense1, old[:2]), (dense2, old[2:])):
                    layer.dweights = layer.dweights + pair[0]
                    layer.dbiases = layer.dbiases + pair[1]
            if mistake == "noise":
                dense1.dweights = noise.normal(0, dense1.dweights.std(), dense1.dweights.shape)
            if mistake == "decayed":
                for layer in (dense1, dense2):
                    layer.dweights = layer.dweights + 2 * layer.weights
            step = rate if mistake != "accumulating" else rate / 20
            training.before_update(x, loss, accuracy, step)
            for layer in (dense1, dense2):
                weights, biases = layer.weights - step * layer.dweights, layer.biases - step * layer.dbiases
                if mistake != "unassigned":
                    layer.weights, layer.biases = weights, biases
            training.after_update()
