"""A moment of a LeNet on MNIST against PyTorch: losses, the gradients of samples, and their shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.record.training import run_training
from diagnostics.replay import replay
from lenet import Settings, load_dataset
from tests.lenet.test_torch import Mirror, load

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("network", ["feedforward", "conv-pool", "lenet"])
def test_a_moment_agrees_with_pytorch(tmp_path: Path, network: str) -> None:
    torch = load()
    settings = Settings(network=network, limit=640, epochs=3, lr=0.1, seed=2)
    run_training(settings, tmp_path / "run.h5", dataset=load_dataset(limit=640))
    moment = replay(tmp_path / "run.h5").at(7)
    mirror = Mirror(moment.model)
    scores = mirror.scores(moment.images)
    labels = torch.tensor(moment.labels)
    losses = torch.nn.functional.cross_entropy(scores, labels, reduction="none")
    np.testing.assert_allclose(moment.losses, losses.detach().numpy(), rtol=1e-4, atol=1e-5)
    rows = {layer.name: moment.sample_gradients(layer.name) for layer in moment.layers}
    for i in (0, 1, 17, 127):
        found = torch.autograd.grad(losses[i] / len(labels), list(mirror.tensors.values()), retain_graph=True)
        theirs: dict[str, list[Any]] = {}
        for (layer, _), gradient in zip(mirror.tensors, found, strict=True):
            theirs.setdefault(layer, []).append(gradient.numpy().ravel())
        for layer, parts in theirs.items():
            expected = np.concatenate(parts)
            assert np.linalg.norm(rows[layer][i] - expected) <= 1e-4 * np.linalg.norm(expected) + 1e-9
    whole = torch.autograd.grad(losses.mean(), list(mirror.tensors.values()), retain_graph=True)
    total = np.concatenate([gradient.numpy().ravel() for gradient in whole]).astype(np.float64)
    assert np.linalg.norm(moment.gradient() - total) < 1e-5 * np.linalg.norm(total)
    together = np.concatenate([rows[layer.name] for layer in moment.layers], axis=1)
    np.testing.assert_allclose(moment.shares(), together @ total / (total @ total), atol=1e-5)
