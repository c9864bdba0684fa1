"""Compares one arm with another: whether its runs die less often, and what that costs in accuracy.

Where both arms ran the same seeds, their runs are compared in pairs (McNemar's
exact test), otherwise as independent groups (Fisher's exact test). With several
arms against one control the p-values are adjusted for the number of arms (Benjamini,
Hochberg). The words "helps" and "hurts" need an adjusted p below 0.05.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from diagnostics.arguments import expect_kind, expect_several
from diagnostics.errors import StudyError
from diagnostics.statistics.group import GROUPS, Group
from diagnostics.statistics.intervals import adjust, fisher, mcnemar, mean_interval, newcombe, points_words
from diagnostics.statistics.means import Mean
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.views import ShownInNotebooks
from lenet.arguments import did_you_mean

LEVEL = 0.05
PAIRED_SHARE = 0.8
"""Runs are compared in pairs where at least this share of the judged runs of the smaller arm have their seed in the
other arm too. In a study that is not finished the control may be ahead."""


@dataclass(frozen=True)
class Comparison(ShownInNotebooks):
    """One arm against its control. Differences are arm minus control; p-values are two-sided.

    Args:
        arm: the runs that are compared.
        control: the runs they are compared with.
        difference: the difference of the defect rates; None where an arm has no judged run.
        interval: Newcombe's 95 % interval of the difference.
        fisher_p: the p-value of Fisher's exact test.
        pairs: how many seeds were judged in both arms; 0 where runs are not compared in pairs.
        saved: how many of these seeds died in the control alone.
        lost: how many of these seeds died in the arm alone.
        mcnemar_p: the p-value of McNemar's exact test, None without pairs.
        cost: the mean difference of validation accuracy over the seeds that survive in both arms.
        cost_interval: Student's 95 % interval of that mean.
        adjusted_p: the decisive p-value, adjusted for the number of arms; None (default) where there is none.
        unpaired: the label of an arm in which a seed occurs more than once, so that there are no pairs; None (default)
            where every arm has each seed once.
    """

    arm: Group
    control: Group
    difference: float | None
    interval: tuple[float, float] | None
    fisher_p: float | None
    pairs: int
    saved: int
    lost: int
    mcnemar_p: float | None
    cost: Mean
    cost_interval: tuple[float, float] | None
    adjusted_p: float | None = None
    unpaired: str | None = None

    def __repr__(self) -> str:
        arm, control = (f"{one.defect_runs} of {one.judged}" for one in (self.arm, self.control))
        p = "none" if self.adjusted_p is None else f"{self.adjusted_p:.2g}"
        return (
            f"<Comparison of {self.arm.label} with {self.control.label}: {arm} against {control} defect runs, "
            f"adjusted p {p}, {self.effect}>"
        )

    @property
    def p(self) -> float | None:
        """The decisive p-value: McNemar's where there are pairs, else Fisher's."""
        return self.fisher_p if self.mcnemar_p is None else self.mcnemar_p

    @property
    def effect(self) -> str:
        """``helps``, ``hurts``, ``not shown`` or ``not comparable``."""
        if self.difference is None or self.adjusted_p is None:
            return "not comparable"
        if self.adjusted_p >= LEVEL:
            return "not shown"
        # Where there are pairs, they decide. The rates may even point the other way.
        gain = self.saved - self.lost if self.mcnemar_p is not None else -self.difference
        return "helps" if gain > 0 else "hurts"

    @property
    def words(self) -> str:
        """The result in a sentence."""
        k, n = self.arm.defect_runs, self.arm.judged
        counts = f"{k} of {n} defect runs against {self.control.defect_runs} of {self.control.judged}"
        if self.difference is None or self.interval is None or self.p is None:
            return f"{self.effect}: {counts}"
        effect = self.effect + (f" with n = {n}" if self.effect == "not shown" else "")
        test = "Fisher" + (f", not in pairs: a seed occurs twice in {self.unpaired}" if self.unpaired else "")
        if self.mcnemar_p is not None:
            test = f"McNemar, {self.saved} seed{'s' * (self.saved != 1)} saved and {self.lost} lost of {self.pairs}"
        return (
            f"{effect}: {counts}, {100 * self.difference:+.0f} percentage points "
            f"(95 % interval {points_words(self.interval)}), p {_p(self.p)} ({test}){self._adjusted()}"
        )

    def _adjusted(self) -> str:
        if self.adjusted_p is None or self.adjusted_p == self.p:
            return ""
        return f", {_p(self.adjusted_p).removeprefix('= ')} adjusted for the number of arms"

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {
            "arm": self.arm.label,
            "control": self.control.label,
            "effect": self.effect,
            "difference": self.difference,
            "interval": list(self.interval or (None, None)),
            "fisher_p": self.fisher_p,
            "pairs": self.pairs,
            "saved": self.saved,
            "lost": self.lost,
            "mcnemar_p": self.mcnemar_p,
            "adjusted_p": self.adjusted_p,
            "unpaired": self.unpaired,
            "accuracy_cost": self.cost.to_json(),
            "accuracy_cost_interval": list(self.cost_interval or (None, None)),
            "words": self.words,
        }


def compare(arm: Group, control: Group) -> Comparison:
    """One arm against the control; the p-value is not adjusted.

    Args:
        arm: the runs that are compared.
        control: the runs they are compared with.

    Raises:
        TypeError: one of them is no Group.
    """
    expect_kind("arm", arm, Group, "one of the groups that group_runs(summaries) gives")
    expect_kind("control", control, Group, "one of the groups that group_runs(summaries) gives")
    k1, n1, k2, n2 = arm.defect_runs, arm.judged, control.defect_runs, control.judged
    pairs = _pairs(arm, control)
    saved = sum(b.is_defect and not a.is_defect for a, b in pairs)
    lost = sum(a.is_defect and not b.is_defect for a, b in pairs)
    costs = [
        a.validation_accuracy - b.validation_accuracy
        for a, b in pairs
        if a.is_survivor and b.is_survivor and a.validation_accuracy is not None and b.validation_accuracy is not None
    ]
    p = mcnemar(saved, lost) if pairs else None
    fisher_p = fisher(k1, n1, k2, n2)
    return Comparison(
        arm,
        control,
        k1 / n1 - k2 / n2 if n1 and n2 else None,
        newcombe(k1, n1, k2, n2),
        fisher_p,
        len(pairs),
        saved,
        lost,
        p,
        Mean.of(costs),
        mean_interval(costs),
        fisher_p if p is None else p,
        next((group.label for group in (arm, control) if _repeats_a_seed(group)), None),
    )


def compare_all(groups: Sequence[Group], control: Group | str | None = None) -> list[Comparison]:
    """Every other group against one control, with p-values adjusted for their number.

    Args:
        groups: the arms.
        control: the arm that the others are compared with, or its label, or a part that no other label has; None
            (default) for the first.

    Raises:
        TypeError: what is no list of groups.
        StudyError: a label that no arm has.
    """
    groups = expect_several("groups", groups, GROUPS, Group)
    if not groups:
        return []
    control = (control_among(groups, control) if isinstance(control, str) else control) or groups[0]
    made = [compare(group, control) for group in groups if group is not control]
    asked = [c for c in made if c.p is not None]
    adjusted = dict(zip(map(id, asked), adjust([c.p for c in asked if c.p is not None]), strict=True))
    return [replace(c, adjusted_p=adjusted.get(id(c))) for c in made]


def control_among(groups: Sequence[Group], name: str | None, argument: str = "control") -> Group | None:
    """The group with this label, or the only one whose label contains ``name``; None for None.

    Raises StudyError, which begins with ``argument`` and names the labels that there are.
    """
    if name is None:
        return None
    labels = [group.label for group in groups]
    found = [group for group in groups if group.label == name] or [group for group in groups if name in group.label]
    if name and len(found) == 1:
        return found[0]
    expected = f"expected one of {', '.join(labels)}, or a part that one of them has alone"
    raise StudyError(f"{argument}: received {name!r}, {expected}{did_you_mean(name, labels)}")


def _pairs(arm: Group, control: Group) -> list[tuple[RunSummary, RunSummary]]:
    """The runs judged in both arms, by seed; none where too few of them match."""
    first, second = by_seed(arm) or {}, by_seed(control) or {}
    seeds = sorted(first.keys() & second.keys())
    enough = bool(seeds) and len(seeds) >= PAIRED_SHARE * min(len(first), len(second))
    return [(first[seed], second[seed]) for seed in seeds] if enough else []


def by_seed(group: Group) -> dict[int, RunSummary] | None:
    """The judged runs by seed; None where a seed is missing or comes twice."""
    judged = [run for run in group.runs if run.is_judged]
    found = {run.seed: run for run in judged if run.seed is not None}
    return found if len(found) == len(judged) else None


def _repeats_a_seed(group: Group) -> bool:
    seeds = [run.seed for run in group.runs if run.is_judged and run.seed is not None]
    return len(set(seeds)) < len(seeds)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
