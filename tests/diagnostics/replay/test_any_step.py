"""Random steps of random runs, each state equal to that of an independent full run, in processes of their own."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from diagnostics import open_run
from diagnostics.replay import replay
from lenet import load_state
from tests.helpers import any_step
from tests.helpers.forked import PIPE, run, start
from tests.helpers.logged_runs import same_state

SEED = 20_240_715


def assert_equal_states(folder: Path, number: int) -> None:
    states: list[dict[str, Any]] = [load_state(folder / f"{name}-{number}.npz") for name in ("rerun", "replay")]
    assert same_state(*states), list(any_step.cases(SEED, number + 1))[number]


@pytest.mark.slow
def test_a_hundred_random_steps_are_those_of_an_independent_run(tmp_path: Path) -> None:
    """Each run is logged and replayed with 1 thread and trained again with 2, or the other way round."""
    for what, threads in (("log", "12"), ("rerun", "21"), ("replay", "12")):
        run("-m", "tests.helpers.any_step", what, str(tmp_path), str(SEED), "100", *threads, check=True)
    for number in range(100):
        assert_equal_states(tmp_path, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(10))
def test_a_run_that_was_killed_and_resumed_has_the_same_states(tmp_path: Path, number: int) -> None:
    """Killed with SIGKILL at a random step, where a checkpoint may be half written; replayed before and after."""
    case = list(any_step.cases(SEED, number + 1))[number]
    command = ["-m", "tests.helpers.any_step", "log", str(tmp_path), str(SEED), f"{number}:", "2"]
    kill_at = random.Random(number).randint(3, 6)
    running = start(*command, stdout=PIPE)
    assert running.stdout is not None
    for line in running.stdout:
        if int(line) >= kill_at:
            running.kill()
            break
    running.communicate()
    any_step.rerun(case, tmp_path, 1)
    if len(open_run(case.log(tmp_path))):  # else it was killed before its first rows were written
        assert replay(case.log(tmp_path)).check().is_proven
    run(*command, check=True)
    any_step.replayed(case, tmp_path, 1)
    assert_equal_states(tmp_path, number)
