"""A TorchRecorder in loops as other people write them: what is recorded is what they train."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from diagnostics.errors import LogError
from diagnostics.log.reader import open_run
from tests.helpers.torch_trainings import CLASSES, batches, closure_step, load_torch, mlp, norms, recorded, usual_step

pytestmark = pytest.mark.torch
Step = Callable[[Any, Any, Any, Any, Any], None]


def sgd(model: Any, rate: float = 0.1) -> Any:
    return load_torch().optim.SGD(model.parameters(), lr=rate)


def test_two_networks_that_share_a_criterion_have_losses_of_their_own(tmp_path: Path) -> None:
    from diagnostics.adapters import TorchRecorder

    torch = load_torch()
    maker, critic = torch.nn.Linear(3, 6), torch.nn.Sequential(torch.nn.Linear(6, 1), torch.nn.Sigmoid())
    made_by, judged_by = sgd(maker), sgd(critic)
    criterion = torch.nn.BCELoss()
    expected: dict[str, list[float]] = {"maker": [], "critic": []}
    with (
        TorchRecorder(maker, made_by, tmp_path / "maker.h5", criterion=criterion),
        TorchRecorder(critic, judged_by, tmp_path / "critic.h5", criterion=criterion),
    ):
        for x, _ in batches(4):
            critic.zero_grad(set_to_none=False)
            real = criterion(critic(x), torch.ones(8, 1))
            real.backward()
            fake = maker(torch.randn(8, 3))
            false = criterion(critic(fake.detach()), torch.zeros(8, 1))
            false.backward()
            judged_by.step()
            maker.zero_grad(set_to_none=False)
            taken = criterion(critic(fake), torch.ones(8, 1))
            taken.backward()
            made_by.step()
            expected["critic"].append((real.item() + false.item()) / 2)
            expected["maker"].append(taken.item())

    for name, losses in expected.items():
        assert open_run(tmp_path / f"{name}.h5").scalars("loss")[:, 0] == pytest.approx(losses, rel=1e-5)


def accumulate(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
    """Three batches a step, the first layer frozen."""
    model.calls = getattr(model, "calls", 0) + 1
    (criterion(model(x), y) / 3).backward()
    if model.calls % 3 == 0:
        optimizer.step()
        optimizer.zero_grad()


def leave_out(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
    """As a GradScaler leaves out a step, with gradients that are filled with 0."""
    model.calls = getattr(model, "calls", 0) + 1
    optimizer.zero_grad(set_to_none=False)
    criterion(model(x), y).backward()
    if model.calls % 3 == 0:
        optimizer.step()


def adapt(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
    """An inner step whose loss is differentiated for itself."""
    torch = load_torch()
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    inner = torch.autograd.grad(
        criterion(model(x), y), [model.get_parameter(name) for name in names], create_graph=True
    )
    moved = {name: model.get_parameter(name) - step for name, step in zip(names, inner, strict=True)}
    optimizer.zero_grad()
    criterion(torch.func.functional_call(model, moved, (x,)), y).backward()
    optimizer.step()


def set_gradients(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
    """Gradients that the loop sets itself."""
    parameters = list(model[2].parameters())
    found = load_torch().autograd.grad(criterion(model(x), y), parameters)
    for parameter, gradient in zip(parameters, found, strict=True):
        parameter.grad = gradient
    optimizer.step()


def part_by_part(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
    """Two losses of one forward pass, in two backward passes."""
    optimizer.zero_grad()
    outputs = model(x)
    criterion(outputs, y).backward(retain_graph=True)
    criterion(outputs, y.flip(0)).backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("step", "samples"),
    [
        (accumulate, [24] * 2),
        (leave_out, [8] * 2),
        (adapt, [8] * 6),
        (set_gradients, [8] * 6),
        (part_by_part, [8] * 6),
    ],
)
def test_losses_whose_gradients_are_in_the_update_belong_to_the_step(
    tmp_path: Path, step: Step, samples: list[int]
) -> None:
    model = mlp()
    model[0].requires_grad_(False)

    _, run = recorded(tmp_path / "run.h5", model, batches(6), step=step, optimizer=sgd(model))

    assert run.steps["samples"].tolist() == samples


def test_an_optimiser_that_runs_the_model_in_the_first_step_too_has_outputs(tmp_path: Path) -> None:
    torch, model = load_torch(), mlp()
    twin = copy.deepcopy(model)

    watched, run = recorded(tmp_path / "run.h5", model, batches(3), step=closure_step)
    _, usual = recorded(tmp_path / "usual.h5", twin, batches(3), step=usual_step)

    assert watched.found["outputs"].tolist() == ["measured"] * 2
    names = [name for name in run.columns.names if name != "seconds"]
    assert names == [name for name in usual.columns.names if name != "seconds"]
    np.testing.assert_array_equal(run.block(names), usual.block(names))
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), twin.parameters(), strict=True))


def test_steps_that_call_the_step_of_their_base_count_once(tmp_path: Path) -> None:
    torch, model = load_torch(), mlp()
    sgd(model)  # its class now calls the hooks, too

    class ShrinkingSteps(torch.optim.SGD):  # type: ignore[misc]
        def step(self, closure: Any = None) -> None:
            super().step(closure)
            with torch.no_grad():
                model[0].weight.mul_(0.5)

    _, run = recorded(
        tmp_path / "run.h5", model, batches(4), optimizer=ShrinkingSteps(model.parameters(), lr=0.1), every=2
    )

    assert run.index["step"].tolist() == [0, 2]
    assert run.steps_made == 4
    assert (norms(run, "update", "0/weights") > 0.4 * norms(run, "value", "0/weights")).all()


def test_wrapped_optimisers_are_followed_to_the_one_that_makes_the_updates(tmp_path: Path) -> None:
    from diagnostics.adapters import TorchRecorder

    model = mlp()
    wrapped = SimpleNamespace(_optimizer=sgd(model))
    criterion = load_torch().nn.CrossEntropyLoss()
    with TorchRecorder(model, wrapped, tmp_path / "run.h5", criterion=criterion):
        for x, y in batches(3):
            usual_step(model, wrapped._optimizer, criterion, x, y)

    assert len(open_run(tmp_path / "run.h5")) == 3


def test_a_run_without_steps_new_parameters_and_an_optimiser_that_takes_over_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def replaced(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        model.calls = getattr(model, "calls", 0) + 1
        usual_step(model, optimizer if model.calls < 3 else sgd(model), criterion, x, y)

    recorded(tmp_path / "replaced.h5", mlp(), batches(6), step=replaced)
    assert "no recorded optimiser made a step after the last 4 backward passes" in caplog.text

    def grown(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        usual_step(model, optimizer, criterion, x, y)
        model[2] = load_torch().nn.Linear(5, CLASSES)
        optimizer.add_param_group({"params": list(model[2].parameters())})

    recorded(tmp_path / "grown.h5", mlp(), batches(3), step=grown)
    assert caplog.text.count("2.weight, 2.bias: came after the first step") == 1
    with pytest.raises(LogError, match="no such file"):
        recorded(tmp_path / "none.h5", mlp(), [], step=usual_step)
    assert "ended before the first step, so nothing was recorded" in caplog.text


def test_calls_of_the_model_that_are_not_of_the_training_are_not_recorded(tmp_path: Path) -> None:
    torch = load_torch()
    model = mlp()

    def looked_at(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        model.eval()
        criterion(model(x + 100), y)
        model.train()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.jit.trace(model, x + 100, check_trace=False)
        held = {name: one.detach() for name, one in model.named_parameters()}

        def loss_of(parameters: Any, row: Any, target: Any) -> Any:
            return criterion(torch.func.functional_call(model, parameters, (row[None],)), target[None])

        torch.func.vmap(torch.func.grad(loss_of), in_dims=(None, 0, 0))(held, x, y)
        usual_step(model, optimizer, criterion, x, y)

    twin = copy.deepcopy(model)
    _, run = recorded(tmp_path / "run.h5", model, batches(2), step=looked_at)
    _, usual = recorded(tmp_path / "usual.h5", twin, batches(2))

    names = [name for name in run.columns.names if name != "seconds"]
    np.testing.assert_array_equal(run.block(names), usual.block(names))


def test_layers_within_checkpoints_have_their_order_and_their_functions(tmp_path: Path) -> None:
    torch = load_torch()
    from torch.utils.checkpoint import checkpoint

    class Saving(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.second = torch.nn.Linear(5, CLASSES), torch.nn.Linear(5, 5)
            self.first = torch.nn.Linear(6, 5)

        def forward(self, x: Any) -> Any:
            x = checkpoint(lambda x: torch.relu(self.first(x)), x.requires_grad_(), use_reentrant=True)
            return self.last(checkpoint(lambda x: torch.tanh(self.second(x)), x, use_reentrant=True))

    watched, _ = recorded(tmp_path / "run.h5", Saving(), batches(2))

    assert watched.found["activation"].to_dict() == {"first": "relu", "second": "tanh", "last": "none"}


def test_numbers_that_are_float64_by_default(tmp_path: Path) -> None:
    torch = load_torch()
    torch.set_default_dtype(torch.float64)
    try:
        _, run = recorded(tmp_path / "run.h5", mlp(), [(x.double(), y) for x, y in batches(2)])
        _, small = recorded(tmp_path / "small.h5", mlp().float(), [(x.float(), y) for x, y in batches(2)])
    finally:
        torch.set_default_dtype(torch.float32)

    assert norms(run, "update", "0/weights") == pytest.approx(norms(small, "update", "0/weights"), rel=1e-4)


def test_an_error_of_the_recorder_ends_the_recording_and_not_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from diagnostics.adapters.torch_plan import StepPlan

    def fail(*ignored: object) -> None:
        raise KeyError("broken")

    def step(model: Any, optimizer: Any, criterion: Any, x: Any, y: Any) -> None:
        usual_step(model, optimizer, criterion, x, y)
        steps.append(1)
        if len(steps) == 2:
            monkeypatch.setattr(StepPlan, "take_output", fail)

    steps: list[int] = []
    watched, run = recorded(tmp_path / "run.h5", mlp(), batches(5), step=step)

    assert (len(steps), len(run), run.status, watched.status) == (5, 2, "failed", "failed")
    assert "the recording ends at step 2: KeyError: 'broken'" in caplog.text
