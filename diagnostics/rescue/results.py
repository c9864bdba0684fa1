"""The results of a rescue so far: the counts of each arm, and whether it is proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from diagnostics.rescue.cost import RemedyCost, read_costs
from diagnostics.rescue.evidence import LEVEL, TEST, Evidence, rank_among_placebos, weigh
from diagnostics.rescue.fate import Fate
from diagnostics.rescue.no_return import Fates, last_open_step, no_return_step
from diagnostics.rescue.plan import CONTROL, NO_RETURN, PLACEBO, SINGLES, UNCHANGED, RescueArm, RescuePlan
from diagnostics.rescue.record import BranchResult, Ending
from diagnostics.statistics.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1


@dataclass(frozen=True)
class ArmResult:
    """One arm: how many lived, and what that shows against the control.

    arm: what it did.
    lived, died, undecided: how many branches had each fate.
    runs: how many branches are done.
    interval: Wilson's 95 % interval of the share that lived; None without branches.
    evidence: against the control; None for the control, and while branches are missing.
    """

    arm: RescueArm
    lived: int
    died: int
    undecided: int
    runs: int
    interval: tuple[float, float] | None
    evidence: Evidence | None = None

    @property
    def share(self) -> float:
        """The share that lived; 0 without branches."""
        return self.lived / max(1, self.runs)

    @property
    def word(self) -> str:
        """``proven``, ``not shown`` or ``worse``; "" where nothing is compared, or not all branches are done."""
        return "" if self.evidence is None else self.evidence.word


@dataclass(frozen=True)
class SingleResult:
    """One step altered, against its placebos: the same done at one of the steps before.

    arm: what it did.
    lived: of the branches in which it was done, how many lived.
    runs: how many such branches are done.
    placebo_lived: of the placebos, how many lived.
    placebo_runs: how many placebos are done.
    p: for a single branch its rank among the placebos; for several McNemar's exact test, pair by pair. It is not
        adjusted for other arms. None while branches are missing.
    """

    arm: RescueArm
    lived: int
    runs: int
    placebo_lived: int
    placebo_runs: int
    p: float | None

    @property
    def word(self) -> str:
        """``shown`` or ``not shown``; "" while branches are missing."""
        if self.p is None:
            return ""
        better = self.placebo_runs > 0 and self.lived * self.placebo_runs > self.placebo_lived * self.runs
        return "shown" if better and self.p < 0.05 else "not shown"


@dataclass(frozen=True)
class Point:
    """A branch point of the search for the point of no return.

    step: where the control branches begin.
    died: how many of them died.
    runs: how many are done.
    interval: Wilson's 95 % interval of the share that died; None without branches.
    """

    step: int
    died: int
    runs: int
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class RescueResult:
    """All that a rescue has shown.

    plan: what was planned.
    unchanged: what became of the branch without any change; None before it is done.
    control: the control.
    arms: the remedies and their doses against the control, in the order of the plan.
    singles: the arms that alter one step, against their placebos.
    points: the search for the point of no return, in order of steps.
    results: the branches, by key.
    costs: what proven remedies cost in accuracy, as far as branches were trained to the end of the run.
    """

    plan: RescuePlan
    unchanged: BranchResult | None
    control: ArmResult
    arms: tuple[ArmResult, ...]
    singles: tuple[SingleResult, ...]
    points: tuple[Point, ...]
    results: Mapping[str, BranchResult]
    costs: tuple[RemedyCost, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all branches of the plan are done."""
        return len(self.results) == len(self.plan.branches)

    def arm_of(self, key: str) -> ArmResult | None:
        """The arm of the remedy with this key; None where the plan has none. Its doses are other arms."""
        return next((arm for arm in self.arms if arm.arm.name == key), None)

    @property
    def proven(self) -> tuple[ArmResult, ...]:
        """The arms that are proven, those that saved most first."""
        return tuple(sorted((a for a in self.arms if a.word == "proven"), key=lambda a: -a.share))

    @property
    def last_open_step(self) -> int | None:
        """The last branch point from which fewer than half of the control branches died; None where there is none."""
        return last_open_step(self._fates_by_step)

    @property
    def no_return(self) -> int | None:
        """The first branch point from which all control branches died, and from all later ones; None without."""
        return no_return_step(self._fates_by_step)

    @property
    def _fates_by_step(self) -> list[Fates]:
        arms = [arm for arm in self.plan.arms if arm.name == NO_RETURN]
        return [
            (arm.branches[0].step, [self.results[b.key].fate for b in arm.branches if b.key in self.results])
            for arm in arms
        ]

    def branches(self) -> pd.DataFrame:
        """One row a branch: arm, dose, step, order_seed, number, intervention, fate, steps, last_step, digest."""
        import pandas as pd

        rows = [
            {
                "key": branch.key,
                "arm": branch.arm,
                "dose": branch.dose,
                "step": branch.step,
                "order_seed": branch.order_seed,
                "number": branch.number,
                "intervention": str(branch.intervention),
                "fate": str(result.fate),
                "steps": result.last_step - branch.step + 1,
                "last_step": result.last_step,
                "digest": result.digest,
            }
            for branch in self.plan.branches
            if (result := self.results.get(branch.key)) is not None
        ]
        columns = ("key", "arm", "dose", "step", "order_seed", "number", "intervention", "fate", "steps", "last_step")
        return pd.DataFrame(rows, columns=[*columns, "digest"]).set_index("key")

    def to_json(self) -> dict[str, Any]:
        """Plain types, as ``lenet-diag rescue --json`` prints them."""
        return {
            "format_version": FORMAT_VERSION,
            "plan": self.plan.to_json(),
            "test": TEST,
            "level": LEVEL,
            "unchanged": None if self.unchanged is None else str(self.unchanged.fate),
            "control": _arm_json(self.control),
            "arms": [_arm_json(arm) for arm in self.arms],
            "singles": [
                {
                    "arm": one.arm.name,
                    "title": one.arm.title,
                    "lived": one.lived,
                    "runs": one.runs,
                    "placebo_lived": one.placebo_lived,
                    "placebo_runs": one.placebo_runs,
                    "p": one.p,
                    "word": one.word,
                }
                for one in self.singles
            ],
            "points": [asdict(point) for point in self.points],
            "last_open_step": self.last_open_step,
            "no_return": self.no_return,
            "costs": [cost.to_json() for cost in self.costs],
        }


def read_results(
    plan: RescuePlan, results: Mapping[str, BranchResult], endings: Mapping[str, Ending] | None = None
) -> RescueResult:
    """The results of the branches that are done.

    plan: the plan of the rescue.
    results: the branches that are done, by key. While branches are missing nothing is tested.
    endings: those that were trained to the end of the run, by key; None (default) for none.
    """
    fates = {
        (arm.name, arm.dose): {
            (b.number if b.order_seed is None else b.order_seed): results[b.key].fate
            for b in arm.branches
            if b.key in results
        }
        for arm in plan.arms
    }
    arms = {(arm.name, arm.dose): arm for arm in plan.arms}
    control = arms[CONTROL, None]
    compared = {str((arm.name, arm.dose)): (arm.name, arm.dose) for arm in plan.compared}
    is_done = all(branch.key in results for branch in plan.branches if branch.arm != UNCHANGED)
    evidence = weigh({name: fates[key] for name, key in compared.items()}, fates[CONTROL, None]) if is_done else {}
    unchanged = next((results.get(b.key) for b in plan.branches if b.arm == UNCHANGED), None)
    return RescueResult(
        plan,
        unchanged,
        _counted(control, fates[CONTROL, None]),
        tuple(_counted(arms[key], fates[key], evidence.get(name)) for name, key in compared.items()),
        tuple(
            _single(arms[name, None], fates[name, None], fates[name + PLACEBO, None], is_done)
            for name in SINGLES
            if (name, None) in arms
        ),
        tuple(_point(arm, fates[arm.name, arm.dose]) for arm in plan.arms if arm.name == NO_RETURN),
        dict(results),
        read_costs(plan, endings or {}),
    )


def _counted(arm: RescueArm, fates: Mapping[int, Fate], evidence: Evidence | None = None) -> ArmResult:
    counts, runs = Counter(fates.values()), len(fates)
    lived, died, undecided = (counts[fate] for fate in (Fate.ALIVE, Fate.DEAD, Fate.UNDECIDED))
    return ArmResult(arm, lived, died, undecided, runs, wilson(lived, runs), evidence)


def _single(arm: RescueArm, fates: Mapping[int, Fate], placebos: Mapping[int, Fate], is_done: bool) -> SingleResult:
    lived, placebo_lived = ([*one.values()].count(Fate.ALIVE) for one in (fates, placebos))
    if len(arm.branches) == 1:
        p = rank_among_placebos(lived == 1, list(placebos.values()))
    else:
        p = weigh({arm.name: fates}, placebos)[arm.name].p
    return SingleResult(arm, lived, len(fates), placebo_lived, len(placebos), p if is_done else None)


def _point(arm: RescueArm, fates: Mapping[int, Fate]) -> Point:
    died = [*fates.values()].count(Fate.DEAD)
    return Point(arm.branches[0].step, died, len(fates), wilson(died, len(fates)))


def _arm_json(arm: ArmResult) -> dict[str, Any]:
    evidence = None if arm.evidence is None else {**asdict(arm.evidence), "word": arm.evidence.word}
    return {
        "arm": arm.arm.name,
        "title": arm.arm.title,
        "dose": arm.arm.dose,
        "lived": arm.lived,
        "died": arm.died,
        "undecided": arm.undecided,
        "runs": arm.runs,
        "interval": list(arm.interval or (None, None)),
        "evidence": evidence,
    }
