"""What the counts of an arm show against its control.

Branches of one order seed are a pair: the same samples in the same order, with and
without the intervention. Pairs are compared by McNemar's exact test, and the p-values
of all arms of a rescue are adjusted by Holm's method, which bounds the probability of
calling any arm proven that does nothing. A single branch (an update left out) is
ranked among its placebos instead, a permutation test.

References
----------
Q. McNemar, Psychometrika 12 (1947) 153, doi:10.1007/BF02295996.
S. Holm, Scand. J. Stat. 6 (1979) 65, https://www.jstor.org/stable/4615733.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diagnostics.rescue.fate import Fate
from diagnostics.statistics.intervals import mcnemar, wilson

LEVEL = 0.05
TEST = "McNemar's exact test on the pairs, adjusted by Holm for all arms that are compared with the control"
PROVEN, NOT_SHOWN, WORSE = "proven", "not shown", "worse"


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted by Holm's step-down method, in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, (len(p_values) - rank) * p_values[place])
        adjusted[place] = min(1.0, largest)
    return adjusted


def most_by_luck(runs: int, arms: int) -> int:
    """The most branches of the control that may live if any arm is to be proven; -1 where ``runs`` are too few.

    An arm can save no more than the branches that did not live in the control.

    runs: how many branches the control and each arm have.
    arms: how many arms are compared with it.
    """
    return max((lived for lived in range(runs) if mcnemar(runs - lived, 0) * arms < LEVEL), default=-1)


@dataclass(frozen=True)
class Evidence:
    """An arm against the control, over the order seeds that both have.

    lived: how many branches of the arm lived.
    runs: how many branches the arm has.
    interval: Wilson's 95 % interval of the share that lived; None without branches.
    control_lived: how many branches of the control lived.
    control_runs: how many branches the control has.
    pairs: how many order seeds both have.
    saved: pairs in which only the branch of the arm lived.
    lost: pairs in which only the branch of the control lived.
    p: McNemar's exact two-sided p-value.
    adjusted_p: the same after Holm's adjustment over all arms of the rescue.
    """

    lived: int
    runs: int
    interval: tuple[float, float] | None
    control_lived: int
    control_runs: int
    pairs: int
    saved: int
    lost: int
    p: float
    adjusted_p: float

    @property
    def word(self) -> str:
        """``proven``, ``not shown`` or ``worse``."""
        if self.adjusted_p >= LEVEL:
            return NOT_SHOWN
        return PROVEN if self.saved > self.lost else WORSE


def weigh(arms: Mapping[str, Mapping[int, Fate]], control: Mapping[int, Fate]) -> dict[str, Evidence]:
    """The evidence of every arm.

    arms: the fates of each arm's branches by order seed, the arms by name.
    control: the fates of the control's branches by order seed.
    """
    counted = {}
    control_lived = [*control.values()].count(Fate.ALIVE)
    for name, fates in arms.items():
        shared = fates.keys() & control.keys()
        saved = sum(fates[seed] is Fate.ALIVE and control[seed] is not Fate.ALIVE for seed in shared)
        lost = sum(fates[seed] is not Fate.ALIVE and control[seed] is Fate.ALIVE for seed in shared)
        lived, runs = [*fates.values()].count(Fate.ALIVE), len(fates)
        of_both = (lived, runs, wilson(lived, runs), control_lived, len(control))
        counted[name] = (*of_both, len(shared), saved, lost, mcnemar(saved, lost))
    adjusted = holm([p for *_, p in counted.values()])
    return {
        name: Evidence(*counts, adjusted_p)
        for (name, counts), adjusted_p in zip(counted.items(), adjusted, strict=True)
    }


def rank_among_placebos(lives: bool, placebos: Sequence[Fate]) -> float:
    """The p-value of a single branch among branches in which the same was done at another step.

    It answers how often a branch drawn at random from all of them, the tried one included,
    does at least as well; 1 where the tried branch did not live.
    """
    if not lives:
        return 1.0
    return (1 + placebos.count(Fate.ALIVE)) / (1 + len(placebos))
