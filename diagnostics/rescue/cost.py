"""What a remedy costs: validation accuracy at the end of the run, compared with runs that lived without it.

A rescue ends a branch as soon as its fate is certain, which says nothing about how well it
learns. So some branches of the proven remedies, and the control's branches with the same
orders of the samples that lived, are trained to the end of the run and validated there.
Two branches of one order are a pair that differs in the remedy alone. Means and differences
are over branches that are alive at the end; the number of branches that are not is given beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from diagnostics.rescue.fate import Fate
from diagnostics.rescue.plan import CONTROL, PlannedBranch, RescueArm, RescuePlan
from diagnostics.rescue.record import Ending
from diagnostics.statistics.intervals import mean_interval


@dataclass(frozen=True)
class RemedyCost:
    """What one remedy costs. Accuracies and their differences are shares, from 0 to 1.

    arm: the remedy.
    runs: how many of its branches were trained to the end of the run.
    alive: how many of them are alive there.
    accuracy: their mean validation accuracy; None without any.
    pairs: with how many orders of the samples a branch of the control is alive at the end as well.
    difference: the mean accuracy with the remedy, less that without it, over these pairs; None without any.
    interval: Student's 95 % interval of that mean; None for fewer than two pairs.
    """

    arm: RescueArm
    runs: int
    alive: int
    accuracy: float | None
    pairs: int
    difference: float | None
    interval: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {"arm": self.arm.name, "dose": self.arm.dose, **{n: v for n, v in asdict(self).items() if n != "arm"}}


def read_costs(plan: RescuePlan, endings: Mapping[str, Ending]) -> tuple[RemedyCost, ...]:
    """What the endings that are there show of each remedy, in the order of the plan."""
    by_arm = {(arm.name, arm.dose): _by_order(arm.branches, endings) for arm in plan.arms}
    control = by_arm[CONTROL, None]
    return tuple(
        _cost(arm, found, control) for arm in plan.arms if arm.name != CONTROL and (found := by_arm[arm.name, arm.dose])
    )


def _by_order(branches: Iterable[PlannedBranch], endings: Mapping[str, Ending]) -> dict[int | None, Ending]:
    return {branch.order_seed: endings[branch.key] for branch in branches if branch.key in endings}


def _cost(arm: RescueArm, found: Mapping[int | None, Ending], control: Mapping[int | None, Ending]) -> RemedyCost:
    ours, theirs = _alive(found), _alive(control)
    differences = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
    return RemedyCost(
        arm,
        len(found),
        len(ours),
        float(np.mean(list(ours.values()))) if ours else None,
        len(differences),
        float(np.mean(differences)) if differences else None,
        mean_interval(differences),
    )


def _alive(endings: Mapping[int | None, Ending]) -> dict[int | None, float]:
    return {seed: one.accuracy for seed, one in endings.items() if one.fate is Fate.ALIVE}
