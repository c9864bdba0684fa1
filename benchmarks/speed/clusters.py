"""A Dask cluster on this machine against the local pool: time, processor time, and the memory of the client.

    python -m benchmarks.speed.clusters [--network feedforward] [--epochs 1] [--limit N] [--runs 40] [--rounds 2]
        [--write FILE]

The two take turns, each in a fresh process, with the same seeds. The time is that of
the whole command: it includes the start of the workers. A third study on the cluster,
with a quarter of the runs, shows whether the memory of the client grows with them.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import common
from diagnostics.executors.dask_cluster import LOCAL
from diagnostics.executors.opening import open_executor
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from diagnostics.study.runner import Study

JOBS = 2


def main() -> None:
    parser = common.parser("benchmarks.speed.clusters", __doc__)
    parser.add_argument("--network", default="feedforward")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--limit", type=int, help="training images of each run; default all")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--write", type=Path, help="also write the page to this file")
    options = parser.parse_args()
    settings = {"network": [options.network], "epochs": [options.epochs], "limit": [options.limit]}
    measured = measure(settings if options.limit else {**settings, "limit": []}, options.runs, options.rounds)
    common.publish(common.render("clusters.md.j2", prepare(measured)), options.write)


@dataclass(frozen=True)
class StudyCost:
    """What one study took.

    Args:
        seconds: from the start of the workers to the end of the study.
        first: seconds until the first run had ended.
        processor: processor seconds of all its processes.
        memory: the most memory that the client held, in bytes.
    """

    seconds: float
    first: float
    processor: float
    memory: int


@dataclass(frozen=True)
class ClusterSpeed:
    """What was measured.

    Args:
        what: the settings of the runs, in words.
        runs: seeds of each study.
        load: of the machine in the minute before.
        pool: the studies in the local pool.
        cluster: those on the cluster, which took turns with them.
        few: one on the cluster with a quarter of the runs.
    """

    what: str
    runs: int
    load: float
    pool: Sequence[StudyCost]
    cluster: Sequence[StudyCost]
    few: StudyCost


def measure(settings: dict[str, list[Any]], runs: int, rounds: int) -> ClusterSpeed:
    """All measurements."""
    load = os.getloadavg()[0]
    pool, cluster = [], []
    for turn in range(rounds):
        for scheduler, costs in ((None, pool), (LOCAL, cluster))[:: 1 if turn % 2 == 0 else -1]:
            costs.append(in_a_fresh_process(scheduler, settings, runs))
    few = in_a_fresh_process(LOCAL, settings, max(1, runs // 4))
    what = ", ".join(f"{name} {values[0]}" for name, values in settings.items() if values)
    return ClusterSpeed(what, runs, load, pool, cluster, few)


def prepare(speed: ClusterSpeed) -> dict[str, Any]:
    """What the template prints."""

    def middle(costs: Sequence[StudyCost], name: str) -> float:
        return median(getattr(cost, name) for cost in costs)

    def row(name: str) -> list[str]:
        return [f"{middle(costs, name):.0f} s" for costs in (speed.pool, speed.cluster)]

    def ratio(name: str) -> str:
        pairs = zip(speed.pool, speed.cluster, strict=True)
        return f"{median(getattr(there, name) / getattr(here, name) for here, there in pairs):.2f}"

    steady = [[cost.seconds - cost.first for cost in costs] for costs in (speed.pool, speed.cluster)]
    return {
        "speed": speed,
        "jobs": JOBS,
        "seconds": row("seconds"),
        "processor": row("processor"),
        "first": row("first"),
        "steady": [f"{median(one):.0f} s" for one in steady],
        "ratio": {name: ratio(name) for name in ("seconds", "processor")},
        "steady_ratio": f"{median(b / a for a, b in zip(*steady, strict=True)):.2f}",
        "memory": f"{middle(speed.cluster, 'memory') / 1e6:.0f} MB",
        "few_memory": f"{speed.few.memory / 1e6:.0f} MB",
        "few_runs": max(1, speed.runs // 4),
    }


def in_a_fresh_process(scheduler: str | None, settings: dict[str, list[Any]], runs: int) -> StudyCost:
    """The cost of one study, whose processor time and memory are those of a process and its children alone."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measured, args=(theirs, scheduler, settings, runs))
    process.start()
    theirs.close()
    seconds, first, memory, processor = ours.recv()
    process.join()
    return StudyCost(seconds, first, processor, memory)


def _measured(pipe: Any, scheduler: str | None, settings: dict[str, list[Any]], runs: int) -> None:
    plan = StudyPlan(grid(settings, runs))
    ended: list[float] = []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        with open_executor(scheduler, JOBS) as executor:
            study = Study(plan, folder, JOBS, executor=executor)
            study.run(lambda state: ended.append(time.perf_counter()) if state.last else None)
            processor = _processor_seconds()
        seconds = time.perf_counter() - began
        assert not any(run.is_crashed for run in study.runs)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    pipe.send((seconds, ended[0] - began, memory, processor))


def _processor_seconds() -> float:
    """Of this process and all that it has started, whether they have ended or not."""
    import psutil

    me = psutil.Process()
    return sum(sum(one.cpu_times()[:4]) for one in (me, *me.children(recursive=True)))


if __name__ == "__main__":
    main()
