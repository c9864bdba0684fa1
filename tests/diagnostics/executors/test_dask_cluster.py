"""Studies on a real Dask cluster of processes: kills, a restart of the scheduler, and equality with the local pool."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.executors.dask_executor import DaskExecutor
from diagnostics.study.plan import StudyPlan, grid
from diagnostics.study.results import load_study
from diagnostics.study.runner import Study, StudyProgress
from tests.helpers.dask_cluster import DaskProcesses
from tests.helpers.fake_work import FakeWork, calls

pytestmark = pytest.mark.slow
KILLS = 20
SMALL = {"network": ["feedforward"], "limit": [600], "epochs": [1], "batch_size": [32]}


def fake_plan(runs: int) -> StudyPlan:
    return StudyPlan(grid({"network": ["feedforward"]}, runs))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskProcesses]:
    with DaskProcesses(tmp_path / "cluster") as started:
        started.add_workers(2)
        yield started


def test_twenty_kills_of_workers_lose_no_finished_run_and_double_none(tmp_path: Path, cluster: DaskProcesses) -> None:
    draw = random.Random(1)
    folder, seen, kills = tmp_path / "s", [], 0
    next_kill = 0.0

    def kill_now_and_then(state: StudyProgress) -> None:
        nonlocal kills, next_kill
        if state.last is not None:
            seen.append(state.last.name)
        if state.running and kills < KILLS and time.monotonic() > next_kill:
            cluster.kill_worker(draw)
            kills += 1
            next_kill = time.monotonic() + draw.uniform(0.5, 4.0)

    runs = 60
    with DaskExecutor(cluster.address) as executor:
        Study(fake_plan(runs), folder, 2, FakeWork(folder, seconds=1.0), executor=executor).run(kill_now_and_then)
    loaded = load_study(folder)[1]

    assert kills == KILLS
    assert Counter(seen) == Counter({f"feedforward-seed{seed:04d}.h5": 1 for seed in range(runs)})
    assert len(loaded.runs) == runs
    assert not any(run.is_crashed for run in loaded.runs)
    assert runs < len(calls(folder)) <= runs + 2 * KILLS, "only what was under way began again"
