"""The pool: a death is one lost task, an idle death is none."""

from __future__ import annotations

import os
import signal
import time
from collections import deque

from diagnostics.executors.executor import Failure
from diagnostics.executors.worker_pool import WorkerPool
from tests.helpers.waiting import PATIENCE


def work(task: int) -> int:
    """Negative tasks end the process, 0 raises, -1 asks for a clean exit; the rest is doubled."""
    if task == -1:
        raise SystemExit(3)
    if task < -1:
        os.kill(os.getpid(), signal.SIGKILL)
    if task == 0:
        raise ValueError("zero\nand more lines")
    return 2 * task


def outcomes(pool: WorkerPool[int, int], *tasks: int) -> dict[int, int | Failure]:
    return dict(filter(None, pool.results(deque(tasks))))


def test_every_task_comes_back_with_its_result_or_with_what_went_wrong():
    with WorkerPool(2, work) as pool:
        found = outcomes(pool, 1, -2, 0, 3, -1)

    assert (found[1], found[3]) == (2, 6)
    assert found[-2] == Failure("its process died (signal 9)")
    assert found[-1] == Failure("its process died (exit code 3)")
    assert found[0].message == "ValueError: zero"
    assert (found[0].error, found[0].reason) == ("ValueError", "zero")
    assert "Traceback" in found[0].details


def test_a_worker_that_died_between_two_tasks_costs_nothing():
    with WorkerPool(1, work) as pool:
        first = outcomes(pool, 1)
        os.kill(pool._workers[0].process.pid, signal.SIGKILL)
        pool._workers[0].process.join()
        second = outcomes(pool, 2)

    assert (first, second) == ({1: 2}, {2: 4})


def test_tasks_may_be_added_while_results_are_taken():
    queue, seen = deque([1]), []
    with WorkerPool(1, work) as pool:
        for result in pool.results(queue):
            if result:
                seen.append(result[1])
                if result[0] < 4:
                    queue.append(result[0] + 1)

    assert seen == [2, 4, 6, 8]


def test_leaving_the_pool_ends_workers_in_the_middle_of_their_tasks():
    with WorkerPool(2, time.sleep) as pool:
        next(pool.results(deque([PATIENCE, PATIENCE])))
        processes = [worker.process for worker in pool._workers]

    assert all(process.exitcode < 0 for process in processes), "a signal ended each of them"
