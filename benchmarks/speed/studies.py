"""Measures how fast studies are: runs an hour with one and two jobs, the start of a run, and statistics.

    python -m benchmarks.speed.studies [--network lenet] [--epochs 1] [--runs 6] [--stats 1000] [--write FILE]

The program prints a table in Markdown with the commit. It needs an idle machine: two
jobs need two free cores.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import common
from diagnostics.log.run_files import find_runs
from diagnostics.statistics import summary_cache
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from diagnostics.study.runner import Study
from diagnostics.study.worker import Worker, dataset

STARTS = 3


def main() -> None:
    parser = common.parser("benchmarks.speed.studies", __doc__)
    parser.add_argument("--network", default="lenet")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--stats", type=int, default=1000)
    parser.add_argument("--write", type=Path, help="also write the page to this file")
    options = parser.parse_args()
    measured = measure(options.network, options.epochs, options.runs, options.stats)
    common.publish(common.render("studies.md.j2", prepare(measured)), options.write)


@dataclass(frozen=True)
class StudySpeed:
    """What was measured.

    Args:
        network: the network of all runs.
        epochs: how long each was trained.
        runs: how many runs the studies had.
        load: the load of the machine in the minute before.
        seconds: seconds of the study, by its number of jobs: 1 and 2.
        start: seconds of a run beyond its training and validation.
        summaries: how many finished runs the statistics were made of.
        known: seconds for their statistics, from kept summaries.
        anew: seconds to read and judge one run for its summary.
    """

    network: str
    epochs: int
    runs: int
    load: float
    seconds: Mapping[int, float]
    start: float
    summaries: int
    known: float
    anew: float


def measure(network: str, epochs: int, runs: int, summaries: int) -> StudySpeed:
    """All measurements."""
    load = os.getloadavg()[0]
    plan = StudyPlan(grid({"network": [network], "epochs": [epochs]}, runs))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = start_cost(plan, folder / "start")
        seconds = {jobs: whole_study(plan, folder / str(jobs), jobs) for jobs in (1, 2)}
        known, anew = statistics_cost(folder / "start", summaries)
    return StudySpeed(network, epochs, runs, load, seconds, start, summaries, known, anew)


def prepare(speed: StudySpeed) -> dict[str, Any]:
    """What the template prints."""
    hour = {jobs: 3600 * speed.runs / taken for jobs, taken in speed.seconds.items()}
    return {
        "speed": speed,
        "starts": STARTS,
        "an_hour": {jobs: f"{runs:,.0f}" for jobs, runs in hour.items()},
        "gain": f"{hour[2] / hour[1]:.2f}",
        "start": f"{speed.start * 1e3:.0f} ms",
        "summaries": f"{speed.summaries:,}",
        "known": f"{speed.known:.2f} s",
        "anew": f"{speed.anew * 1e3:.0f} ms",
    }


def start_cost(plan: StudyPlan, folder: Path) -> float:
    """Median seconds of a run of one step beyond this step and the validation, in one worker.

    Longer runs would count the time of recording too.
    """
    folder.mkdir()
    plan = replace(plan, arms=tuple(replace(arm, settings={**arm.settings, "steps": 1}) for arm in plan.arms))
    work = Worker.of(plan, folder)
    dataset(None, None)
    costs = []
    for task in plan.tasks()[:STARTS]:
        began = time.perf_counter()
        run = work(task)
        spent = (run.training_seconds or 0) + (run.validation_seconds or 0)
        costs.append(time.perf_counter() - began - spent)
    return sorted(costs)[len(costs) // 2]


def whole_study(plan: StudyPlan, folder: Path, jobs: int) -> float:
    """Seconds from the first result on. The time to start the workers is left out: it does not grow with the study."""
    moments: list[float] = []
    plan = replace(plan, arms=tuple(replace(arm, runs=arm.runs + jobs) for arm in plan.arms))
    Study(plan, folder, jobs).run(lambda state: moments.append(time.perf_counter()) if state.last else None)
    # The first result of each worker shows that it has begun; all later ones count.
    return moments[-1] - moments[jobs - 1]


def statistics_cost(folder: Path, count: int) -> tuple[float, float]:
    """Seconds for statistics of ``count`` runs with kept summaries, and those to read and judge one without."""
    from diagnostics.statistics.arms import group_runs

    first = next(folder.glob("*.h5"))
    known = summary_cache.summary_of(first)
    many = folder / "many"
    many.mkdir()
    for i in range(count):
        path = many / f"run{i:04d}.h5"
        shutil.copyfile(first, path)
        summary_cache.keep(path, replace(known, name=path.name, seed=i))
    began = time.perf_counter()
    groups = group_runs(summary_cache.load_summaries(find_runs([many])).runs)
    assert [group.to_json()["runs"] for group in groups] == [count]
    counted = time.perf_counter()
    fresh: Sequence[Path] = sorted(many.glob("*.h5"))[:STARTS]
    for path in fresh:
        (many / summary_cache.FOLDER / f"{path.name}.json").unlink()
    again = time.perf_counter()
    assert len(summary_cache.load_summaries(fresh).runs) == len(fresh)
    return counted - began, (time.perf_counter() - again) / len(fresh)


if __name__ == "__main__":
    main()
