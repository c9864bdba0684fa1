"""Branches: trainings that go on from a replayed state."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics import open_run
from diagnostics.replay import Branch, Moment, replay
from lenet import Model
from lenet.training.order import as_they_lie, shuffled
from tests.helpers.logged_runs import BATCH, SAMPLES, STEPS, STEPS_PER_EPOCH, data, logged, same_state
from tests.helpers.small_models import Call


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, Any]]:
    log = tmp_path_factory.mktemp("run") / "run.h5"
    return log, logged(log, {"optimizer": "momentum"}).states


def at(run: tuple[Path, dict[int, Any]], step: int) -> Moment:
    return replay(run[0], data()).at(step)


def without_times(log: Path, rows: Any) -> Any:
    return np.asarray(rows)[:, [i for i, c in enumerate(open_run(log).columns) if c.statistic != "seconds"]]


def test_a_branch_and_the_replay_before_it_are_freed_without_the_garbage_collector(run: Any) -> None:
    replayed = replay(run[0], data())
    gc.disable()
    try:
        before = {id(one) for one in gc.get_objects() if isinstance(one, Model)}
        branch = Branch(replayed.at(6), 1)
        branch.train()
        del branch

        assert {id(one) for one in gc.get_objects() if isinstance(one, Model)} <= before
    finally:
        gc.enable()


@pytest.mark.parametrize("step", [0, 6, STEPS - 1])
@pytest.mark.parametrize("pieces", [1, 2])
def test_a_branch_without_a_change_has_the_rows_of_the_log(run: Any, step: int, pieces: int) -> None:
    branch = Branch(at(run, step))
    if pieces == 2:
        branch.train(step + 1)
    branch.train()
    assert branch.steps == list(range(step, STEPS))
    logged_rows = open_run(run[0]).block(first=step)
    np.testing.assert_array_equal(without_times(run[0], branch.rows), without_times(run[0], logged_rows))
    assert branch.model.digest() == open_run(run[0]).header.digest_end
    assert (branch.status, branch.reason) == ("completed", "")


def test_the_detector_of_a_branch_has_seen_the_rows_before_it(run: Any) -> None:
    branch = Branch(at(run, 6))
    branch.train()
    told, logged_run = branch.diagnosis(), open_run(run[0])
    assert told.verdict == logged_run.verdict
    assert told.steps == STEPS
    assert [f.first_step for f in told.findings] == [f.first_step for f in logged_run.diagnosis.findings]
    first, second = Branch(at(run, 6)), Branch(at(run, 6))
    first.train()
    assert second.detector.finish().steps == 6  # each has a detector of its own


def test_one_seed_is_one_order_and_the_past_of_the_epoch_stays(run: Any) -> None:
    seen: dict[int, list[Any]] = {}
    for seed in (1, 1, 2):
        branch = Branch(at(run, 7), order=seed)
        assert branch.order is not None
        seen.setdefault(seed, []).append(branch.order(2))
        branch.train()
        seen[seed].append(branch.model.digest())
    assert seen[1][1] == seen[1][3] != seen[2][1]
    logged_order = shuffled(7, SAMPLES)(2)
    assert logged_order is not None
    for order in (seen[1][0], seen[2][0]):
        assert np.array_equal(order[: 2 * BATCH], logged_order[: 2 * BATCH])
        assert not np.array_equal(order[2 * BATCH :], logged_order[2 * BATCH :])


def test_an_update_can_be_left_out_or_scaled(run: Any) -> None:
    moment = at(run, 6)
    left_out = Branch(moment)
    left_out.scale_updates({6: 0.0, 8: 0.5})
    seen: dict[int, Any] = {}
    keep = Call("on_step_start", lambda event: seen.update({event.step: left_out.model.state()}))
    left_out.train(10, hooks=[keep])
    assert np.array_equal(seen[7]["parameters"], seen[6]["parameters"])
    assert not np.array_equal(seen[7]["optimizer/velocity"], seen[6]["optimizer/velocity"])  # the batch was consumed
    other = Branch(moment)
    other.scale_updates({6: 0.0})
    later: dict[int, Any] = {}
    other.train(10, hooks=[Call("on_step_start", lambda event: later.update({event.step: other.model.state()}))])
    assert same_state(seen[8], later[8])
    whole = later[9]["parameters"] - later[8]["parameters"]
    np.testing.assert_allclose(seen[9]["parameters"] - seen[8]["parameters"], 0.5 * whole, atol=1e-6)
    column = open_run(run[0]).columns.names.index("dense1/weights/update/norm")
    assert left_out.rows[0][column] == 0.0  # what is logged is the update that was made


def test_factors_of_one_change_nothing(run: Any) -> None:
    branch = Branch(at(run, 6))
    branch.scale_updates(dict.fromkeys(range(STEPS), 1.0))
    branch.train()
    assert branch.model.digest() == open_run(run[0]).header.digest_end


def test_a_batch_can_be_swapped_for_another(run: Any) -> None:
    moment, fed = at(run, 6), []
    others = np.arange(BATCH)
    branch = Branch(moment)
    branch.swap_batch(8, others)
    take = Call("on_activations_ready", lambda event: fed.append(np.concatenate(event.outputs["input"]).copy()))
    branch.train(10, hooks=[take])
    X, _ = data()
    order = shuffled(7, SAMPLES)(2)
    assert order is not None
    for step, images in zip((6, 7, 8, 9), fed, strict=True):
        place = step % STEPS_PER_EPOCH * BATCH
        expected = others if step == 8 else order[place : place + BATCH]
        assert np.array_equal(images, X[expected])


def test_a_run_as_it_lies_can_have_a_batch_swapped(tmp_path: Path) -> None:
    logged(tmp_path / "run.h5", {"shuffle": False})
    branch = Branch(replay(tmp_path / "run.h5", data()).at(2), order=as_they_lie)
    branch.swap_batch(3, np.zeros(BATCH, int))
    assert branch.order is not None
    samples = branch.order(1)
    assert samples is not None
    assert np.array_equal(samples[3 * BATCH : 4 * BATCH], np.zeros(BATCH))
    assert branch.order(2) is None


def test_a_branch_ends_as_soon_as_it_is_decided(run: Any) -> None:
    branch = Branch(at(run, 3))
    branch.train(decide=lambda detector: "enough" if detector.symptoms.steps == 9 else None)
    assert branch.steps[-1] == 8
    assert (branch.status, branch.reason) == ("stopped", "enough")


def test_a_setting_can_be_changed_from_the_branch_on(run: Any) -> None:
    branch = Branch(at(run, 6))
    branch.model.optimizer.learning_rate *= 0.1
    branch.train(8)
    logged_rows = open_run(run[0]).block(["dense1/weights/update/norm"], first=6)[:, 0]
    column = open_run(run[0]).columns.names.index("dense1/weights/update/norm")
    assert branch.rows[0][column] == pytest.approx(0.1 * logged_rows[0], rel=1e-4)
