"""Rescues made up of fates: what a rescue shows when its branches live or die as a test wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from diagnostics.rescue.fate import Fate
from diagnostics.rescue.patient import Patient, Treatment
from diagnostics.rescue.plan import PlannedBranch, RescuePlan, make_plan
from diagnostics.rescue.record import BranchResult
from diagnostics.rescue.results import RescueResult, read_results

PATIENT = Patient(
    name="dead",
    run_id="1",
    first_link=34,
    blow=53,
    confirmed=73,
    layers=("conv2",),
    learning_rate=0.5,
    usual_gradient_norm=0.3,
    usual_share_of_update=0.2,
    remedies=(
        Treatment("clip", "clipping the gradient by its norm", {"clip_norm": 1.0}),
        Treatment("warm-up", "warm-up", {"warmup": 100}),
    ),
)
LIVED = {"control": 8, "clip": 20, "warm-up": 10, "swapped-batch": 11, "swapped-batch placebo": 9, "but-for placebo": 6}
LOSSES = tuple((step, 2.3 - 0.01 * step) for step in range(30, 60, 10))
DIED_FROM = {0: 8, 34: 12, 53: 19}
"""Of the control's branches from these steps on, how many of twenty died; from later steps all did."""


def fate(branch: PlannedBranch) -> Fate:
    """Clipping saves all, half the control dies, and the run is lost from the blow on."""
    if branch.arm in ("unchanged", "but-for", "scaled-update"):
        return Fate.DEAD
    if branch.arm == "no-return":
        died = next((n for step, n in sorted(DIED_FROM.items(), reverse=True) if branch.step >= step), 0)
        died = 20 if branch.step > 53 else died
        return Fate.DEAD if branch.number < died else Fate.ALIVE
    if branch.dose is not None:
        return Fate.ALIVE if branch.number < 20 * (1 - branch.dose / 5) else Fate.DEAD
    return Fate.ALIVE if branch.number < LIVED.get(branch.arm, 0) else Fate.DEAD


def made_up_plan() -> RescuePlan:
    return make_plan(PATIENT)


def made_up_rescue(done: int | None = None, arms: Sequence[str] = ()) -> RescueResult:
    """The result when the first ``done`` branches of the plan are done, by default all; of ``arms`` or all arms."""
    plan = make_plan(PATIENT, arms=arms)
    results = {
        branch.key: BranchResult(branch.key, fate(branch), 99, f"{i:064x}", LOSSES)
        for i, branch in enumerate(plan.branches[:done])
    }
    return read_results(plan, results)


def rescue_in_which(lived: Mapping[str, int], done: int | None = None) -> RescueResult:
    """The result where of twenty branches of each remedy so many lived, and of the control eight.

    ``done``: how many branches are done, in the order of ``lived`` after the unchanged one and the control; None
    (default) for all.
    """
    remedies = tuple(Treatment(key, key, {"lr": 0.1}) for key in lived)
    plan = make_plan(replace(PATIENT, remedies=remedies), arms=tuple(lived))
    counts = {**LIVED, **lived}
    results = {
        branch.key: BranchResult(
            branch.key, Fate.ALIVE if branch.number < counts.get(branch.arm, 0) else Fate.DEAD, 99, f"{i:064x}", LOSSES
        )
        for i, branch in enumerate(plan.branches[:done])
    }
    return read_results(plan, results)
