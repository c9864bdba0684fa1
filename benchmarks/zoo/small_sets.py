"""Healthy trainings on small training sets, in whole, small and single batches: how many are accused?

    python -m benchmarks.zoo.small_sets [--seeds 2] [--write docs/benchmarks/small-sets.md]

People who write a network from scratch try it on a few samples first, and often take all of them in each step. The
runs of the zoo are trainings on MNIST with batches of 128, so they do not show what rules say there. Each training
here is a network of two layers with a loop of its own, recorded by ``watch``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import common
from diagnostics import Task
from diagnostics.adapters import watch
from diagnostics.detect.faults import FAULTS
from diagnostics.provenance import commit
from diagnostics.statistics.intervals import interval_words, wilson
from lenet.data import load_dataset

Array = NDArray[np.float64]
FIRST_SEED = 6_000
"""Seeds from here on were used for nothing else."""
HIDDEN, LAST_STEPS, LEARNED = 24, 40, 0.5
RATES = {"tanh": 0.3, "relu": 0.1, "sigmoid": 1.0}
BATCHES: Mapping[str, tuple[int | None, float, int]] = {
    "whole set": (None, 1.0, 600),
    "batches of 16": (16, 1.0, 600),
    "single samples": (1, 0.1, 1_500),
}
"""Of each size of batch: its samples, by what the learning rate is multiplied, and the steps."""
FUNCTIONS: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "tanh": (np.tanh, lambda h: 1 - h**2),
    "relu": (lambda z: np.maximum(z, 0), lambda h: (h > 0).astype(float)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda h: h * (1 - h)),
}
"""Each function, and its slope by its output."""
OPTIMIZERS = {"plain": "SGD", "momentum": "SGD with momentum 0.9", "adam": "Adam"}
"""Each optimiser, and what the log is told of it."""


@dataclass(frozen=True)
class SmallSet:
    """A training set.

    Args:
        name: what the page calls it.
        inputs: (samples, inputs).
        targets: (samples, outputs): one-hot rows, 0 and 1, or numbers.
        kind: "classes", "binary" or "regression".
    """

    name: str
    inputs: Array
    targets: Array
    kind: str


@dataclass(frozen=True)
class SmallTraining:
    """What the detector said of one training.

    Args:
        set_name, function, optimizer, batch: how it was trained.
        has_learned: whether its loss ended below half of that of guessing.
        verdict: of the run.
        faults: the rules whose finding no run ought to have.
    """

    set_name: str
    function: str
    optimizer: str
    batch: str
    has_learned: bool
    verdict: str
    faults: tuple[str, ...]

    @property
    def is_called_dead(self) -> bool:
        """Whether a run that has learned is called a defect run."""
        return self.has_learned and self.verdict in ("never-learned", "collapsed", "diverged")


def small_sets(seed: int) -> list[SmallSet]:
    """The training sets, drawn from a seed."""
    generator = np.random.default_rng(seed)
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    angle, half = generator.uniform(0, np.pi, 120), np.repeat([0, 1], 60)
    arcs = np.stack(
        [np.where(half, 1 - np.cos(angle), np.cos(angle)), np.where(half, 0.5, 0) + np.sin(angle) * (1 - 2 * half)]
    )
    flower = np.repeat(np.arange(3), 50)
    petals = generator.normal(np.array([[5, 3.4, 1.5, 0.2], [5.9, 2.8, 4.3, 1.3], [6.6, 3, 5.5, 2]])[flower], 0.4)
    digits = load_dataset(limit=500)
    pixels = digits.X_train[:, ::2, ::2].reshape(500, -1).astype(float)
    line = np.linspace(-3, 3, 100)[:, None]
    plane = generator.standard_normal((200, 5))
    height = plane @ generator.standard_normal((5, 1))
    return [
        SmallSet("exclusive or", corners, np.eye(2)[[0, 1, 1, 0]], "classes"),
        SmallSet("two arcs", arcs.T + generator.normal(0, 0.1, (120, 2)), half[:, None].astype(float), "binary"),
        SmallSet("three flowers", (petals - petals.mean(0)) / petals.std(0), np.eye(3)[flower], "classes"),
        SmallSet("500 digits", pixels, np.eye(10)[digits.y_train], "classes"),
        SmallSet("a sine", line, np.sin(line), "regression"),
        SmallSet("a plane", plane, height / height.std(), "regression"),
    ]  # fmt: skip


def train(data: SmallSet, function: str, optimizer: str, batch: str, seed: int) -> SmallTraining:
    """Train a network of two layers, and hear what the detector says."""
    generator, outputs = np.random.default_rng(seed), data.targets.shape[1]
    size, factor, steps = BATCHES[batch]
    rate = factor * RATES[function] * (0.3 if data.kind == "regression" else 1.0)
    net = {"W1": _drawn(generator, data.inputs.shape[1], HIDDEN), "b1": np.zeros(HIDDEN)}
    net |= {"W2": _drawn(generator, HIDDEN, outputs), "b2": np.zeros(outputs)}
    of_hidden, slope = FUNCTIONS[function]
    losses, update = [], _updates(optimizer, rate)
    about = {"optimizer": OPTIMIZERS[optimizer]}
    with watch(net, epochs=steps, seed=seed, description=about, **_told(data)) as watched:
        for _ in range(steps):
            chosen = slice(None) if size is None else generator.choice(len(data.inputs), size, replace=False)
            x, target = data.inputs[chosen], data.targets[chosen]
            hidden = of_hidden(x @ net["W1"] + net["b1"])
            loss, accuracy, d2 = _loss(hidden @ net["W2"] + net["b2"], target, data.kind)
            d1 = (d2 @ net["W2"].T) * slope(hidden)
            gradients = {"W1": x.T @ d1, "b1": d1.sum(axis=0), "W2": hidden.T @ d2, "b2": d2.sum(axis=0)}
            for name in net:
                net[name] -= update(name, gradients[name])
            losses.append(loss)
            told: dict[str, Any] = {} if accuracy is None else {"accuracy": accuracy}
            watched.step(loss=loss, inputs=x, lr=rate, gradients=gradients, outputs={"layer1": hidden}, **told)
    diagnosis = watched.recorder.diagnosis
    assert diagnosis is not None
    guessing = watched.recorder.info.guessing[0]
    has_learned = bool(np.mean(losses[-LAST_STEPS:]) < LEARNED * guessing)
    faults = sorted({finding.rule for finding in diagnosis.findings if finding.rule in FAULTS})
    return SmallTraining(data.name, function, optimizer, batch, has_learned, str(diagnosis.verdict), tuple(faults))


def _updates(optimizer: str, rate: float) -> Callable[[str, Array], Array]:
    """A function that gives each step of a tensor, by its name and its gradient, and keeps what the optimiser keeps."""
    first: dict[str, Array] = {}
    second: dict[str, Array] = {}
    steps: Counter[str] = Counter()

    def update(name: str, gradient: Array) -> Array:
        steps[name] += 1
        if optimizer == "plain":
            return rate * gradient
        if optimizer == "momentum":
            first[name] = 0.9 * first.get(name, 0 * gradient) + gradient
            return 0.2 * rate * first[name]
        first[name] = 0.9 * first.get(name, 0 * gradient) + 0.1 * gradient
        second[name] = 0.999 * second.get(name, 0 * gradient) + 0.001 * gradient**2
        mean, square = first[name] / (1 - 0.9 ** steps[name]), second[name] / (1 - 0.999 ** steps[name])
        step: Array = 0.03 * rate**0.5 * mean / (np.sqrt(square) + 1e-8)
        return step

    return update


def _drawn(generator: np.random.Generator, inputs: int, units: int) -> Array:
    drawn: Array = generator.standard_normal((inputs, units)) / np.sqrt(inputs)
    return drawn


def _told(data: SmallSet) -> dict[str, Any]:
    """The task and its targets, as a user tells them."""
    if data.kind == "classes":
        return {"labels": data.targets.argmax(axis=1)}
    return {"labels": data.targets, "task": Task.binary() if data.kind == "binary" else Task.regression()}


def _loss(z: Array, target: Array, kind: str) -> tuple[float, float | None, Array]:
    """Mean loss, accuracy (None for numbers) and the gradient by the outputs ``z``."""
    if kind == "regression":
        return float(((z - target) ** 2).mean()), None, 2 * (z - target) / target.size
    if kind == "binary":
        p = np.clip(1 / (1 + np.exp(-z)), 1e-12, 1 - 1e-12)
        loss = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean()
        return float(loss), float(((p > 0.5) == (target > 0.5)).mean()), (p - target) / len(target)
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    loss = -np.log((p * target).sum(axis=1) + 1e-12).mean()
    return float(loss), float((p.argmax(axis=1) == target.argmax(axis=1)).mean()), (p - target) / len(target)


def trainings(seeds: Sequence[int]) -> Iterator[SmallTraining]:
    """Each set, function, optimiser and size of batch with each seed; no batches of 16 of a set of four."""
    for seed in seeds:
        for data, function, optimizer, batch in product(small_sets(seed), FUNCTIONS, OPTIMIZERS, BATCHES):
            size = BATCHES[batch][0]
            if size is None or size == 1 or size < len(data.inputs):
                yield train(data, function, optimizer, batch, seed)


def prepare(made: Sequence[SmallTraining], seeds: int) -> dict[str, Any]:
    """What the template prints."""
    rows = []
    for key in dict.fromkeys((one.set_name, one.batch) for one in made):
        mine = [one for one in made if (one.set_name, one.batch) == key]
        learned = [one for one in mine if one.has_learned]
        accused = [one for one in learned if one.faults]
        names = sorted({fault for one in accused for fault in one.faults})
        dead = sum(one.is_called_dead for one in learned)
        told = f"{len(accused)}: {', '.join(names)}" if accused else "0"
        rows.append([*key, str(len(mine)), str(len(learned)), str(dead), told])
    learned = [one for one in made if one.has_learned]
    dead, accused = sum(one.is_called_dead for one in learned), sum(bool(one.faults) for one in learned)
    return {
        "rows": rows,
        "seeds": seeds,
        "learned": len(learned),
        "dead": f"{dead} ({interval_words(wilson(dead, len(learned)), 1)})",
        "accused": f"{accused} ({interval_words(wilson(accused, len(learned)), 1)})",
        "commit": commit(),
        "machine": common.machine(),
    }


def main() -> None:
    parser = common.parser("benchmarks.zoo.small_sets", __doc__)
    parser.add_argument("--seeds", type=int, default=2, help="trainings of each kind")
    parser.add_argument("--write", type=Path, help="write the page into this file")
    options = parser.parse_args()
    made = list(trainings(range(FIRST_SEED, FIRST_SEED + options.seeds)))
    common.publish(common.render("small-sets.md.j2", prepare(made, options.seeds)), options.write)


if __name__ == "__main__":
    main()
