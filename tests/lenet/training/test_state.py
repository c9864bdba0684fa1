"""The exact state: a run that was stopped, saved and continued gives the same bits as one that was not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenet import Hook, Model, StopTraining, load_state, save_state
from tests.helpers.resumed_run import STEPS_PER_EPOCH, make, train
from tests.helpers.small_models import OPTIMIZERS, Call, blobs, report_model, small_model
from tests.lenet.training.test_exactness import in_another_process

STOPS = (0, 1, STEPS_PER_EPOCH - 1, STEPS_PER_EPOCH, 2 * STEPS_PER_EPOCH + 2)


class Saver(Hook):
    """Saves the state after each of some steps, in the middle of a run."""

    def __init__(self, model: Model, folder: Path) -> None:
        self.model, self.folder, self.paths = model, folder, list[Path]()

    def save(self) -> None:
        self.paths.append(self.folder / f"{len(self.paths)}.npz")
        save_state(self.paths[-1], self.model.state())

    def on_run_start(self, event: Any) -> None:
        self.save()

    def on_step_end(self, event: Any) -> None:
        if event.step + 1 in STOPS:
            self.save()


@pytest.mark.parametrize(("optimizer", "report"), [*((one, False) for one in OPTIMIZERS), ("adam with all", True)])
def test_going_on_in_a_fresh_process_gives_bit_for_bit_what_never_stopping_gives(
    optimizer: str, report: bool, tmp_path: Path
) -> None:
    case = {"optimizer": optimizer, "report": report, "shuffle": True, "validate": True}
    model = make(case)
    saver = Saver(model, tmp_path)
    whole = train(model, case, [saver])
    parts = in_another_process(case, *saver.paths)

    assert len(parts) == len(STOPS)
    for stop, part in zip(STOPS, parts, strict=True):
        # A continued run announces the end of an epoch whose last step was made before.
        told = stop // STEPS_PER_EPOCH - (stop > 0 and stop % STEPS_PER_EPOCH == 0)
        assert part == {**whole, "epochs": whole["epochs"][told:], "validations": whole["validations"][told:]}


@pytest.mark.parametrize("stop", STOPS[1:])
def test_a_run_ended_by_steps_and_continued_tells_every_epoch_once(stop: int, tmp_path: Path) -> None:
    case = {"optimizer": "nesterov", "report": True}
    whole = train(make(case), case)
    first = make(case)
    before = train(first, case, steps=stop)
    save_state(tmp_path / "state.npz", first.state())
    [after] = in_another_process(case, tmp_path / "state.npz")

    assert before["steps"] == stop
    assert after["digest"] == whole["digest"]
    assert before["epochs"] + after["epochs"] == whole["epochs"]


@pytest.mark.parametrize(
    "event",
    ["on_step_start", "on_activations_ready", "on_gradients_ready", "on_update_done", "on_step_end", "on_epoch_end"],
)
@pytest.mark.parametrize("make_model", [small_model, report_model])
def test_a_run_stopped_by_a_hook_at_any_event_can_be_continued(event: str, make_model: Callable[..., Model]) -> None:
    X, y = blobs(64)
    options = {"epochs": 2, "batch_size": 16, "print_every": 0}
    whole, stopped, other = (make_model(optimizer=OPTIMIZERS["adam"]()) for _ in range(3))
    whole.train(X, y, **options)

    def stop(_: Any) -> None:
        raise StopTraining("enough")

    stopped.train(X, y, **options, hooks=[Call(event, stop, None if event == "on_epoch_end" else 2)])
    other.restore(stopped.state())
    other.train(X, y, **options)

    assert stopped.step == (4 if event == "on_epoch_end" else 3)
    assert other.digest() == whole.digest()


def test_a_double_precision_run_can_be_continued_too(tmp_path: Path) -> None:
    case = {"optimizer": "rmsprop", "report": True, "dtype": "float64"}
    model = make(case)
    saver = Saver(model, tmp_path)
    whole = train(model, case, [saver])

    assert {part["digest"] for part in in_another_process(case, *saver.paths)} == {whole["digest"]}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_trained_model_put_back_to_its_first_state_repeats_its_run(optimizer: str) -> None:
    case = {"optimizer": optimizer, "report": True}
    model = make(case)
    beginning = model.state()
    first = train(model, case)
    model.restore(beginning)

    assert train(model, case) == first


def test_a_state_is_a_copy_and_restoring_it_shares_nothing() -> None:
    case = {"optimizer": "adam", "report": True}
    model = make(case)
    train(model, case, steps=4)
    state = model.state()
    kept = {name: array.copy() for name, array in state.items()}
    other = make(case)
    other.restore(state)
    train(model, case)
    train(other, case)

    assert state.keys() == kept.keys()
    assert all(np.array_equal(state[name], kept[name]) for name in state)


def test_position_false_takes_the_weights_alone_and_starts_a_new_run() -> None:
    case = {"optimizer": "adam"}
    model = make(case)
    train(model, case)
    fresh = make({"optimizer": "sgd", "seed": 3})
    fresh.restore(model.state(), position=False)

    assert fresh.digest() == model.digest()
    assert (fresh.step, fresh.optimizer.iterations, fresh.seed) == (0, 0, 3)


def test_an_unfinished_write_leaves_the_old_state_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.npz"
    model = small_model()
    save_state(path, model.state())
    monkeypatch.setattr(np, "savez", lambda file, **arrays: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space left"):
        save_state(path, model.state())

    assert list(tmp_path.iterdir()) == [path]
    small_model().restore(load_state(path))
