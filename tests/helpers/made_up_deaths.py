"""Tables of a study of rescues, made up of fates: what many deaths show when branches live or die as a test wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from diagnostics.rescue.death_study import PLAN, plan_for
from diagnostics.rescue.fate import Fate
from diagnostics.rescue.plan import PlannedBranch
from diagnostics.rescue.study_tables import BranchRow, SeedRow, StudyTables
from tests.helpers.rescue_results import PATIENT

FateMaker = Callable[[int, PlannedBranch], bool]
"""Whether a branch of the death of a seed lives."""

LIVING = SeedRow(
    plan=PLAN,
    population="exact",
    seed=0,
    verdict="healthy",
    steps=469,
    onset=None,
    confirmed=None,
    first_link=None,
    blow=None,
    rule="",
    layer="",
    branch_step=None,
    refused="",
    seconds=None,
    commit="1234567890",
    date="2026-11-26T20:00:00Z",
    python="3.11.7",
    numpy="2.4.6",
    blas="openblas",
)


def made_up_tables(page: Path, lives: FateMaker, exact: int = 3, report: int = 2, first_link: int = 34) -> StudyTables:
    """A living seed and some deaths of each population; their first link lies at ``first_link``, their blow at 53."""
    tables = StudyTables(page, PLAN)
    patient = replace(PATIENT, first_link=first_link)
    plan = plan_for(patient)
    for population, deaths in (("exact", exact), ("report", report)):
        tables.add(replace(LIVING, population=population))
        for seed in range(1, deaths + 1):
            run = replace(
                LIVING,
                population=population,
                seed=seed,
                verdict="never-learned",
                steps=74,
                onset=0,
                confirmed=patient.confirmed,
                first_link=first_link,
                blow=patient.blow,
                rule="oversized-update",
                layer="conv2",
                branch_step=plan.branch_step,
                seconds=200,
            )
            tables.add(run, [_row(population, seed, one, lives(seed, one)) for one in plan.branches])
    return tables


def usual(seed: int, branch: PlannedBranch) -> bool:
    """Luck saves a quarter, clipping all, and leaving out the update of the first link saves where no other does."""
    if branch.arm == "no-return":
        return branch.step <= 34 and branch.number % 2 == 0
    if branch.arm in ("unchanged", "but-for placebo"):
        return False
    return branch.arm in ("clip", "but-for") or branch.number % 4 == 0


def _row(population: str, seed: int, branch: PlannedBranch, lives: bool) -> BranchRow:
    return BranchRow(
        population=population,
        seed=seed,
        arm=branch.arm,
        number=branch.number,
        step=branch.step,
        order_seed=branch.order_seed,
        fate=Fate.ALIVE if lives else Fate.DEAD,
        last_step=99,
        digest="0123456789ab",
    )
