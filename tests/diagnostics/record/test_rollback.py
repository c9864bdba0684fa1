"""A run that dies is turned back: which rows are undone, what it goes on with, and that it ends."""

from __future__ import annotations

import itertools
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from diagnostics import Recorder, open_run
from diagnostics.detect.findings import Verdict
from diagnostics.log.checkpoints import CheckpointRing
from diagnostics.log.names import checkpoint_folder
from diagnostics.record.rollback import settings_at
from diagnostics.run.export import export_run
from diagnostics.run.usual import usual_gradient_norm
from diagnostics.schema.rollback import Rollback
from tests.helpers.forked import run as run_program
from tests.helpers.rollback_trainings import (
    EPOCHS,
    QUICK,
    STAGES,
    STEPS,
    STEPS_ASKED,
    recorder_of,
    resumed,
    same_rows,
    turned_back,
)
from tests.helpers.small_trainings import small_model, train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rollback")


@pytest.fixture(scope="module")
def twice(folder: Path) -> Any:
    """A run that dies twice of a learning rate of 4, and lives with 1."""
    return turned_back(folder / "twice.h5")


def test_the_run_has_each_step_once_and_the_undone_rows_stay_in_the_log(twice: Any) -> None:
    first, second = twice.rollbacks
    recorded = twice.source.recorded.index()["step"].tolist()

    assert twice.index["step"].tolist() == list(range(STEPS_ASKED))
    assert recorded == [
        *range(first.last_step + 1),
        *range(first.step, second.last_step + 1),
        *range(second.step, STEPS_ASKED),
    ]
    assert [one.undone_steps for one in twice.rollbacks] == [one.last_step + 1 - one.step for one in (first, second)]


def test_it_counts_as_rescued_and_says_where_it_was_turned_back_and_with_what(twice: Any) -> None:
    told = twice.diagnosis.to_json()

    assert twice.verdict is Verdict.RESCUED
    assert twice.verdict.is_defect
    assert not twice.verdict.is_survivor
    assert [(one["remedy"], one["setting"], one["value"]) for one in told["rollbacks"]] == [
        ("half-rate", "lr", 2.0),
        ("half-rate", "lr", 1.0),
    ]
    assert [one["kind"] for one in told["rollbacks"]] == ["never-learned", "never-learned"]
    assert told["steps"] == STEPS_ASKED
    json.dumps(told, allow_nan=False)


def test_a_run_that_was_never_turned_back_says_so(tmp_path: Path) -> None:
    run = turned_back(tmp_path / "run.h5", lr=0.5)

    assert run.verdict is Verdict.HEALTHY
    assert run.diagnosis.to_json()["rollbacks"] == []
    assert run.undone() == ()


def test_the_steps_after_a_rollback_are_those_of_a_run_with_the_remedy_from_there_on(
    twice: Any, tmp_path: Path
) -> None:
    train([Recorder(tmp_path / "run.h5", detector=QUICK)], small_model(lr=1.0), epochs=EPOCHS)
    plain = open_run(tmp_path / "run.h5")

    same_rows(twice, plain)  # it was turned back to step 0
    assert twice.header.digest_end == plain.header.digest_end
    assert twice.validations[["epoch", "step", "loss"]].equals(plain.validations[["epoch", "step", "loss"]])
    assert twice.epochs[["first_step", "loss"]].equals(plain.epochs[["first_step", "loss"]])
    assert twice.snapshots.steps.tolist() == plain.snapshots.steps.tolist()


def test_what_is_undone_is_there_when_asked_for(twice: Any, tmp_path: Path) -> None:
    dead = turned_back(tmp_path / "dead.h5", on_defect="stop")
    first, second = twice.undone()

    same_rows(first, dead)
    assert first.diagnosis.to_json() == {**dead.diagnosis.to_json(), "run": "twice"}
    assert first.rollbacks == ()
    assert len(second.rollbacks) == 1
    assert second.verdict.is_dead
    assert len(second) == twice.rollbacks[1].last_step + 1


def test_the_detector_judges_what_comes_after_with_the_history_from_before_alone(twice: Any, folder: Path) -> None:
    model = small_model(lr=4.0)
    recorder = recorder_of(folder / "live.h5", model)
    train([recorder], model, epochs=EPOCHS)

    assert recorder.diagnosis is not None
    live = {**recorder.diagnosis.to_json(), "run": "twice"}
    assert live == twice.diagnosis.to_json()


def test_it_goes_back_to_the_newest_checkpoint_before_the_chain_of_events(tmp_path: Path) -> None:
    run = turned_back(tmp_path / "run.h5", lr=0.5, breaks_at=30, checkpoint_every=4)

    (rollback,) = run.rollbacks
    [undone] = run.undone()
    assert undone.diagnosis.first_link is not None
    assert rollback.step == undone.diagnosis.first_link.step // 4 * 4
    assert rollback.step > 13  # in a later epoch than the first
    assert rollback.file == f"step-{rollback.step:08d}.npz"
    assert run.index["step"].tolist() == list(range(STEPS_ASKED))
    assert run.epochs.index.tolist() == list(range(1, EPOCHS + 1))
    assert run.verdict is Verdict.RESCUED
    folder = checkpoint_folder(tmp_path / "run.h5")
    assert rollback.step in CheckpointRing(folder, run.header.run_id).steps


def test_the_checkpoints_of_the_run_are_listed_and_those_of_undone_steps_are_not(tmp_path: Path) -> None:
    run = turned_back(tmp_path / "run.h5", lr=0.5, breaks_at=30, checkpoint_every=2)

    (rollback,) = run.rollbacks
    steps = run.checkpoints["step"].tolist()
    assert steps == sorted(set(steps))
    assert set(CheckpointRing(checkpoint_folder(tmp_path / "run.h5"), run.header.run_id).steps) <= set(steps)
    undone = run.undone()[0].checkpoints["step"]
    assert undone.max() > rollback.step


def test_it_is_turned_back_three_times_at_most(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "lenet-diag"):
        run = turned_back(tmp_path / "run.h5", lr=60.0)

    assert [one.value for one in run.rollbacks] == [30.0, 15.0, 7.5]
    assert run.verdict.is_dead
    assert len(run) == STEPS_ASKED  # the training goes on
    assert len(run.undone()) == 3
    [told] = [message for message in caplog.messages if "turned back" in message]
    assert told == "the run is not turned back: it was turned back 3 times, and dies again; the training goes on"


def test_clipping_is_at_the_median_norm_of_the_healthy_steps_before_and_half_of_it_the_next_time(
    tmp_path: Path,
) -> None:
    run = turned_back(tmp_path / "run.h5", lr=12.0, rollback_with="clip")
    other = turned_back(tmp_path / "other.h5", lr=0.5, breaks_at=30, checkpoint_every=4, rollback_with="clip")

    values = [one.value for one in run.rollbacks]
    assert {one.setting for one in run.rollbacks} == {"clip_norm"}
    assert all(after <= before / 2 for before, after in itertools.pairwise(values))
    [undone] = other.undone()
    assert undone.diagnosis.first_link is not None
    norms = other.tensor_frame(["norm"], kind="gradient")["norm"].unstack(["layer", "tensor", "kind"])
    whole = np.sqrt((norms.astype(float) ** 2).sum(axis=1))
    began = undone.diagnosis.first_link.step
    usual = usual_gradient_norm(undone, began)
    undone_norms = undone.tensor_frame(["norm"], kind="gradient")["norm"].unstack(["layer", "tensor", "kind"])
    expected = np.sqrt((undone_norms.astype(float) ** 2).sum(axis=1)).loc[began - 20 : began - 1].median()
    assert other.rollbacks[0].value == usual == pytest.approx(expected, rel=0.01)
    assert len(whole) == STEPS_ASKED


def test_the_settings_at_a_step_are_those_of_the_rollbacks_that_are_in_use_there() -> None:
    def back(step: int, setting: str, value: float) -> Rollback:
        return Rollback(step, 300, "collapsed", 250, "half-rate", setting, value, None, "")

    rollbacks = (back(200, "lr", 0.25), back(100, "clip_norm", 0.3), back(150, "lr", 0.1))
    run: Any = SimpleNamespace(rollbacks=rollbacks, info=SimpleNamespace(settings={"lr": 0.5, "momentum": None}))

    assert settings_at(run, 99) == {"lr": 0.5, "momentum": None}
    assert settings_at(run, 149) == {"lr": 0.25, "momentum": None, "clip_norm": 0.3}
    assert settings_at(run, 400)["lr"] == 0.1
    run.info.settings = {}
    assert settings_at(run, 400) == {}


def test_the_samples_get_another_order_only_if_asked(twice: Any, tmp_path: Path) -> None:
    mixed = turned_back(tmp_path / "mixed.h5", lr=2.0, rollback_reshuffle=True)
    plain = turned_back(tmp_path / "plain.h5", lr=2.0)

    assert [one.order_seed for one in twice.rollbacks] == [None, None]
    assert mixed.rollbacks[0].order_seed is not None
    assert mixed.block(["loss"], 0, 0) != plain.block(["loss"], 0, 0)
    assert mixed.verdict is plain.verdict is Verdict.RESCUED


def test_the_same_seed_gives_the_same_bits_whatever_the_number_of_threads(twice: Any, tmp_path: Path) -> None:
    model = small_model(lr=4.0)
    model.threads = 2
    path = tmp_path / "run.h5"
    train([recorder_of(path, model)], model, epochs=EPOCHS)

    run = open_run(path)
    same_rows(run, twice)
    assert run.rollbacks == twice.rollbacks
    for one, other in zip(run.undone(), twice.undone(), strict=True):
        same_rows(one, other)


@pytest.mark.parametrize("stage", [*STAGES, *(pytest.param(step, marks=pytest.mark.slow) for step in STEPS)])
def test_a_run_that_is_killed_at_any_stage_of_a_rollback_goes_on_as_if_it_had_not_been(
    stage: str, twice: Any, tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    program = ["-m", "tests.helpers.rollback_trainings", str(path), stage]
    assert run_program(*program).returncode == -9

    run = resumed(path)

    same_rows(run, twice)
    assert run.rollbacks == twice.rollbacks
    for one, other in zip(run.undone(), twice.undone(), strict=True):
        same_rows(one, other)
    assert run.header.digest_end == twice.header.digest_end
    assert run.diagnosis.to_json() == {**twice.diagnosis.to_json(), "run": "run"}
    assert run.notes == ()
    assert run.snapshots.steps.tolist() == twice.snapshots.steps.tolist()
    assert run.epochs[["first_step", "loss"]].equals(twice.epochs[["first_step", "loss"]])


def test_an_export_has_each_step_of_the_run_once_and_the_undone_ones_apart(twice: Any, tmp_path: Path) -> None:
    export_run(twice, tmp_path)

    def frame(name: str) -> pd.DataFrame:
        return pd.read_csv(tmp_path / f"{name}.csv")

    first, second = twice.rollbacks
    undone = frame("undone-steps")
    assert frame("steps")["step"].tolist() == list(range(STEPS_ASKED))
    assert undone[["rollback", "step"]].to_numpy().tolist() == [
        *([1, step] for step in range(first.step, first.last_step + 1)),
        *([2, step] for step in range(second.step, second.last_step + 1)),
    ]
    np.testing.assert_allclose(
        undone[undone["rollback"] == 1]["loss"], twice.undone()[0].steps["loss"].loc[first.step :], rtol=1e-12
    )
    assert len(frame("steps")) + len(undone) == twice.source.recorded.count()
    for name in ("tensors", "activations"):
        assert frame(f"undone-{name}").groupby("rollback")["step"].nunique().tolist() == [
            first.undone_steps,
            second.undone_steps,
        ]
    rollbacks = frame("rollbacks")
    assert rollbacks["rollback"].tolist() == [1, 2]
    assert rollbacks[["step", "last_step", "remedy", "value"]].to_numpy().tolist() == [
        [one.step, one.last_step, one.remedy, one.value] for one in (first, second)
    ]


def test_an_export_to_parquet_has_the_undone_rows_as_well(twice: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the optional extra parquet is not installed")

    export_run(twice, tmp_path, "parquet")

    undone = pd.read_parquet(tmp_path / "undone-steps.parquet")
    assert len(undone) == sum(one.undone_steps for one in twice.rollbacks)
    assert pd.read_parquet(tmp_path / "rollbacks.parquet")["order_seed"].isna().all()
