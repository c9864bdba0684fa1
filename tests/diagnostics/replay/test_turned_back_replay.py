"""A run that was turned back is replayed with its remedies and orders, and so is what was undone."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from diagnostics.errors import RescueError
from diagnostics.replay import Branch, replay
from diagnostics.rescue.patient import examine
from diagnostics.run.run import Run
from tests.helpers.kept_folders import kept_folder
from tests.helpers.rollback_trainings import QUICK, turned_back
from tests.helpers.small_trainings import digits

CASES: dict[str, dict[str, Any]] = {
    "twice to the first step": {"lr": 4.0},
    "reshuffled": {"lr": 3.0, "rollback_reshuffle": True},
    "clipped": {"lr": 12.0, "rollback_with": "clip"},
    "later than the first step": {"lr": 4.0, "checkpoint_every": 1},
    "with a row at every third step": {"lr": 4.0, "log_every": 3, "checkpoint_every": 3},
}


@cache
def made(case: str) -> Run:
    """The run of a case, made once."""
    return turned_back(kept_folder("turned-back") / "run.h5", **CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_was_turned_back_is_proven_from_the_seed(case: str) -> None:
    run = made(case)
    assert run.rollbacks

    check = replay(run, digits()).check()

    assert check.is_proven, check
    assert check.rows == len(run)


@pytest.mark.parametrize("case", CASES)
def test_what_was_undone_is_proven_as_well(case: str) -> None:
    for undone in made(case).undone():
        check = replay(undone, digits()).check()
        assert check.is_proven, check
        assert check.rows == len(undone)


def test_any_step_is_reached_from_the_nearest_checkpoint_and_a_branch_goes_on_with_the_remedy() -> None:
    run = made("twice to the first step")

    moment = replay(run, digits()).at(33)
    assert moment.proof.start == "the checkpoint before step 30"
    branch = Branch(moment)
    assert branch.model.optimizer.learning_rate == run.rollbacks[-1].value
    branch.train(45)

    same = run.block(None, 33, 44)
    kept = [place for place, name in enumerate(run.columns.names) if name != "seconds"]
    assert [row[kept].tobytes() for row in branch.rows] == [row[kept].tobytes() for row in same]


def test_a_rescued_run_needs_no_rescue_and_one_that_died_all_the_same_can_be_examined(tmp_path: Path) -> None:
    rescued = made("twice to the first step")
    dead = turned_back(tmp_path / "dead.h5", lr=60.0)

    with pytest.raises(RescueError, match="its verdict is rescued; a rescue needs a run that died"):
        examine(rescued)
    assert examine(dead).confirmed == dead.diagnosis.confirmed
    assert examine(rescued.undone()[0]).confirmed == rescued.rollbacks[0].last_step
    assert QUICK["verdict.patience"] == 30
