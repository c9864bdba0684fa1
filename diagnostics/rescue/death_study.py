"""The study of rescues: natural deaths, each with the same arms, until there are as many as were asked for.

What is tried, with how many orders of the samples, is fixed here, before any result:

    orders 16         an arm of which all 16 live is proven among seven arms (Holm) where at most 7 of 16
                      branches of the control live; that has probability 0.93 where luck saves 30 % and
                      0.72 where it saves 40 %; with 12 orders it would be 0.49 and 0.23
    point orders 8    branches at each of eight points of the search for the point of no return
    arms              the remedies that docs/remedies.md has tried and that can be switched on in a run that goes
                      on, one arm that changes nothing that matters, and the arms at the first link's step
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diagnostics.detect.remedies import REMEDIES
from diagnostics.errors import RescueError, StudyError
from diagnostics.executors.executor import Executor, Failure, Pool
from diagnostics.file_locks import try_lock
from diagnostics.log.reader import open_run
from diagnostics.provenance import arithmetic, code_version
from diagnostics.rescue.experiment import Rescue, RescueProgress
from diagnostics.rescue.natural_deaths import POPULATIONS, Population, SeedTraining, is_of_this_code
from diagnostics.rescue.patient import Patient, Treatment, examine
from diagnostics.rescue.plan import BUT_FOR, CONTROL, NO_RETURN, SWAPPED, UNCHANGED, RescuePlan, make_plan
from diagnostics.rescue.record import BranchResult
from diagnostics.rescue.study_tables import BranchRow, SeedRow, StudyTables
from diagnostics.run.run import Run
from lenet.settings import Settings

PLAN = "1"
"""The version of what stands here. Results of another version are never continued."""
ORDERS, POINT_ORDERS = 16, 8
MOST_SEEDS = 20
"""Seeds that are tried for each death that is wanted, at most."""
SAME_RATE = "same-rate"
DIGITS = 12
_REPORT = Settings().to_dict()


def _remedy(key: str, dose: float) -> Mapping[str, Any]:
    return REMEDIES[key].changed(_REPORT, dose)


TREATMENTS = (
    Treatment("clip", "gradient clipped to norm 1", _remedy("clip", 1.0)),
    Treatment("half-rate", "half the learning rate", _remedy("smaller-rate", 0.5)),
    Treatment("quarter-rate", "a quarter of the learning rate", _remedy("smaller-rate", 0.25)),
    Treatment("momentum", "momentum 0.9 at lr 0.05", {"optimizer": "momentum", "momentum": 0.9, "lr": 0.05}),
    Treatment("adam", "Adam at lr 0.001", _remedy("adaptive", 0.001)),
    Treatment("warm-up", "warm-up over 100 steps", _remedy("warm-up", 100)),
)
"""Their titles are the names of the arms of docs/remedies.md."""


@dataclass(frozen=True)
class DeathStudyProgress:
    """A study at one moment.

    deaths: how many deaths each population has by now, by its name.
    population: where the next one is sought.
    seed: the seed at work.
    rescue: how far its rescue is; None while it is trained.
    """

    deaths: Mapping[str, int]
    population: Population
    seed: int
    rescue: RescueProgress | None = None


def plan_for(patient: Patient, treatments: Sequence[Treatment] = TREATMENTS) -> RescuePlan:
    """The plan of one rescue of the study."""
    same = Treatment(SAME_RATE, "the learning rate times 1.0000001", {"lr": patient.learning_rate * 1.0000001})
    treated = replace(patient, remedies=(*treatments, same))
    arms = [BUT_FOR, SWAPPED, *(one.key for one in treated.remedies), NO_RETURN]
    return make_plan(treated, runs=ORDERS, arms=arms, point_runs=POINT_ORDERS)


class DeathStudy:
    """Trains the seeds of each population, one population after the other, and rescues those that died.

    folder: where logs and unfinished rescues lie; it may be lost.
    tables: what is known; rows are added to it.
    executor: where seeds and branches are trained.
    populations: where deaths are sought; default those of the paper.
    treatments: the remedies that are tried; default those of the paper's study.

    Raises DamagedFileError where the tables lack branches of a death.
    """

    def __init__(
        self,
        folder: Path,
        tables: StudyTables,
        executor: Executor,
        *,
        populations: Sequence[Population] = POPULATIONS,
        treatments: Sequence[Treatment] = TREATMENTS,
    ) -> None:
        self._folder, self._tables, self._executor = folder, tables, executor
        self._training = SeedTraining(folder)
        self._populations, self._treatments = populations, treatments
        keys = [one.key for one in treatments]
        tables.expect_arms([UNCHANGED, CONTROL, BUT_FOR, SWAPPED, *keys, SAME_RATE, NO_RETURN])

    @property
    def deaths(self) -> dict[str, int]:
        """How many deaths of each population are rescued, by its name."""
        return {
            one.name: sum(run.is_rescued and run.population == one.name for run in self._tables.runs)
            for one in self._populations
        }

    def run(self, on_progress: Callable[[DeathStudyProgress], None] = lambda progress: None) -> None:
        """Go on until every population has the deaths that are wanted. May be interrupted at any moment.

        Raises StudyError where hardly any seed dies, or another process runs this study, and RescueError where a
        branch fails. A death that its unchanged branch does not reproduce is kept as refused, and does not count.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = try_lock(self._folder / "study")
        if lock is None:
            raise StudyError(f"{self._folder}: another process runs this study; wait for it, or stop it")
        with lock, self._executor.pool(self._training) as pool:
            while (population := self._next()) is not None:
                seed = self._next_seed(population)
                on_progress(DeathStudyProgress(self.deaths, population, seed))
                self._try(population, seed, self._trained(population, seed, pool), on_progress)

    def _next(self) -> Population | None:
        """The first population that lacks deaths, so that one is whole before the next begins; None where none does."""
        done = self.deaths
        return next((one for one in self._populations if done[one.name] < one.deaths), None)

    def _next_seed(self, population: Population) -> int:
        seed = max((run.seed for run in self._tables.runs if run.population == population.name), default=-1) + 1
        if seed >= MOST_SEEDS * population.deaths:
            raise StudyError(f"{population.name}: only {self.deaths[population.name]} of {seed} seeds died")
        return seed

    def _trained(self, population: Population, seed: int, pool: Pool[tuple[Population, int], None]) -> Run:
        """The run of one seed. The seeds after it are trained beside it, one a job, since most of them are needed.

        Raises RescueError where a process died.
        """
        path = self._training.log_of((population, seed))
        if path.exists() and is_of_this_code(run := open_run(path)):
            return run
        ahead = min(self._executor.jobs, population.deaths - self.deaths[population.name])
        for (_, trained), outcome in filter(None, pool.results(deque((population, seed + k) for k in range(ahead)))):
            if isinstance(outcome, Failure) and outcome.details:
                raise RuntimeError(f"{outcome.message}\n{outcome.details}")
            if isinstance(outcome, Failure):
                raise RescueError(f"{self._training.log_of((population, trained))}: {outcome.message}")
        return open_run(path)

    def _try(
        self, population: Population, seed: int, run: Run, on_progress: Callable[[DeathStudyProgress], None]
    ) -> None:
        path = self._training.log_of((population, seed))
        if not run.verdict.is_defect:
            self._tables.add(_seed_row(population, seed, run))
            path.unlink()
            return
        began = time.monotonic()
        patient = examine(run)
        plan = plan_for(patient, self._treatments)
        folder = self._rescue_folder(path)
        rescue = Rescue(patient, plan, folder, path.absolute(), resume=True, executor=self._executor)
        refused = ""
        try:
            rescue.run(lambda state: on_progress(DeathStudyProgress(self.deaths, population, seed, state)))
        except RescueError as error:
            if rescue.failures:
                raise
            refused = str(error)
        row = _seed_row(population, seed, run, patient, plan, refused, round(time.monotonic() - began))
        self._tables.add(row, () if refused else _branch_rows(population, seed, plan, rescue.results))

    def _rescue_folder(self, log: Path) -> Path:
        """A folder for the rescue of this very log, so that branches of an earlier log of the seed are not taken."""
        return log.with_name(f"{log.stem}-{open_run(log).header.run_id[:8]}.rescue")


def _seed_row(
    population: Population,
    seed: int,
    run: Run,
    patient: Patient | None = None,
    plan: RescuePlan | None = None,
    refused: str = "",
    seconds: int | None = None,
) -> SeedRow:
    diagnosis, made = run.diagnosis, code_version()
    link = diagnosis.first_link if patient is not None else None
    return SeedRow(
        plan=PLAN,
        population=population.name,
        seed=seed,
        verdict=str(diagnosis.verdict),
        steps=run.steps_made,
        onset=diagnosis.onset if patient is not None else None,
        confirmed=patient.confirmed if patient is not None else None,
        first_link=patient.first_link if patient is not None else None,
        blow=patient.blow if patient is not None else None,
        rule=link.rule if link is not None else "",
        layer=(link.layer or "") if link is not None else "",
        branch_step=plan.branch_step if plan is not None else None,
        refused=refused,
        seconds=seconds,
        commit=made["commit"],
        date=made["date"],
        python=made["python"],
        numpy=made["numpy"],
        blas=arithmetic()["blas"],
    )


def _branch_rows(
    population: Population, seed: int, plan: RescuePlan, results: Mapping[str, BranchResult]
) -> list[BranchRow]:
    return [
        BranchRow(
            population=population.name,
            seed=seed,
            arm=branch.arm,
            number=branch.number,
            step=branch.step,
            order_seed=branch.order_seed,
            fate=results[branch.key].fate,
            last_step=results[branch.key].last_step,
            digest=results[branch.key].digest[:DIGITS],
        )
        for branch in plan.branches
    ]
