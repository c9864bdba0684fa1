"""A TorchRecorder and criterions as other people call them: the loss of the log is the one that was differentiated."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.log.reader import open_run
from diagnostics.run.run import Run
from diagnostics.schema.task import Task
from tests.helpers.torch_trainings import CLASSES, batches, load_torch, mlp, recorded

pytestmark = pytest.mark.torch
Step = Callable[[Any, Any, Any, Any, Any], None]


def sgd(model: Any, rate: float = 0.1) -> Any:
    return load_torch().optim.SGD(model.parameters(), lr=rate)


def told(path: Path, model: Any, data: Any, losses: Callable[[Any, Any], tuple[Any, Any, Any]], **options: Any) -> Run:
    """Train with losses that the loop tells; ``losses`` returns loss, outputs and targets of a batch."""
    from diagnostics.adapters import TorchRecorder

    optimizer = sgd(model)
    with TorchRecorder(model, optimizer, path, **options) as recorder:
        for x, y in data:
            optimizer.zero_grad()
            loss, outputs, targets = losses(x, y)
            recorder.observe(loss, outputs, targets)
            if getattr(loss, "requires_grad", False):
                loss.backward()
            optimizer.step()
    return open_run(path)


def calls_of_criterions() -> dict[str, tuple[Any, Callable[[Any, Any, Any], Any], Callable[[Any, Any], Any]]]:
    """By name a criterion, how it is called with outputs and classes, and what the log ought to have as the loss."""
    nn, functional = load_torch().nn, load_torch().nn.functional

    class Pair(nn.Module):
        def forward(self, outputs: Any, targets: Any) -> Any:
            return functional.cross_entropy(outputs, targets), outputs.mean()

    def masked(criterion: Any, outputs: Any, y: Any) -> Any:
        return (criterion(outputs, y) * (y != 2)).sum() / (y != 2).sum()

    def kept(outputs: Any, y: Any) -> Any:
        return functional.cross_entropy(outputs[y != 2], y[y != 2])

    def mixed(criterion: Any, outputs: Any, y: Any) -> Any:
        return 0.7 * criterion(outputs, y) + 0.3 * criterion(outputs, y.flip(0))

    entropy = nn.CrossEntropyLoss()
    return {
        "named, the targets first": (entropy, lambda c, o, y: c(target=y, input=o), functional.cross_entropy),
        "a tuple": (Pair(), lambda c, o, y: c(o, y)[0], functional.cross_entropy),
        "mixed labels": (entropy, mixed, lambda o, y: mixed(functional.cross_entropy, o, y)),
        "the mean of a part": (nn.CrossEntropyLoss(reduction="none"), masked, kept),
    }


@pytest.mark.parametrize("name", ["named, the targets first", "a tuple", "mixed labels", "the mean of a part"])
def test_the_loss_is_the_one_that_was_differentiated(tmp_path: Path, name: str) -> None:
    criterion, call, expected = calls_of_criterions()[name]
    losses: list[float] = []

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        optimizer.zero_grad()
        outputs = model(x)
        losses.append(expected(outputs, y).item())
        (1024 * call(criterion, outputs, y)).backward()  # as a GradScaler does
        for parameter in model.parameters():
            parameter.grad /= 1024
        optimizer.step()

    _, run = recorded(tmp_path / "run.h5", mlp(), batches(3), criterion=criterion, step=step)

    assert run.scalars("loss")[:, 0] == pytest.approx(losses, rel=1e-5)
    assert run.info.task.kind == "classes"
    assert (run.steps["samples"] <= 8).all()


def test_targets_that_come_before_the_outputs_are_still_the_targets(tmp_path: Path) -> None:
    torch = load_torch()
    data = [(x, x[:, :1] + 5) for x, _ in batches(3)]

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        optimizer.zero_grad()
        criterion(y, model(x)).backward()
        optimizer.step()

    _, run = recorded(tmp_path / "run.h5", torch.nn.Linear(6, 1), data, criterion=torch.nn.MSELoss(), step=step)

    assert run.info.task.guessing_loss == pytest.approx(float(torch.cat([y for _, y in data]).var(correction=0)))
    assert run.activations.loc[(0, "linear"), "mean"] != 0  # a model that is one layer has its outputs


def test_a_told_loss_that_is_no_plain_entropy_has_the_entropy_beside_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from diagnostics.adapters import TorchRecorder

    functional, model = load_torch().nn.functional, mlp()
    entropies: list[float] = []

    def losses(x: Any, y: Any) -> tuple[Any, Any, Any]:
        outputs = model(x)
        entropies.append(functional.cross_entropy(outputs, y).item())
        return functional.cross_entropy(outputs, y, reduction="sum"), outputs, y

    run = told(tmp_path / "run.h5", model, batches(3), losses)

    with TorchRecorder(model, optimizer := sgd(model), tmp_path / "late.h5") as recorder:
        for x, y in batches(2):
            optimizer.zero_grad()
            loss, outputs, _ = losses(x, y)
            loss.backward()
            recorder.observe(loss, outputs, y)
            optimizer.step()

    assert open_run(tmp_path / "late.h5").scalars("data_loss")[:, 0] == pytest.approx(entropies[3:], rel=1e-5)
    entropies = entropies[:3]
    assert run.scalars("data_loss")[:, 0] == pytest.approx(entropies, rel=1e-5)
    assert run.scalars("loss")[:, 0] == pytest.approx(np.array(entropies) * 8, rel=1e-5)
    assert caplog.text.count("is not the mean cross-entropy of outputs and targets") == 2


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_losses_that_a_loop_keeps_hold_no_outputs(tmp_path: Path, reduction: str) -> None:
    kept: list[Any] = []

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        optimizer.zero_grad()
        outputs = model(x)
        loss = criterion(outputs, y)
        loss.mean().backward()
        optimizer.step()
        kept.append((loss, weakref.ref(outputs)))

    criterion = load_torch().nn.CrossEntropyLoss(reduction=reduction)
    recorded(tmp_path / "run.h5", mlp(), batches(3), criterion=criterion, step=step)

    assert [outputs() for _, outputs in kept] == [None] * 3


def test_a_told_number_is_the_loss_of_the_step(tmp_path: Path) -> None:
    torch, model = load_torch(), mlp()
    numbers: list[float] = []

    def losses(x: Any, y: Any) -> tuple[Any, Any, Any]:
        def loss_of(parameters: Any) -> Any:
            return torch.nn.functional.cross_entropy(torch.func.functional_call(model, parameters, (x,)), y)

        gradients, loss = torch.func.grad_and_value(loss_of)({n: p.detach() for n, p in model.named_parameters()})
        for name, parameter in model.named_parameters():
            parameter.grad = gradients[name]
        numbers.append(loss.item())
        return numbers[-1], None, None

    run = told(tmp_path / "run.h5", model, batches(3), losses)

    assert run.scalars("loss")[:, 0] == pytest.approx(numbers, rel=1e-5)
    assert run.validations.empty


def test_probabilities_and_weights_of_yes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch = load_torch()
    functional, model = torch.nn.functional, torch.nn.Sequential(torch.nn.Linear(6, 1), torch.nn.Sigmoid())
    data = [(x, (x[:, :1] > 1).float()) for x, _ in batches(3)]
    right: list[float] = []

    def losses(x: Any, y: Any) -> tuple[Any, Any, Any]:
        outputs = model(x)
        right.append(float(((outputs > 0.5) == (y > 0.5)).float().mean()))
        return functional.binary_cross_entropy(outputs, y), outputs, y

    run = told(tmp_path / "run.h5", model, data, losses, task=Task.binary())
    heavy = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor([9.0]))
    _, weighed = recorded(tmp_path / "heavy.h5", torch.nn.Linear(6, 1), data, criterion=heavy)

    assert run.steps["accuracy"].tolist() == pytest.approx(right)
    assert "cross-entropy" not in caplog.text
    assert (weighed.scalars("loss") > 1.2 * weighed.scalars("data_loss")).all()


@pytest.mark.parametrize("sides", [5, CLASSES])
def test_a_model_of_language_has_its_classes_on_the_last_axis(tmp_path: Path, sides: int) -> None:
    torch = load_torch()
    model = torch.nn.Sequential(torch.nn.Embedding(CLASSES, 6), torch.nn.Linear(6, CLASSES))
    tokens = torch.randint(0, CLASSES, (3, 8, sides))
    targets = tokens.flip(2)
    targets[:, 0, 0] = -1
    right: list[float] = []

    def losses(x: Any, y: Any) -> tuple[Any, Any, Any]:
        outputs = model(x)
        right.append(float((outputs.argmax(-1) == y)[y >= 0].float().mean()))
        flat = torch.nn.functional.cross_entropy(outputs.view(-1, CLASSES), y.reshape(-1), ignore_index=-1)
        return flat, outputs, y

    run = told(tmp_path / "run.h5", model, list(zip(tokens, targets, strict=True)), losses)

    assert run.steps["accuracy"].tolist() == pytest.approx(right)
    assert run.steps["samples"].tolist() == [8 * sides - 1] * 3
    assert sum(run.info.prior) == pytest.approx(1)


def test_the_criterion_of_sequences_is_of_no_classes(tmp_path: Path) -> None:
    torch = load_torch()

    class SpeechReader(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = torch.nn.Linear(6, 5)

        def forward(self, x: Any) -> Any:
            return self.head(x.expand(7, 8, 6)).log_softmax(2)

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        optimizer.zero_grad()
        lengths = torch.full((8,), 7), torch.full((8,), 2)
        criterion(model(x), torch.stack([y, y], 1) % 4 + 1, *lengths).backward()
        optimizer.step()

    _, run = recorded(tmp_path / "run.h5", SpeechReader(), batches(3), criterion=torch.nn.CTCLoss(), step=step)

    assert (run.info.task.kind, run.info.batch_size) == ("loss-only", 8)
