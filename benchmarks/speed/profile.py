"""Where the time of a training step goes: milliseconds a layer, forward and backward.

    python -m benchmarks.speed.trainer --profile [--network lenet] [--batch-size 128]

One thread and one shard after the other, each workspace timed by itself, so that
the numbers add up; the step of two threads takes a little over half of the sum.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from time import perf_counter

import numpy as np

from lenet.data import Dataset
from lenet.layers.base import TrainableLayer
from lenet.model import Model
from lenet.settings import Settings
from lenet.training.engine import _blas_controller
from lenet.training.shards import Portion


def profile(network: str, batch_size: int, dataset: Dataset, convolution: str = "exact", repeats: int = 60) -> str:
    """The table, as Markdown."""
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

    with _blas_controller().limit(limits=1, user_api="blas"):
        for _ in range(repeats):
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
    lines = [f"| {network}, batch {batch_size} | forward ms | backward ms |", "|---|---|---|"]
    for layer in model.layers:
        forward = medians.get(f"{layer.name} forward", 0.0)
        backward = medians.get(f"{layer.name} backward")
        lines.append(f"| {layer.name} | {forward:.3f} | {'-' if backward is None else f'{backward:.3f}'} |")
    others = ", ".join(f"{name} {medians[name]:.3f}" for name in ("input", "loss", "accuracy", "update"))
    total = sum(medians.values())
    lines.append(f"\nBesides: {others} ms. Sum: {total:.2f} ms on one thread.")
    if convolution == "exact":
        work, rate = products(model, batch_size) / 1e6, best_rate()
        lines.append(
            f"\nThe matrix products of a step are {work:.0f} million additions and multiplications; at the "
            f"{rate:.0f} GFLOP/s that one core reached here with the best of their shapes they take "
            f"{work / rate:.2f} ms, {work / rate / total:.0%} of the sum. The rest is passes over arrays: lowering, "
            "biases, activation functions, pooling."
        )
    return "\n".join(lines)


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
    with _blas_controller().limit(limits=1, user_api="blas"):
        for _ in range(200):
            started = perf_counter()
            np.matmul(kernel, blocks, out=out)
            seconds.append(perf_counter() - started)
    return 2 * kernel.size * blocks.shape[2] * len(blocks) / min(seconds) / 1e9
