"""Who does what on a cluster, and what becomes of tasks whose workers are gone; the cluster is a stand-in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from diagnostics.errors import SchedulerError
from diagnostics.executors import dask_cluster, dask_pool
from diagnostics.executors.dask_pool import DEATHS, DaskPool
from diagnostics.executors.executor import Failure, Work
from tests.helpers.fake_cluster import HERE, FakeCluster


@pytest.fixture(autouse=True)
def _this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (dask_pool, dask_cluster):
        monkeypatch.setattr(module, "this_machine", lambda: HERE)


def double(task: int) -> int:
    if task < 0:
        raise ValueError(f"{task} is negative")
    return 2 * task


def outcomes(cluster: FakeCluster, *tasks: int) -> list[tuple[int, Any]]:
    with DaskPool(cluster, double) as pool:
        return list(filter(None, pool.results(deque(tasks))))


def without(worker: str):
    return lambda cluster: cluster.threads.pop(worker)


def nothing(cluster: FakeCluster) -> None:
    pass


def test_each_task_comes_back_once_and_no_worker_has_more_than_its_threads():
    cluster = FakeCluster({"a": 1, "b": 3})
    found = outcomes(cluster, *range(20))

    assert sorted(found) == [(task, 2 * task) for task in range(20)]
    assert cluster.most_at_once == {"a": 1, "b": 3}


def test_no_more_tasks_are_out_at_a_time_than_was_asked_for():
    cluster = FakeCluster({"a": 1, "b": 3}, jobs=2)
    outcomes(cluster, *range(6))

    assert sum(cluster.most_at_once.values()) <= 2 + 1  # two of one worker or one of each, at different moments
    assert cluster.jobs == 2


def test_a_task_that_raises_is_a_failure_and_is_not_tried_again():
    cluster = FakeCluster({"a": 1})
    ((_, failure),) = outcomes(cluster, -1)

    assert (failure.error, failure.reason) == ("ValueError", "-1 is negative")
    assert cluster.placed == [("a", -1)]


def test_tasks_of_a_lost_worker_begin_again_elsewhere_and_count_once():
    cluster = FakeCluster({"a": 1, "b": 1})
    cluster.events.extend([nothing, nothing, nothing, without("a")])
    found = outcomes(cluster, *range(6))

    assert sorted(found) == [(task, 2 * task) for task in range(6)]
    assert {worker for worker, _ in cluster.placed[-3:]} == {"b"}


def test_a_result_that_is_lost_with_its_worker_is_made_again():
    cluster = FakeCluster({"a": 1})

    def replace_worker(one: FakeCluster) -> None:
        one.threads = {"b": 1}

    cluster.on_fetch = replace_worker
    found = outcomes(cluster, 1)

    assert found == [(1, 2)]
    assert cluster.placed == [("a", 1), ("b", 1)]


def test_a_task_with_which_ten_workers_were_lost_counts_as_failed():
    cluster = FakeCluster({"w0": 1})

    def next_worker(one: FakeCluster) -> None:
        if one.placed and one.placed[-1][0] in one.threads:
            one.threads = {f"w{len(one.placed)}": 1}

    cluster.is_holding = True
    cluster.events.extend([next_worker] * 5 * DEATHS)
    found = outcomes(cluster, 1)

    assert found == [(1, Failure(f"{DEATHS} workers were lost while they did it"))]
    assert len(cluster.placed) == DEATHS


def test_a_lost_scheduler_is_no_fault_of_the_tasks():
    cluster = FakeCluster({"a": 1})

    def lose(one: FakeCluster) -> None:
        one.threads, one.is_lost = {}, True

    def find(one: FakeCluster) -> None:
        one.threads, one.is_lost = {"a": 1}, False

    cluster.events.extend([nothing, nothing] + [lose, find, nothing, nothing] * 2 * DEATHS)
    assert outcomes(cluster, 1, 2) == [(1, 2), (2, 4)]


def test_leaving_the_pool_takes_back_what_is_under_way():
    cluster = FakeCluster({"a": 1})
    with DaskPool(cluster, double) as pool:
        cluster.is_holding = True
        assert next(pool.results(deque([1, 2]))) is None
        assert pool.running == (1,)

    assert len(cluster.cancelled) == 1
    assert cluster.sent == [("forget", "a")]


def machine(host: str, blas: str, code: str = "code"):
    return replace(HERE, host=host, code=code, facts={"blas": blas})


def test_a_machine_that_computes_otherwise_is_told_once_and_gets_no_task():
    cluster = FakeCluster({"a": 1, "b": 1, "c": 1}, {"b": machine("far", "two"), "c": machine("far", "two")})
    outcomes(cluster, *range(4))

    assert {worker for worker, _ in cluster.placed} == {"a"}
    assert cluster.digest == HERE.digest
    digests = f"its digest is {machine('far', 'two').digest}, theirs {HERE.digest}"
    assert cluster.told == [f"far is not used: it computes unlike the others ({digests})"]


def test_where_no_worker_computes_as_here_the_most_common_kind_does_all_and_it_is_told():
    kinds = {"a": machine("x", "two"), "b": machine("y", "three"), "c": machine("z", "three")}
    cluster = FakeCluster(dict.fromkeys(kinds, 1), kinds)
    outcomes(cluster, *range(4))

    assert {worker for worker, _ in cluster.placed} == {"b", "c"}
    assert cluster.told[0].startswith("no worker computes as this machine does; the results are those of")
    assert "blas three and not one" in cluster.told[0]


def test_a_worker_with_other_code_is_not_used_and_where_all_have_it_that_is_an_error():
    cluster = FakeCluster({"a": 1}, {"a": machine("old", "one", code="other")})

    with pytest.raises(SchedulerError, match=r"no worker can be used: its lenet-diag \(.*install the same there"):
        outcomes(cluster, 1)
    assert cluster.placed == []


class OfThatMachine(Work[int, int]):
    """Its results go with those of a machine that computes otherwise."""

    @property
    def made_by(self) -> Mapping[str, Any]:
        return {"blas": "two", "host": "anywhere"}

    def __call__(self, task: int) -> int:
        return task


def results_of_that_machine(cluster: FakeCluster) -> Iterator[Any]:
    with DaskPool(cluster, OfThatMachine()) as pool:
        yield from filter(None, pool.results(deque([1])))


def test_results_that_go_with_those_that_are_there_are_made_by_the_same_kind_of_machine():
    fit = FakeCluster({"a": 1, "b": 1}, {"b": machine("b", "two")})
    assert list(results_of_that_machine(fit)) == [(1, 1)]
    assert fit.placed == [("b", 1)]

    with pytest.raises(SchedulerError, match="unlike the machine of the runs that are there: blas one and not two"):
        list(results_of_that_machine(FakeCluster({"a": 1})))
