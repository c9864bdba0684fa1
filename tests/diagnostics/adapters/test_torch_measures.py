"""What a TorchRecorder measures is what the tensors hold, on the host and elsewhere, and nothing is changed by it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.adapters import torch_tensors
from diagnostics.adapters.torch_outputs import CompiledOutputs
from diagnostics.adapters.torch_vector import StepVector
from tests.helpers.torch_trainings import CLASSES, batches, convolutions, load_torch, mlp, norms, recorded, usual_step

pytestmark = pytest.mark.torch


def test_values_gradients_updates_and_outputs_are_those_of_the_model(tmp_path: Path) -> None:
    torch, seen = load_torch(), []
    model = convolutions()

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        kernels = model[0].weight
        before, gradient = kernels.detach().clone(), kernels.grad.clone()
        with torch.no_grad():
            outputs = model[0](x).relu()
        optimizer.step()
        seen.append((before, gradient, kernels.detach() - before, outputs))

    watched, run = recorded(tmp_path / "run.h5", model, batches(3, 20, (1, 8, 8)), step=step)

    assert list(watched.found.index) == ["0", "4"]
    assert (watched.found["outputs"] == "measured").all()
    assert [(one.kind, one.activation, one.output_shape) for one in run.info.layers] == [
        ("Conv2d", "relu", (6, 6, 3)),
        ("Linear", None, (CLASSES,)),
    ]
    assert run.info.tensors[0].shape == (3, 3, 1, 3)
    for step_number, (before, gradient, update, outputs) in enumerate(seen):
        rows = run.tensors.loc[step_number, "0", "weights"]
        for kind, tensor in (("value", before), ("gradient", gradient), ("update", update)):
            x = tensor.double().numpy().ravel()
            expected = [x.mean(), x.std(), x.min(), x.max(), np.linalg.norm(x), (x == 0).mean(), 0]
            assert rows.loc[kind].to_numpy()[:7] == pytest.approx(expected, rel=1e-4, abs=1e-7)
        sample = outputs[:16, :, 1::2].numpy()
        row = run.activations.loc[step_number, "0"]
        assert row["mean"] == pytest.approx(sample.mean(), rel=1e-5)
        assert row["std"] == pytest.approx(sample.std(), rel=1e-4)
        assert row["zero_fraction"] == pytest.approx((sample == 0).mean())
        assert row["dead_fraction"] == (outputs.amax((0, 2, 3)) == 0).float().mean()


def test_a_device_that_is_not_the_host_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = batches(3, 20, (1, 8, 8))
    model = convolutions()
    twin = copy.deepcopy(model)
    with load_torch().no_grad():
        for one in (model, twin):
            one[0].bias[1] = -100.0  # silent for every input
    _, host = recorded(tmp_path / "host.h5", model, data)
    monkeypatch.setattr(torch_tensors, "measured", torch_tensors.DeviceTensors)
    monkeypatch.setattr("diagnostics.adapters.torch_plan.measured", torch_tensors.DeviceTensors)
    monkeypatch.setattr(StepVector, "is_host", staticmethod(lambda tensor: False))
    monkeypatch.setattr(CompiledOutputs, "fits", lambda self, output: False)
    _, device = recorded(tmp_path / "device.h5", twin, data)

    assert host.activations["dead_fraction"].loc[:, "0"].min() >= 1 / 3
    assert host.columns.names == device.columns.names
    names = [name for name in host.columns.names if name != "seconds"]
    np.testing.assert_allclose(host.block(names), device.block(names), rtol=2e-4, atol=1e-6)
    assert device.snapshots.steps.tolist() == host.snapshots.steps.tolist() == [0]


def test_large_tensors_are_measured_in_pieces_as_small_ones_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, model = batches(3), mlp()
    twin = copy.deepcopy(model)
    _, gathered = recorded(tmp_path / "gathered.h5", model, data)
    monkeypatch.setattr(torch_tensors, "SMALL", 8)
    _, in_pieces = recorded(tmp_path / "pieces.h5", twin, data)

    names = [name for name in gathered.columns.names if name != "seconds"]
    np.testing.assert_allclose(gathered.block(names), in_pieces.block(names), rtol=1e-4, atol=1e-7)


def test_double_precision_shows_updates_that_single_precision_would_lose(tmp_path: Path) -> None:
    torch = load_torch()
    model = mlp().double()
    data = [(x.double(), y) for x, y in batches(2)]
    _, run = recorded(tmp_path / "run.h5", model, data, optimizer=torch.optim.SGD(model.parameters(), lr=1e-9))

    gradient, update = norms(run, "gradient", "0/weights"), norms(run, "update", "0/weights")
    assert update == pytest.approx(1e-9 * gradient, rel=1e-4)


def test_nothing_is_changed_by_recording(tmp_path: Path) -> None:
    torch = load_torch()
    watched, plain = mlp(), None
    plain = copy.deepcopy(watched)
    recorded(tmp_path / "run.h5", watched, batches(5))
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1)
    for x, y in batches(5):
        usual_step(plain, optimizer, torch.nn.CrossEntropyLoss(), x, y)

    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), plain.parameters(), strict=True))
    assert not watched[0]._forward_hooks
    assert not watched._forward_pre_hooks
