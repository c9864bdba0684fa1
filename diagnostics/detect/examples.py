"""Makes the windows of the rules' cases: a small healthy run with some columns replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import LayerInfo, TensorInfo

LAYERS = (
    LayerInfo("conv1", "ConvolutionLayer", "relu", (8, 8, 4), 4),
    LayerInfo("dense1", "DenseLayer", "relu", (16,), 16),
    LayerInfo("dense2", "DenseLayer", "softmax", (10,), 10),
)
# What is the same in every row of a healthy run.
CONSTANT = {
    "accuracy": 0.9,
    "learning_rate": 0.1,
    "seconds": 0.006,
    "samples": 128.0,
    "penalty": 0.0,
    "nonfinite": 0.0,
    "zero_fraction": 0.0,
    "dead_fraction": 0.1,
    "dead_window_fraction": 0.1,
    "saturated_fraction": 0.1,
}
SHAPES = {"conv1": (5, 5, 1, 4), "dense1": (256, 16), "dense2": (16, 10)}


def example_info(function: str = "relu") -> RunInfo:
    """A run of conv1 - dense1 - dense2 on ten equally frequent classes, batch 128."""
    tensors, offset = [], 0
    for name, shape in SHAPES.items():
        for tensor, dims in (("weights", shape), ("biases", shape[-1:])):
            size = int(np.prod(dims))
            tensors.append(TensorInfo(name, tensor, dims, offset, size))
            offset += size
    return RunInfo(
        tensors=tuple(tensors),
        layers=tuple(replace(one, activation=function) if one.activation == "relu" else one for one in LAYERS),
        prior=(0.1,) * 10,
        batch_size=128,
        samples=60_000,
        steps_per_epoch=469,
        epochs=1,
        total_steps=469,
        seed=0,
        description={"optimizer": "OptimizerSGD"},
    )


def example(
    thresholds: Thresholds,
    changes: dict[str, Any] | None = None,
    *,
    steps: int = 60,
    start: int = 20,
    function: str = "relu",
    epochs: tuple[tuple[int, float, float, float, float], ...] = (),
) -> Window:
    """A healthy window of ``steps`` rows with ``changes``: by the name of a column a value, or one value for each row.

    A change may also be (from_step, value).
    """
    info = example_info(function)
    columns = info.columns
    t = np.arange(steps)
    rows = np.zeros((steps, len(columns)), np.float32)
    loss = 2.3 * np.exp(-t / 15.0) + 0.2
    for place, column in enumerate(columns):
        rows[:, place] = _healthy(column.statistic, column.kind, t)
        if column.kind == "gradient" and column.statistic in ("min", "max"):  # batches differ
            rows[:, place] *= np.random.default_rng(place).uniform(0.3, 1.7, steps)
    for name in ("loss", "data_loss"):
        rows[:, columns.scalar(name)] = loss
    for name, value in (changes or {}).items():
        place = columns.names.index(name)
        if isinstance(value, tuple):
            rows[value[0] :, place] = value[1]
        else:
            rows[:, place] = value
    return Window(info, thresholds, t.astype(np.int64), rows, start, epochs)


def with_info(window: Window, **changes: Any) -> Window:
    """The same window of a run of which something else is known."""
    return replace(window, info=replace(window.info, **changes))


def _healthy(statistic: str, kind: str, t: np.ndarray[Any, Any]) -> Any:
    ripple = 1.0 + 0.1 * np.sin(t)
    if statistic in CONSTANT:
        return CONSTANT[statistic]
    if kind == "gradient":
        return {"norm": ripple, "mean": 0.01 * ripple, "std": 0.05}.get(statistic, 0.1)
    if kind == "update":
        update = {"norm": 0.1 * ripple, "mean": -0.001 * ripple, "std": 0.005, "ratio": 0.01 * ripple}
        return update.get(statistic, 0.01)
    if kind == "value":
        return {"norm": 10.0, "mean": 0.0, "std": 0.1}.get(statistic, 0.3)
    return {"mean": 0.2, "std": 0.3}.get(statistic, 1.0)
