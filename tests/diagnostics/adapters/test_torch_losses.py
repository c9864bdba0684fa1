"""A TorchRecorder and losses of all kinds, and how runs end."""

from __future__ import annotations

import copy
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.errors import LogExistsError
from diagnostics.log.reader import open_run
from diagnostics.schema.task import Task
from lenet.errors import SettingsError
from lenet.hooks import Hook, StepEnd
from tests.helpers.torch_trainings import batches, load_torch, mlp, recorded, usual_step

pytestmark = pytest.mark.torch


def test_losses_with_weights_and_smoothing_have_the_plain_cross_entropy_beside_them(tmp_path: Path) -> None:
    torch = load_torch()
    plain: list[float] = []

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        with torch.no_grad():
            kept = y != 3
            plain.append(torch.nn.functional.cross_entropy(model(x)[kept], y[kept]).item())
        usual_step(model, optimizer, criterion, x, y)

    criterion = torch.nn.CrossEntropyLoss(
        weight=torch.tensor([1.0, 5.0, 1.0, 1.0]), label_smoothing=0.1, ignore_index=3
    )
    _, run = recorded(tmp_path / "run.h5", mlp(), batches(3), criterion=criterion, step=step)

    assert run.scalars("data_loss")[:, 0] == pytest.approx(plain, rel=1e-5)
    assert (run.scalars("loss")[:, 0] != run.scalars("data_loss")[:, 0]).all()
    assert (run.steps["samples"] < 8).any()


@pytest.mark.parametrize(
    ("loss", "outputs", "kind"),
    [("MSELoss", 2, "regression"), ("BCEWithLogitsLoss", 1, "binary"), ("HuberLoss", 2, "loss-only")],
)
def test_the_task_is_seen_from_the_criterion(tmp_path: Path, loss: str, outputs: int, kind: str) -> None:
    torch = load_torch()
    data = [(x, (x[:, :outputs] > 0).float()) for x, _ in batches(3)]
    model = torch.nn.Linear(6, outputs)
    _, run = recorded(tmp_path / "run.h5", model, data, criterion=getattr(torch.nn, loss)())

    assert run.info.task.kind == kind
    assert ("accuracy" in run.columns.names) == (kind == "binary")
    assert ("accuracy" in run.info.not_recorded) == (kind != "binary")


def test_a_loss_that_no_module_computes_is_told(tmp_path: Path) -> None:
    from diagnostics.adapters import TorchRecorder

    torch = load_torch()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watched = TorchRecorder(model, optimizer, tmp_path / "run.h5").attach()
    for x, y in batches(3):
        optimizer.zero_grad()
        logits = model(x)
        loss = torch.nn.functional.cross_entropy(logits, y)
        watched.observe(loss, logits, y)
        loss.backward()
        optimizer.step()
    watched.detach()
    watched.detach()

    run = open_run(tmp_path / "run.h5")
    assert (len(run), run.status, watched.status) == (3, "completed", "completed")
    assert run.info.task == Task.classes().with_targets(np.concatenate([y.numpy() for _, y in batches(3)]))
    with pytest.raises(SettingsError, match="criterion: an update came without a loss"):
        recorded(tmp_path / "none.h5", model, batches(1), step=lambda m, o, c, x, y: o.step())


def test_a_defect_ends_the_block_where_that_is_asked_for(tmp_path: Path) -> None:
    torch = load_torch()
    model = mlp()

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        usual_step(model, optimizer, criterion, x, y)
        if len(steps) == 5:
            with torch.no_grad():
                model[0].weight.fill_(math.nan)
        steps.append(1)

    steps: list[int] = []
    options = {"on_defect": "stop"}
    watched, run = recorded(tmp_path / "run.h5", model, batches(30), step=step, recorder=options, labels=np.arange(4))

    assert (watched.status, run.status, run.verdict) == ("stopped", "stopped", "diverged")
    assert len(steps) < 30
    assert watched.diagnosis is not None


def test_an_error_of_the_loop_is_the_run_s_and_the_log_is_closed(tmp_path: Path) -> None:
    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        usual_step(model, optimizer, criterion, x, y)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recorded(tmp_path / "run.h5", mlp(), batches(3), step=step)

    assert open_run(tmp_path / "run.h5").status == "interrupted"


def test_copies_and_files_of_a_watched_model_have_hooks_that_do_nothing(tmp_path: Path) -> None:
    torch = load_torch()
    kept: list[Any] = []

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        usual_step(model, optimizer, criterion, x, y)
        buffer = io.BytesIO()
        torch.save(model, buffer)
        buffer.seek(0)
        kept.extend([copy.deepcopy(model), torch.load(buffer, weights_only=False)])
        for one in kept:
            usual_step(one, torch.optim.SGD(one.parameters(), lr=0.1), torch.nn.CrossEntropyLoss(), x, y)

    _, run = recorded(tmp_path / "run.h5", mlp(), batches(3), step=step)

    assert len(run) == 3


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    from diagnostics.adapters import TorchRecorder

    torch = load_torch()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    cross_entropy = torch.nn.functional.cross_entropy
    with pytest.raises(
        SettingsError, match=r"criterion: received function, expected a torch\.nn\.Module; call observe"
    ):
        TorchRecorder(model, optimizer, criterion=cross_entropy)
    with pytest.raises(SettingsError, match=r"model: received SGD, expected a torch\.nn\.Module"):
        TorchRecorder(optimizer, optimizer)
    with pytest.raises(SettingsError, match=r"optimizer: received Sequential, expected a torch\.optim\.Optimizer"):
        TorchRecorder(model, model)
    with pytest.raises(SettingsError, match="hooks: received Arrays, which listens to on_gradients_ready"):
        TorchRecorder(model, optimizer, hooks=[Arrays()])
    (tmp_path / "kept.h5").write_bytes(b"")
    with pytest.raises(LogExistsError):
        TorchRecorder(model, optimizer, tmp_path / "kept.h5")
    watched = TorchRecorder(model, optimizer).attach()
    with pytest.raises(SettingsError, match="attach: called twice"):
        watched.attach()
    watched.detach()


def test_other_hooks_are_told_of_the_steps(tmp_path: Path) -> None:
    losses = Losses()
    _, run = recorded(tmp_path / "run.h5", mlp(), batches(4), hooks=[losses], every=2)

    assert len(run) == 2
    assert len(losses.seen) == 4


class Arrays(Hook):
    def on_gradients_ready(self, event: Any) -> None: ...


class Losses(Hook):
    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_step_end(self, event: StepEnd) -> None:
        self.seen.append(event.loss)
