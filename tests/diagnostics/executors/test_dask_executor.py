"""A study on a real Dask cluster within this process, and what is said where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from diagnostics.errors import MissingLibraryError, SchedulerError, StudyError
from diagnostics.executors import dask_cluster, dask_pool, dask_worker
from diagnostics.executors.dask_cluster import DaskCluster
from diagnostics.executors.dask_executor import DaskExecutor
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from diagnostics.study.results import load_study
from diagnostics.study.runner import Study, StudyProgress
from tests.helpers.dask_cluster import free_port
from tests.helpers.fake_cluster import HERE
from tests.helpers.fake_work import FakeWork, SameProcessExecutor, SameProcessPool, calls


class KeptPool(SameProcessPool):
    """What a worker of Dask has instead of a process of its own."""

    def __init__(self, jobs: int, work: Any) -> None:
        super().__init__(work)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A scheduler with one worker, both threads of this process."""
    from distributed import LocalCluster

    monkeypatch.setattr(dask_worker, "WorkerPool", KeptPool)
    for module in (dask_worker, dask_pool, dask_cluster):
        monkeypatch.setattr(module, "this_machine", lambda: HERE)
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


def test_a_study_on_a_cluster_ends_as_one_in_processes_of_this_machine(tmp_path: Path, address: str) -> None:
    plan = StudyPlan(grid({"network": ["feedforward"]}, 6), on_defect="restart")
    states: list[StudyProgress] = []
    told: list[str] = []
    here, there = tmp_path / "here", tmp_path / "there"
    Study(plan, here, 1, FakeWork(here, failing=(4,)), executor=SameProcessExecutor()).run()
    with DaskExecutor(address, tell=told.append) as executor:
        assert executor.jobs == 2
        Study(plan, there, executor.jobs, FakeWork(there, failing=(4,)), executor=executor).run(states.append)
    ours, theirs = load_study(here)[1], load_study(there)[1]

    assert sorted(calls(there)) == sorted(calls(here))
    assert {run.name: run.verdict for run in theirs.runs} == {run.name: run.verdict for run in ours.runs}
    assert [run.name for run in theirs.runs if run.is_crashed] == ["feedforward-seed0004.h5"]
    finished = [run.name for run in ours.runs if not run.is_crashed]
    assert all((there / name).read_text() == (here / name).read_text() for name in finished)
    assert (states[-1].done, states[-1].total) == (len(ours.runs), len(ours.runs))
    assert told == []
    assert [start["arithmetic"] for start in StudyPlan.load(there).history] == [HERE.digest]
    assert "arithmetic" not in StudyPlan.load(here).history[0]
    assert not list(there.glob("*.part-*"))


def test_without_dask_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingLibraryError, match=r"needs Dask, .*: pip install 'lenet-diag\[dask\]'"):
        DaskExecutor("tcp://127.0.0.1:1").__enter__()


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(StudyError, match=r"--scheduler 127.0.0.1: expected tcp://HOST:PORT, or local"):
        DaskExecutor("127.0.0.1").__enter__()


def test_where_no_scheduler_answers_it_is_told_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "FIRST_WAIT", 0.2)
    with pytest.raises(SchedulerError, match=r"no scheduler answers .* start one with: dask scheduler"):
        DaskExecutor(f"tcp://127.0.0.1:{free_port()}").__enter__()


class FakeClient:
    """A client whose scheduler answers as a test says."""

    status = "running"
    scheduler = type("Scheduler", (), {"ncores": None})

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def sync(self, question: Any, callback_timeout: float) -> dict[str, int]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self, timeout: float) -> None:
        pass


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> DaskCluster:
    """A cluster that may be asked as often as a test likes; what it says is in ``lines``."""
    monkeypatch.setattr(dask_cluster, "ANSWER", 0.0)
    lines: list[str] = []
    cluster = DaskCluster("tcp://far:1", tell=lines.append)
    monkeypatch.setattr(cluster, "lines", lines, raising=False)
    return cluster


def test_a_scheduler_that_is_busy_is_not_lost(connected: Any) -> None:
    connected._client = FakeClient({"a": 2}, TimeoutError(), {"b": 1})

    assert [(connected.look(), connected.threads) for _ in range(3)] == [
        (True, {"a": 2}),
        (True, {"a": 2}),
        (True, {"b": 1}),
    ]
    assert connected.lines == []


def test_a_scheduler_that_is_gone_is_waited_for_told_each_time_and_given_up_in_the_end(
    connected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [FakeClient({"a": 1}, OSError("reset")), FakeClient({"a": 1}, OSError("reset"))]

    def connect(seconds: float) -> FakeClient:
        if not clients:
            raise OSError("refused")
        return clients.pop(0)

    monkeypatch.setattr(connected, "_connected", connect)
    connected._client = FakeClient({"a": 1}, OSError("reset"))
    seen = [(connected.look(), bool(connected.threads)) for _ in range(6)]
    monkeypatch.setattr(dask_cluster, "LOST_WAIT", -1.0)

    assert seen == [(True, True), (False, False)] * 3
    assert len(connected.lines) == 3
    assert set(connected.lines) == {dask_cluster._lost("tcp://far:1")}
    with pytest.raises(SchedulerError, match=r"does not answer any more \(the connection was closed\)"):
        connected.look()
