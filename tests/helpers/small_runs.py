"""Small networks and runs in memory, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from diagnostics.run.run import Run
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import LayerInfo, TensorInfo


def tensors(*shapes: tuple[str, tuple[int, ...]]) -> tuple[TensorInfo, ...]:
    """Weights of these shapes, each followed by its biases, in flat order."""
    result: list[TensorInfo] = []
    offset = 0
    for layer, shape in shapes:
        for tensor, dims in (("weights", shape), ("biases", shape[-1:])):
            size = int(np.prod(dims))
            result.append(TensorInfo(layer, tensor, dims, offset, size))
            offset += size
    return tuple(result)


def small_info(**changes: Any) -> RunInfo:
    """One convolution and two dense layers: 2 kernels, 5 and 3 units."""
    given: dict[str, Any] = {
        "tensors": tensors(("conv1", (3, 3, 1, 2)), ("dense1", (8, 5)), ("dense2", (5, 3))),
        "layers": (
            LayerInfo("conv1", "ConvolutionLayer", "relu", (4, 4, 2), 2),
            LayerInfo("dense1", "DenseLayer", "relu", (5,), 5),
            LayerInfo("dense2", "DenseLayer", None, (3,), 3),
        ),
        "prior": (0.5, 0.25, 0.25),
        "batch_size": 8,
        "samples": 80,
        "steps_per_epoch": 10,
        "epochs": 3,
        "total_steps": 30,
        "seed": 7,
        "description": {"optimizer": "OptimizerSGD", "learning_rate": 0.5},
    }
    return RunInfo(**{**given, **changes})


def lenet_info(**changes: Any) -> RunInfo:
    """The paper's lenet: 10 tensors, 61,706 parameters."""
    given: dict[str, Any] = {
        "tensors": tensors(
            ("conv1", (5, 5, 1, 6)),
            ("conv2", (5, 5, 6, 16)),
            ("dense1", (400, 120)),
            ("dense2", (120, 84)),
            ("dense3", (84, 10)),
        ),
        "layers": (
            LayerInfo("conv1", "ConvolutionLayer", "relu", (28, 28, 6), 6),
            LayerInfo("conv2", "ConvolutionLayer", "relu", (10, 10, 16), 16),
            LayerInfo("dense1", "DenseLayer", "relu", (120,), 120),
            LayerInfo("dense2", "DenseLayer", "relu", (84,), 84),
            LayerInfo("dense3", "DenseLayer", None, (10,), 10),
        ),
        "prior": (0.1,) * 10,
        "batch_size": 128,
        "samples": 60_000,
        "steps_per_epoch": 469,
        "epochs": 3,
        "total_steps": 1407,
        "seed": 0,
        "description": {"optimizer": "OptimizerSGD", "learning_rate": 0.5},
    }
    return RunInfo(**{**given, **changes})


def numbered_run(info: RunInfo | None = None, **changes: Any) -> Run:
    """A run whose value at row i, column c is 1000 i + c, so that every cell can be foretold."""
    info, steps = info or small_info(), 30
    values = (1000.0 * np.arange(steps)[:, None] + np.arange(len(info.columns))).astype(np.float32)
    epochs = 1 + np.arange(steps) // info.steps_per_epoch
    return Run.from_rows(info, np.arange(steps), epochs, values, **changes)
