"""What the log of a LeNet says before its first step, and the loss of guessing MNIST."""

from __future__ import annotations

from typing import Any

import numpy as np

from diagnostics.schema.run_info import RunInfo
from lenet.hooks import LayerInfo, TensorInfo

SHAPES = {"conv1": (5, 5, 1, 6), "conv2": (5, 5, 6, 16), "dense1": (400, 120), "dense2": (120, 84), "dense3": (84, 10)}
OUTPUTS = {"conv1": (28, 28, 6), "conv2": (10, 10, 16), "dense1": (120,), "dense2": (84,), "dense3": (10,)}
PRIOR = (0.0987, 0.1124, 0.0993, 0.1022, 0.0974, 0.0904, 0.0986, 0.1044, 0.0975, 0.0991)
GUESSING = float(-sum(p * np.log(p) for p in PRIOR))


def lenet_info(steps: int = 300, per_epoch: int = 100, settings: dict[str, Any] | None = None) -> RunInfo:
    """What the header of a LeNet's log says."""
    tensors, layers, offset = [], [], 0
    for name, shape in SHAPES.items():
        for tensor, form in (("weights", shape), ("biases", shape[-1:])):
            size = int(np.prod(form))
            tensors.append(TensorInfo(name, tensor, form, offset, size))
            offset += size
        kind = "ConvolutionLayer" if name.startswith("conv") else "DenseLayer"
        activation = "softmax" if name == "dense3" else "relu"
        layers.append(LayerInfo(name, kind, activation, OUTPUTS[name], shape[-1]))
    default = {
        "network": "lenet",
        "optimizer": "sgd",
        "lr": 0.5,
        "batch_size": 128,
        "epochs": 3,
        "seed": 7,
        "steps": None,
        "convolution": "exact",
        "init": "report",
    }
    return RunInfo(
        tuple(tensors),
        tuple(layers),
        PRIOR,
        128,
        60_000,
        per_epoch,
        -(-steps // per_epoch),
        steps,
        7,
        {"optimizer": "OptimizerSGD", "learning_rate": 0.5},
        default if settings is None else settings,
        {"python": "3.12.1", "numpy": "2.0.0", "threads": 2, "data": "mnist 6bbc9ace"},
    )
