"""Measures the parts of a training step: milliseconds of each layer, forward and backward.

    python -m benchmarks.speed.trainer --profile [--network lenet] [--batch-size 128]

One thread and one shard after the other, each workspace timed by itself, so that
the numbers add up; the step of two threads takes a little over half of the sum.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from lenet.data import Dataset
from lenet.layers.base import TrainableLayer
from lenet.model import Model
from lenet.settings import Settings
from lenet.training.engine import single_threaded_blas
from lenet.training.shards import Portion

STEPS = 60


@dataclass(frozen=True)
class StepTimes:
    """The times of the parts of a step.

    Args:
        network: the name of the network.
        batch_size: samples a step.
        layers: milliseconds of each layer forward and backward; None where it has no backward pass of its own.
        others: milliseconds of each part outside of the layers.
        work: millions of floating point operations in the matrix products, or None where they are not counted.
        rate: the best rate of one core, in GFLOP/s, or None.
    """

    network: str
    batch_size: int
    layers: Mapping[str, tuple[float, float | None]]
    others: Mapping[str, float]
    work: float | None = None
    rate: float | None = None

    @property
    def total(self) -> float:
        """Milliseconds of a step on one thread."""
        return sum(forward + (backward or 0) for forward, backward in self.layers.values()) + sum(self.others.values())


def step_content(times: StepTimes) -> dict[str, Any]:
    """What the template ``step-times.md.j2`` prints."""
    heads = [f"{times.network}, batch {times.batch_size}", "forward ms", "backward ms"]
    rows = [
        (name, f"{forward:.3f}", "-" if backward is None else f"{backward:.3f}")
        for name, (forward, backward) in times.layers.items()
    ]
    others = ", ".join(f"{name} {spent:.3f}" for name, spent in times.others.items())
    content: dict[str, Any] = {"heads": heads, "layers": rows, "others": others, "total": f"{times.total:.2f}"}
    if times.work is None or times.rate is None:
        return {**content, "products": None}
    ideal = times.work / times.rate
    products = {
        "millions": f"{times.work:.0f}",
        "rate": f"{times.rate:.0f}",
        "ms": f"{ideal:.2f}",
        "share": f"{ideal / times.total:.0%}",
    }
    return {**content, "products": products}


def step_times(network: str, batch_size: int, dataset: Dataset, convolution: str = "exact") -> StepTimes:
    """The medians of 60 steps."""
    model = Settings(network=network, lr=0.05, threads=1, convolution=convolution).build_model(
        samples=len(dataset.X_train)
    )
    portion = Portion(model.layers, model.parameters, model.input_shape, batch_size, threads=1)
    times: dict[str, list[float]] = defaultdict(list)

    def timed(name: str, call, *arguments):  # type: ignore[no-untyped-def]
        started = perf_counter()
        result = call(*arguments)
        spent[name] += perf_counter() - started
        return result

    with single_threaded_blas():
        for _ in range(STEPS):
            spent: dict[str, float] = defaultdict(float)
            for shard, place in zip(portion.shards, portion.places, strict=True):
                timed("input", shard.load, dataset.X_train, place)
                x = shard.input
                for layer, workspace in zip(model.layers, shard.workspaces, strict=True):
                    x = timed(f"{layer.name} forward", workspace.forward, x)
                labels = dataset.y_train[place]
                d = timed("loss", model._loss.shard_gradient, x, labels, batch_size)
                timed("loss", model._loss.shard_loss, x, labels)
                timed("accuracy", model._accuracy.shard_correct, x, labels)
                for layer, workspace in list(zip(model.layers, shard.workspaces, strict=True))[-2::-1]:
                    if d is None:
                        break
                    d = timed(f"{layer.name} backward", workspace.backward, d)
            timed("update", model.optimizer.update, model.parameters.values, model.parameters.gradients)
            for name, seconds in spent.items():
                times[name].append(seconds)
    medians = {name: statistics.median(values) * 1e3 for name, values in times.items()}
    names = [layer.name for layer in model.layers]
    return StepTimes(
        network,
        batch_size,
        {name: (medians.get(f"{name} forward", 0.0), medians.get(f"{name} backward")) for name in names},
        {name: medians[name] for name in ("input", "loss", "accuracy", "update")},
        *((products(model, batch_size) / 1e6, best_rate()) if convolution == "exact" else ()),
    )


def products(model: Model, batch_size: int) -> int:
    """Floating point operations in the matrix products of one step; borders of zeros are not counted."""
    operations, is_first = 0, True
    shape = model.input_shape
    for layer in model.layers:
        shape = layer.output_shape(shape)
        if isinstance(layer, TrainableLayer):
            places = math.prod(shape[:2]) if len(shape) == 3 else 1
            weights = math.prod(layer.parameter_shapes()["weights"])
            operations += 2 * places * weights * batch_size * (2 if is_first else 3)
            is_first = False
    return operations


def best_rate() -> float:
    """GFLOP/s of one core for products shaped like the second convolution's: 16 x 150 times 150 x 320."""
    generator = np.random.default_rng(0)
    kernel = generator.standard_normal((16, 150), dtype=np.float32)
    blocks = generator.standard_normal((20, 150, 320), dtype=np.float32)
    out = np.empty((20, 16, 320), np.float32)
    seconds = []
    with single_threaded_blas():
        for _ in range(200):
            started = perf_counter()
            np.matmul(kernel, blocks, out=out)
            seconds.append(perf_counter() - started)
    return 2 * kernel.size * blocks.shape[2] * len(blocks) / min(seconds) / 1e9
