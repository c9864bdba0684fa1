"""Measures how fast a rescue is: the default rescue of a lenet run that died in its first hundred steps.

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.common import machine
from diagnostics.provenance import commit
from diagnostics.rescue.experiment import Rescue
from diagnostics.rescue.natural_deaths import POPULATIONS, train_seed
from diagnostics.rescue.patient import Patient, examine
from diagnostics.rescue.plan import make_plan

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
    load: float


def measure(folder: Path, runs: int, jobs: int) -> RescueSpeed:
    """Find a death, rescue it, and take the time."""
    load = os.getloadavg()[0]
    folder.mkdir(parents=True, exist_ok=True)
    seed, log, patient = early_death(folder)
    plan = make_plan(patient, runs=runs)
    rescue = Rescue(patient, plan, log.with_suffix(".rescue"), log.absolute(), jobs=jobs)
    began, before = time.perf_counter(), _children()
    rescue.run()
    seconds, processor = time.perf_counter() - began, _children() - before
    steps = sum(rescue.results[branch.key].last_step - branch.step + 1 for branch in plan.branches)
    return RescueSpeed(seed, patient, len(plan.branches), steps, runs, jobs, seconds, processor, load)


def early_death(folder: Path) -> tuple[int, Path, Patient]:
    """The first seed with the exact convolution that breaks within its first hundred steps, and its log."""
    for seed in range(MOST_SEEDS):
        log = folder / f"seed{seed}.h5"
        run = train_seed(POPULATIONS[0], seed, log)
        if run.verdict.is_defect and (patient := examine(run)).blow < EARLY:
            return seed, log, patient
        log.unlink()
    raise SystemExit(f"none of {MOST_SEEDS} seeds died within {EARLY} steps")


def prepare(speed: RescueSpeed) -> dict[str, Any]:
    """What the template prints."""
    return {
        "speed": speed,
        "commit": commit(),
        "machine": machine(),
        "an_hour": f"{3600 * speed.branches / speed.seconds:,.0f}",
        "an_hour_idle": f"{3600 * speed.branches * speed.jobs / speed.processor:,.0f}",
        "seconds": f"{speed.seconds:.0f} s",
        "idle": f"{speed.processor / speed.jobs:.0f} s",
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
