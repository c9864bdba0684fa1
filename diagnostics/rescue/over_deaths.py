"""What rescues show over many deaths: luck, remedies, the first link against its placebo, and the point of no return.

Deaths are the units of what is said about them: shares are means over deaths, with
Student's intervals. An arm is tested twice against the control. The first test pools the
pairs of branches of all deaths and takes them as independent of one another. The branches
of one death begin in one state, though, so the second takes the death as the unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from diagnostics.rescue.evidence import NOT_SHOWN, PROVEN, WORSE, holm, weigh
from diagnostics.rescue.fate import Fate
from diagnostics.rescue.no_return import last_open_step, no_return_step
from diagnostics.rescue.plan import CONTROL, NO_RETURN, PLACEBO, UNCHANGED
from diagnostics.rescue.study_tables import BranchRow, SeedRow, StudyTables
from diagnostics.statistics.intervals import mcnemar, mean_interval, sign_flips, wilson

Interval = tuple[float, float]


@dataclass(frozen=True)
class StudiedDeath:
    """One death and its branches.

    run: the row of its seed.
    branches: the rows of its branches.
    """

    run: SeedRow
    branches: tuple[BranchRow, ...]

    @cached_property
    def fates(self) -> Mapping[str, Mapping[int, Fate]]:
        """The fates of each arm by the number of the branch; the search for no return stands in ``points``."""
        found: dict[str, dict[int, Fate]] = {}
        for branch in self.branches:
            if branch.arm != NO_RETURN:
                found.setdefault(branch.arm, {})[branch.number] = branch.fate
        return found

    @cached_property
    def points(self) -> Mapping[int, Sequence[Fate]]:
        """The fates of the branches without a change by their branch point, in order of the points."""
        found: dict[int, list[Fate]] = {}
        for branch in self.branches:
            if branch.arm == NO_RETURN:
                found.setdefault(branch.step, []).append(branch.fate)
        return dict(sorted(found.items()))

    def lived(self, arm: str) -> float | None:
        """The share of an arm's branches that lived; None where it has none."""
        fates = self.fates.get(arm)
        return [*fates.values()].count(Fate.ALIVE) / len(fates) if fates else None

    @property
    def first_link(self) -> int:
        """The step of the first link of its chain."""
        return self.run.first_link or 0

    @property
    def blow(self) -> int:
        """The step of its blow."""
        return self.run.blow or 0

    @property
    def confirmed(self) -> int:
        """The step at which its death was confirmed."""
        return self.run.confirmed or 0

    @property
    def is_reproduced(self) -> bool:
        """Whether the branch in which nothing is changed died, as the log did; its rows were compared then."""
        return set(self.fates[UNCHANGED].values()) == {Fate.DEAD}

    @cached_property
    def last_open_step(self) -> int | None:
        """The last branch point from which fewer than half of the branches died; None where there is none."""
        return last_open_step(list(self.points.items()))

    @cached_property
    def no_return(self) -> int | None:
        """The first branch point from which all branches died, and from all later ones; None where there is none."""
        return no_return_step(list(self.points.items()))


@dataclass(frozen=True)
class Share:
    """A share over deaths: branches of all deaths together, and the mean over deaths.

    count, runs: how many branches had the fate, and how many there are.
    mean: the mean of the deaths' own shares; None without deaths.
    interval: Student's 95 % interval of that mean, within 0 and 1. Where all branches of all deaths had the fate, or
        none, it is Wilson's for so many deaths; None for other equal shares, and without deaths.
    by_death: the deaths' own shares.
    """

    count: int
    runs: int
    mean: float | None
    interval: Interval | None
    by_death: tuple[float, ...]


@dataclass(frozen=True)
class TreatmentOverDeaths:
    """One arm against the control, in each death and over all.

    arm: its name.
    share: how many of its branches lived.
    proven, worse, not_shown: in how many deaths it was called so, after Holm over the arms of that death.
    saved, lost: pairs in which only its branch lived, and in which only the control's lived, over all deaths.
    p: McNemar's exact test of these pairs, after Holm over the arms.
    p_over_deaths: the exact test of the deaths' differences of saved and lost, each as likely with the other sign,
        after Holm over the arms.
    """

    arm: str
    share: Share
    proven: int
    worse: int
    not_shown: int
    saved: int
    lost: int
    p: float
    p_over_deaths: float


@dataclass(frozen=True)
class AgainstPlacebo:
    """Something done at the step of the first link, against the same done at one of the steps before it.

    deaths: how many deaths have at least one placebo.
    share: how many branches lived in which it was done at the first link.
    placebo: how many lived in which it was done at one of the steps before.
    difference: the mean over deaths of the difference of the two shares; None without deaths.
    interval: Student's 95 % interval of it, within -1 and 1; None for fewer than two deaths and for equal differences.
    p: how often as many would live or more, if the step of the first link were like the steps before it; exact.
    """

    deaths: int
    share: Share
    placebo: Share
    difference: float | None
    interval: Interval | None
    p: float

    @property
    def is_better(self) -> bool:
        """Whether the first link is better than its placebo: p below 0.05."""
        return self.p < 0.05


def deaths_of(tables: StudyTables, population: str | None = None) -> list[StudiedDeath]:
    """The deaths that were rescued, in order of populations and seeds; None (default) for all populations."""
    rows: dict[tuple[str, int], list[BranchRow]] = {}
    for branch in tables.branches:
        rows.setdefault((branch.population, branch.seed), []).append(branch)
    return [
        StudiedDeath(run, tuple(rows[run.population, run.seed]))
        for run in tables.runs
        if run.is_rescued and population in (None, run.population)
    ]


def share_lived(deaths: Sequence[StudiedDeath], arm: str) -> Share:
    """How many branches of an arm lived."""
    return _share([list(death.fates[arm].values()) for death in deaths if arm in death.fates], Fate.ALIVE)


def treatments(deaths: Sequence[StudiedDeath], arms: Sequence[str]) -> list[TreatmentOverDeaths]:
    """Each of ``arms`` against the control."""
    judged = [weigh({arm: death.fates[arm] for arm in arms}, death.fates[CONTROL]) for death in deaths]
    saved = {arm: sum(one[arm].saved for one in judged) for arm in arms}
    lost = {arm: sum(one[arm].lost for one in judged) for arm in arms}
    adjusted = holm([mcnemar(saved[arm], lost[arm]) for arm in arms])
    over_deaths = holm([sign_flips([one[arm].saved - one[arm].lost for one in judged]) for arm in arms])
    return [
        TreatmentOverDeaths(
            arm,
            share_lived(deaths, arm),
            proven=sum(one[arm].word == PROVEN for one in judged),
            worse=sum(one[arm].word == WORSE for one in judged),
            not_shown=sum(one[arm].word == NOT_SHOWN for one in judged),
            saved=saved[arm],
            lost=lost[arm],
            p=p,
            p_over_deaths=by_death,
        )
        for arm, p, by_death in zip(arms, adjusted, over_deaths, strict=True)
    ]


def against_placebo(deaths: Sequence[StudiedDeath], arm: str) -> AgainstPlacebo:
    """An arm at the step of the first link against its placebo, over all deaths that have one.

    Within a death, if its step is like those before it, each of the branches is as likely as any other to be the
    one at the first link, so the number that live is a draw without replacement; the sum over deaths of such draws
    has an exact distribution, and ``p`` is its upper tail.
    """
    name = arm + PLACEBO
    having = [death for death in deaths if death.fates.get(name)]
    distribution, lived = np.ones(1), 0
    for death in having:
        own, others = ([*death.fates[one].values()].count(Fate.ALIVE) for one in (arm, name))
        drawn, all_of = len(death.fates[arm]), len(death.fates[arm]) + len(death.fates[name])
        distribution = np.convolve(distribution, _draws(own + others, all_of, drawn))
        lived += own
    differences = [(death.lived(arm) or 0.0) - (death.lived(name) or 0.0) for death in having]
    return AgainstPlacebo(
        len(having),
        share_lived(having, arm),
        share_lived(having, name),
        float(np.mean(differences)) if differences else None,
        _within(mean_interval(differences), -1.0),
        min(1.0, float(distribution[lived:].sum())),
    )


def died_from(deaths: Sequence[StudiedDeath], step: Callable[[StudiedDeath], int]) -> Share:
    """How many branches without a change died of those that begin at a step of each death."""
    fates = [death.points.get(step(death), ()) for death in deaths]
    return _share([list(one) for one in fates if one], Fate.DEAD)


def _share(fates: Sequence[Sequence[Fate]], wanted: Fate) -> Share:
    counts = [one.count(wanted) for one in fates]
    shares = tuple(count / len(one) for count, one in zip(counts, fates, strict=True))
    return Share(
        sum(counts), sum(map(len, fates)), float(np.mean(shares)) if shares else None, _interval(shares), shares
    )


def _interval(shares: Sequence[float]) -> Interval | None:
    """The interval of the mean of the deaths' shares.

    A mean share is at least the share of deaths that have all of it, so that where each death has all, or none, the
    interval of that share holds for the mean too.
    """
    if shares and set(shares) in ({0.0}, {1.0}):
        return wilson(len(shares) if shares[0] else 0, len(shares))
    return _within(mean_interval(shares), 0.0)


def _within(interval: Interval | None, lowest: float) -> Interval | None:
    """The part of an interval that is possible, from ``lowest`` to 1."""
    return None if interval is None else (max(lowest, interval[0]), min(1.0, interval[1]))


def _draws(lived: int, all_of: int, drawn: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The probabilities that 0, 1, ... of ``drawn`` branches live, of ``all_of`` of which ``lived`` live."""
    from scipy.stats import hypergeom

    return np.asarray(hypergeom(all_of, lived, drawn).pmf(np.arange(drawn + 1)), np.float64)
