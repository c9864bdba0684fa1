"""Measures how fast a rescue is: the default rescue of a lenet run that died in its first hundred steps, with its cost.

    python -m benchmarks.speed.rescues [--runs 20] [--jobs 2] [--out FOLDER] [--write FILE]

Trains seeds of the paper's settings until one dies, rescues it, and prints a table in
Markdown with the commit. Where the machine does other work, the processor time says how
long a rescue takes on an idle machine, and the elapsed time does not.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import common
from diagnostics.executors.worker_pool import LocalExecutor
from diagnostics.rescue.experiment import Rescue
from diagnostics.rescue.natural_deaths import Population, train_seed
from diagnostics.rescue.patient import Patient, examine
from diagnostics.rescue.plan import make_plan
from diagnostics.rescue.results import read_results
from diagnostics.rescue.to_the_end import Endings, cost_branches

PAPER = Population("paper", 1)
GOAL = 600.0
"""The goal for the default rescue on two cores, in seconds."""
EARLY = 100
MOST_SEEDS = 100


def main() -> None:
    parser = common.parser("benchmarks.speed.rescues", __doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="keep the log and its rescue in this folder")
    parser.add_argument("--write", type=Path, help="also write the page to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measured = measure(options.out or Path(name), options.runs, options.jobs)
    common.publish(common.render("rescues.md.j2", prepare(measured)), options.write)


@dataclass(frozen=True)
class RescueSpeed:
    """What was measured.

    Args:
        seed: the seed that died.
        patient: what the rescue knew of its run.
        branches: how many branches the rescue had.
        steps: how many steps they made together.
        runs: orders of the samples of an arm.
        jobs: branches at a time.
        seconds: elapsed seconds, from the start of the workers to the last branch.
        processor: seconds of all processors together.
        endings: how many branches were trained to the end of the run, to see what is proven cost in accuracy.
        ending_seconds: elapsed seconds of these.
        ending_processor: seconds of all processors together of these.
        load: the load of the machine in the minute before.
    """

    seed: int
    patient: Patient
    branches: int
    steps: int
    runs: int
    jobs: int
    seconds: float
    processor: float
    endings: int
    ending_seconds: float
    ending_processor: float
    load: float


def measure(folder: Path, runs: int, jobs: int) -> RescueSpeed:
    """Find a death, rescue it, and take the time."""
    load = os.getloadavg()[0]
    folder.mkdir(parents=True, exist_ok=True)
    seed, log, patient = early_death(folder)
    plan = make_plan(patient, runs=runs)
    kept = log.with_suffix(".rescue")
    executor = LocalExecutor(jobs)
    rescue = Rescue(patient, plan, kept, log.absolute(), executor=executor)
    seconds, processor = _timed(rescue.run)
    asked = cost_branches(read_results(plan, rescue.results))
    ending_seconds, ending_processor = _timed(lambda: Endings(plan, kept, log.absolute(), executor).run(asked))
    steps = sum(rescue.results[branch.key].last_step - branch.step + 1 for branch in plan.branches)
    return RescueSpeed(
        seed=seed,
        patient=patient,
        branches=len(plan.branches),
        steps=steps,
        runs=runs,
        jobs=jobs,
        seconds=seconds,
        processor=processor,
        endings=len(asked),
        ending_seconds=ending_seconds,
        ending_processor=ending_processor,
        load=load,
    )


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Elapsed seconds of a work, and processor seconds of the processes that it started."""
    began, before = time.perf_counter(), _children()
    work()
    return time.perf_counter() - began, _children() - before


def early_death(folder: Path) -> tuple[int, Path, Patient]:
    """The first seed with the exact convolution that breaks within its first hundred steps, and its log."""
    for seed in range(MOST_SEEDS):
        log = folder / f"seed{seed}.h5"
        run = train_seed(PAPER, seed, log)
        if run.verdict.is_defect and (patient := examine(run)).blow < EARLY:
            return seed, log, patient
        log.unlink()
    raise SystemExit(f"none of {MOST_SEEDS} seeds died within {EARLY} steps")


def prepare(speed: RescueSpeed) -> dict[str, Any]:
    """What the template prints."""
    return {
        "speed": speed,
        "an_hour": f"{3600 * speed.branches / speed.seconds:,.0f}",
        "an_hour_idle": f"{3600 * speed.branches * speed.jobs / speed.processor:,.0f}",
        "seconds": f"{speed.seconds + speed.ending_seconds:.0f} s",
        "idle": f"{(speed.processor + speed.ending_processor) / speed.jobs:.0f} s",
        "ending_idle": f"{speed.ending_processor / speed.jobs:.0f} s",
        "branch": f"{1e3 * speed.processor / speed.branches:.0f} ms",
        "step": f"{1e3 * speed.processor / speed.steps:.1f} ms",
        "goal": f"{GOAL:.0f} s",
    }


def _children() -> float:
    """Processor seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
