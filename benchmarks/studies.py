"""How fast studies are: runs an hour with one job and with two, the cost of starting a run, and of statistics.

    python -m benchmarks.studies [--network lenet] [--epochs 1] [--runs 6] [--stats 1000]

Prints a table in Markdown with the commit it was made at. Run it on an idle
machine: two jobs need two free cores.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from diagnostics import index
from diagnostics.study import Plan, grid
from diagnostics.study_run import Study
from diagnostics.study_worker import Worker, dataset
from diagnostics.version import code_version


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="lenet")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--stats", type=int, default=1000)
    options = parser.parse_args()
    plan = Plan(grid({"network": [options.network], "epochs": [options.epochs]}, options.runs))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        beyond = start_cost(plan, folder / "start")
        seconds = {jobs: whole_study(plan, folder / str(jobs), jobs) for jobs in (1, 2)}
        statistics = statistics_cost(folder / "start", options.stats)
    made = code_version()
    print(f"{options.network}, {options.epochs} epoch(s), {options.runs} runs, commit {made['commit']}, "
          f"{made['cores']} cores\n")  # fmt: skip
    print("| what | measured | goal |\n| :-- | --: | --: |")
    for jobs, taken in seconds.items():
        print(f"| runs an hour, {jobs} job{'s' * (jobs > 1)} | {3600 * options.runs / taken:.0f} | |")
    print(f"| two jobs against one | {seconds[1] / seconds[2]:.2f}x | 1.8x |")
    print(f"| starting a run, beyond training and validation | {beyond:.3f} s | 0.5 s |")
    print(f"| statistics of {options.stats} finished runs | {statistics:.2f} s | 5 s |")


def start_cost(plan: Plan, folder: Path) -> float:
    """Median seconds of a run beyond its training and its validations, in one worker."""
    folder.mkdir()
    work = Worker.of(plan, folder)
    dataset(None, None)
    costs = []
    for task in plan.tasks():
        began = time.perf_counter()
        run = work(task)
        spent = (run.training_seconds or 0) + len(run.epochs) * (run.validation_seconds or 0)
        costs.append(time.perf_counter() - began - spent)
    return sorted(costs)[len(costs) // 2]


def whole_study(plan: Plan, folder: Path, jobs: int) -> float:
    """Seconds from the first result on: what starting the workers takes does not grow with the study."""
    moments: list[float] = []
    plan = replace(plan, arms=tuple(replace(arm, runs=arm.runs + jobs) for arm in plan.arms))
    Study(plan, folder, jobs).run(lambda state: moments.append(time.perf_counter()) if state.last else None)
    # The first result of each worker tells that it has begun; the rest is the steady state.
    return moments[-1] - moments[jobs - 1]


def statistics_cost(folder: Path, count: int) -> float:
    """Seconds for statistics of ``count`` runs that are in the index, file reading and intervals included."""
    from diagnostics.arms import group_runs

    first = next(folder.glob("*.h5"))
    known = index.summary_of(first)
    many = folder / "many"
    many.mkdir()
    for i in range(count):
        path = many / f"run{i:04d}.h5"
        shutil.copyfile(first, path)
        index.keep(path, replace(known, name=path.name, seed=i))
    began = time.perf_counter()
    groups = group_runs(index.load(index.find_runs([many])).runs)
    assert [group.to_json()["runs"] for group in groups] == [count]
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
