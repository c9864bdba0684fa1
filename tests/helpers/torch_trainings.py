"""Small PyTorch trainings that a recorder looks at. Nothing here imports PyTorch before it is used."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diagnostics.log.reader import open_run
from diagnostics.run.run import Run

CLASSES = 4


def load_torch() -> Any:
    """PyTorch on one thread, imported by the first test that needs it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return torch


def batches(count: int, size: int = 8, shape: Sequence[int] = (6,)) -> list[tuple[Any, Any]]:
    """Random inputs, and classes that follow from them."""
    torch = load_torch()
    generator = torch.Generator().manual_seed(1)
    found = []
    for _ in range(count):
        x = torch.randn(size, *shape, generator=generator)
        found.append((x, x.reshape(size, -1)[:, :CLASSES].argmax(1)))
    return found


def mlp(*, bias: bool = True) -> Any:
    """Two linear layers, with or without biases."""
    nn = load_torch().nn
    return nn.Sequential(nn.Linear(6, 5, bias=bias), nn.ReLU(), nn.Linear(5, CLASSES, bias=bias))


def convolutions() -> Any:
    """A convolution and a linear layer, for images of 8 x 8."""
    nn = load_torch().nn
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(inplace=True), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(27, CLASSES)
    )


def recorded(
    path: Path,
    model: Any,
    data: Sequence[tuple[Any, Any]],
    *,
    optimizer: Any = None,
    criterion: Any = None,
    step: Callable[[Any, Any, Any, Any, Any], None] | None = None,
    **options: Any,
) -> tuple[Any, Run]:
    """Train on the batches with a recorder, and open the log.

    step: called with model, optimiser, criterion and a batch instead of the usual four lines.
    """
    from diagnostics.adapters import TorchRecorder

    torch = load_torch()
    if optimizer is None:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = criterion or torch.nn.CrossEntropyLoss()
    recorder = {"overwrite": True, **options.pop("recorder", {})}
    with TorchRecorder(model, optimizer, path, criterion=criterion, recorder=recorder, **options) as watched:
        for x, y in data:
            (step or usual_step)(model, optimizer, criterion, x, y)
    return watched, open_run(path)


def usual_step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
    optimizer.zero_grad()
    criterion(model(x), y).backward()
    optimizer.step()


def norms(run: Run, kind: str, path: str) -> Any:
    """The norm of one tensor, as layer/tensor, over the steps of a run."""
    layer, tensor = path.rsplit("/", 1)
    column = run.columns.find(f"{layer}/{tensor}/{kind}/norm")
    return None if column is None else run.block([column])[:, 0].astype(np.float64)


def closure_step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
    """A step whose optimiser runs the model itself."""

    def closure() -> Any:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)
