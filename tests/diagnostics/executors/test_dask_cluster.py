"""A real Dask cluster of processes: kills, a restart of the scheduler, and equality with the local pool."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from diagnostics.executors.dask_executor import DaskExecutor
from diagnostics.executors.executor import Executor, Failure
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.log.reader import open_run
from diagnostics.rescue.experiment import Rescue
from diagnostics.rescue.natural_deaths import Population, train_seed
from diagnostics.rescue.patient import examine
from diagnostics.rescue.plan import make_plan
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from diagnostics.study.results import load_study
from diagnostics.study.runner import Study, StudyProgress
from tests.helpers.dask_cluster import DaskProcesses, spawned
from tests.helpers.fake_work import FakeWork, calls
from tests.helpers.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.slow
KILLS = 20
SMALL = {"network": ["feedforward"], "limit": [600], "epochs": [1], "batch_size": [32]}
DYING = Population("small", 1, {"network": "feedforward", "lr": 2.0, "batch_size": 64, "limit": 4000, "epochs": 6})


def fake_plan(runs: int) -> StudyPlan:
    return StudyPlan(grid({"network": ["feedforward"]}, runs))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskProcesses]:
    with DaskProcesses(tmp_path / "cluster") as started:
        started.add_workers(2)
        yield started


def kill_while_runs_are_trained(cluster: DaskProcesses, folder: Path, is_over: threading.Event) -> None:
    """Kill a worker at a random moment after each beginning of a run, twenty times."""
    draw = random.Random(1)
    for _ in range(KILLS):
        begun = len(calls(folder))
        while len(calls(folder)) == begun and not is_over.is_set():
            time.sleep(0.05)
        time.sleep(draw.uniform(0.0, 1.2))
        cluster.kill_worker(draw)


def test_twenty_kills_of_workers_lose_no_finished_run_and_double_none(tmp_path: Path, cluster: DaskProcesses) -> None:
    folder, seen, runs = tmp_path / "s", [], 40
    is_over = threading.Event()
    killer = threading.Thread(target=kill_while_runs_are_trained, args=(cluster, folder, is_over))

    def note(state: StudyProgress) -> None:
        if state.last is not None:
            seen.append(state.last.name)

    killer.start()
    try:
        with DaskExecutor(cluster.address) as executor:
            Study(fake_plan(runs), folder, 2, FakeWork(folder, seconds=1.0), executor=executor).run(note)
    finally:
        is_over.set()
        killer.join(PATIENCE)
    loaded = load_study(folder)[1]
    begun = Counter(calls(folder))

    assert Counter(seen) == Counter({f"feedforward-seed{seed:04d}.h5": 1 for seed in range(runs)})
    assert [len(loaded.runs), sum(run.is_crashed for run in loaded.runs)] == [runs, 0]
    assert all((folder / name).read_text().startswith("a run with seed") for name in seen)
    assert runs < begun.total() <= runs + KILLS, "a kill costs the run that its worker had, and no other"


def test_a_restart_of_the_scheduler_loses_no_finished_run(tmp_path: Path, cluster: DaskProcesses) -> None:
    folder, told, seen, runs = tmp_path / "s", [], [], 8
    restarted = threading.Event()

    def note(state: StudyProgress) -> None:
        if state.last is not None:
            seen.append(state.last.name)
        if len(seen) >= 3 and not restarted.is_set():
            restarted.set()
            cluster.kill_scheduler()
            cluster.start_scheduler()
            cluster.add_workers(2)  # those of before end with their scheduler

    with DaskExecutor(cluster.address, tell=told.append) as executor:
        Study(fake_plan(runs), folder, 2, FakeWork(folder, seconds=1.0), executor=executor).run(note)

    assert Counter(seen) == Counter({f"feedforward-seed{seed:04d}.h5": 1 for seed in range(runs)})
    assert not any(run.is_crashed for run in load_study(folder)[1].runs)
    assert runs <= len(calls(folder)) <= runs + 2
    assert any("the scheduler does not answer; waiting for it" in line for line in told)


def test_runs_and_branches_are_those_of_the_local_pool_bit_for_bit(tmp_path: Path, cluster: DaskProcesses) -> None:
    def study(folder: Path, executor: Executor) -> list:
        Study(StudyPlan(grid(SMALL, 3)), folder, 2, executor=executor).run()
        runs = [open_run(folder / run.name) for run in load_study(folder)[1].runs]
        assert {run.info.environment["threads"] for run in runs} == {1}
        tables = [(run.steps.drop(columns=["seconds", "wall"]), run.tensors, run.activations) for run in runs]
        return [(run.status, [table.to_csv() for table in of_run]) for run, of_run in zip(runs, tables, strict=True)]

    died = train_seed(DYING, 0, tmp_path / "dead.h5")
    patient = examine(died)
    plan = make_plan(patient, runs=2, arms=["but-for"])

    def rescue(folder: Path, executor: Executor) -> dict:
        made = Rescue(patient, plan, folder, tmp_path / "dead.h5", keep_branches=True, executor=executor)
        made.run()
        assert len(list((folder / "branches").glob("*.h5"))) == len(made.results)
        return made.results

    local = LocalExecutor(2)
    with DaskExecutor(cluster.address) as executor:
        assert study(tmp_path / "there", executor) == study(tmp_path / "here", local)
        assert rescue(tmp_path / "r-there", executor) == rescue(tmp_path / "r-here", local)


def what_becomes_of_it(task: str) -> object:
    if task == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "sleeps":
        time.sleep(PATIENCE)
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def test_a_task_has_one_blas_thread_dies_alone_and_is_ended_with_the_pool(tmp_path: Path) -> None:
    with DaskProcesses(tmp_path / "cluster") as cluster, DaskExecutor(cluster.address) as executor:
        cluster.add_workers(1, threads=2)
        with executor.pool(what_becomes_of_it) as pool:
            found = dict(filter(None, pool.results(deque(["counts", "dies"]))))
            sleeping = pool.results(deque(["sleeps"]))
            wait_until(lambda: next(sleeping) is None and pool.running == ("sleeps",), "the task to be given")
        (worker,) = cluster.workers()

        assert set(found["counts"]) == {1}
        assert found["dies"] == Failure("its process died (signal 9)")
        wait_until(lambda: not spawned(worker), "the processes of the tasks to end")
