"""A TorchRecorder around loops of all kinds, which stay as they are."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.adapters import torch_tensors
from tests.helpers.torch_trainings import CLASSES, batches, closure_step, load_torch, mlp, norms, recorded, usual_step

pytestmark = pytest.mark.torch


def test_accumulated_gradients_make_one_step_of_all_their_batches(tmp_path: Path) -> None:
    calls = 0

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        nonlocal calls
        calls += 1
        loss = criterion(model(x), y) / 3
        loss.backward()
        losses.append(3 * loss.item())
        if calls % 3 == 0:
            optimizer.step()
            optimizer.zero_grad()

    losses: list[float] = []
    _, run = recorded(tmp_path / "run.h5", mlp(), batches(9), step=step)

    assert len(run) == 3
    assert run.steps["samples"].tolist() == [24, 24, 24]
    assert run.steps["loss"].to_numpy() == pytest.approx(np.reshape(losses, (3, 3)).mean(1), rel=1e-5)


def test_mixed_precision_and_a_scaler_that_leaves_a_step_out(tmp_path: Path) -> None:
    torch = load_torch()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    calls = 0

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = criterion(model(x), y)
        scaler.scale(loss).backward()
        if calls == 2:
            model[0].weight.grad.fill_(math.inf)  # as an overflow does
        if calls > 3:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        scaler.step(optimizer)
        scaler.update()

    watched, run = recorded(tmp_path / "run.h5", mlp(), batches(6), step=step)

    assert len(run) == 5
    assert run.steps["samples"].tolist() == [8] * 5
    assert watched.found.loc["0", "activation"] == "relu"
    gradient, update = norms(run, "gradient", "0/weights"), norms(run, "update", "0/weights")
    assert update == pytest.approx(0.1 * gradient, rel=1e-3)
    assert gradient[0] < 10
    assert (gradient[2:] <= 0.01001).all()


def test_a_fused_optimiser_takes_off_the_scale_itself(tmp_path: Path) -> None:
    torch = load_torch()
    model, scaler = mlp(), torch.amp.GradScaler("cpu", init_scale=1024.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        optimizer.zero_grad()
        scaler.scale(criterion(model(x), y)).backward()
        scaler.step(optimizer)
        scaler.update()

    _, run = recorded(tmp_path / "run.h5", model, batches(3), optimizer=optimizer, step=step)

    gradient, update = norms(run, "gradient", "0/weights"), norms(run, "update", "0/weights")
    assert update == pytest.approx(0.1 * gradient, rel=1e-3)


def test_groups_of_parameters_have_rates_of_their_own_and_schedulers_are_followed(tmp_path: Path) -> None:
    torch = load_torch()
    model = mlp()
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[2].parameters(), "lr": 0.01}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        usual_step(model, optimizer, criterion, x, y)
        scheduler.step()

    _, run = recorded(tmp_path / "run.h5", model, batches(4), optimizer=optimizer, step=step)

    rates = run.tensors["rate"].unstack("kind")["update"].unstack("tensor")["weights"].unstack("layer")
    assert rates["0"].tolist() == pytest.approx([0.1, 0.1, 0.05, 0.05])
    assert rates["2"].tolist() == pytest.approx([0.01, 0.01, 0.005, 0.005])
    assert run.steps["learning_rate"].tolist() == pytest.approx([0.1, 0.1, 0.05, 0.05])
    assert norms(run, "update", "2/weights") == pytest.approx(
        np.array([0.01, 0.01, 0.005, 0.005]) * norms(run, "gradient", "2/weights"), rel=1e-3
    )


def test_several_optimisers_make_one_step_together(tmp_path: Path) -> None:
    torch = load_torch()
    model = mlp()
    first, second = torch.optim.SGD(model[0].parameters(), lr=0.1), torch.optim.Adam(model[2].parameters(), lr=0.01)
    calls = 0

    def step(model: Any, optimizers: Any, criterion: Any, x: Any, y: Any) -> None:
        nonlocal calls
        calls += 1
        model.zero_grad()
        criterion(model(x), y).backward()
        optimizers[0].step()
        if calls != 3:  # once the second makes no step
            optimizers[1].step()

    _, run = recorded(tmp_path / "run.h5", model, batches(5), optimizer=[first, second], step=step)

    assert len(run) == 5
    assert run.info.description["optimizer"] == "SGD, Adam"
    assert (norms(run, "update", "0/weights") > 0).all()
    assert (norms(run, "update", "2/weights") > 0).tolist() == [True, True, False, True, True]
    assert (norms(run, "gradient", "2/weights") > 0).tolist() == [True, True, False, True, True]  # thrown away


def test_batches_of_different_sizes_and_validations(tmp_path: Path) -> None:
    torch = load_torch()
    data = [batches(1, size)[0] for size in (8, 5, 8, 5)]
    calls = 0

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        nonlocal calls
        calls += 1
        usual_step(model, optimizer, criterion, x, y)
        if calls == 2:
            model.eval()
            with torch.no_grad():
                for part in (x, x):
                    criterion(model(part), y)
            model.train()

    labels = torch.cat([y for _, y in data[:2]]).numpy()
    _, run = recorded(tmp_path / "run.h5", mlp(), data, step=step, labels=labels, epochs=2)

    assert run.steps["samples"].tolist() == [8, 5, 8, 5]
    assert run.steps["epoch"].tolist() == [1, 1, 2, 2]
    assert run.validations[["epoch", "step", "samples"]].to_numpy().tolist() == [[1, 1, 10]]
    assert run.info.prior == pytest.approx(np.bincount(labels, minlength=CLASSES) / 13)
    assert run.epochs.loc[1, "validation_loss"] == pytest.approx(run.validations["loss"].iloc[0])


def test_validations_that_are_differentiated_belong_to_the_step_before_also_at_the_end(tmp_path: Path) -> None:
    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        usual_step(model, optimizer, criterion, x, y)
        model.eval()
        for part in (x, x):
            criterion(model(part), y)
        model.train()

    _, run = recorded(tmp_path / "run.h5", mlp(), batches(3), step=step)

    assert run.validations[["step", "samples"]].to_numpy().tolist() == [[step, 16] for step in range(3)]
    assert run.steps["samples"].tolist() == [8] * 3


def test_steps_that_nobody_listens_to_are_counted_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    original = torch_tensors.HostTensors.before
    monkeypatch.setattr(
        torch_tensors.HostTensors, "before", lambda self, *rest: (taken.append(1), original(self, *rest))[1]
    )
    _, run = recorded(tmp_path / "run.h5", mlp(), batches(10), every=4)

    assert run.index["step"].tolist() == [0, 4, 8]
    assert run.header.log_every == 4
    assert run.steps_made == 10
    assert len(taken) == 3


def test_an_optimiser_that_runs_the_model_itself(tmp_path: Path) -> None:
    torch = load_torch()
    model = mlp()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=2)

    _, run = recorded(tmp_path / "run.h5", model, batches(3), optimizer=optimizer, step=closure_step)

    assert len(run) == 3
    assert (norms(run, "gradient", "0/weights") > 0).all()
    assert (norms(run, "update", "0/weights") > 0).all()
