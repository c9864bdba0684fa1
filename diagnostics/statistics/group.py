"""Statistics over runs: how many died, and every mean with and without the defect runs.

n counts the runs that were judged; undecided and crashed runs are counted beside it.
"All" means every run that did not crash, and "survivors" the healthy and the recovered
ones. The mean over survivors and its k of n are attributes of the same :class:`Group`,
so that neither is printed without the other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from diagnostics.arguments import expect_name
from diagnostics.detect.findings import Verdict
from diagnostics.files import readable_name
from diagnostics.statistics.behind import runs_behind
from diagnostics.statistics.intervals import wilson
from diagnostics.statistics.means import SINGLE_METRICS, Mean, Metrics, metrics
from diagnostics.statistics.run_summary import RunSummary
from diagnostics.views import ShownInNotebooks

JSON_VERSION = 1
"""The version of the form of ``stats --json``. It changes where a key is taken away or gets another meaning, and not
where keys are added."""

GROUPS = "groups, as group_runs(summaries) gives them"
"""What messages call a list of them."""
DEFECT_KINDS = (Verdict.NEVER_LEARNED, Verdict.COLLAPSED, Verdict.DIVERGED)


@dataclass(frozen=True)
class Group(ShownInNotebooks):
    """The runs of one arm, counted and averaged.

    Args:
        label: the name of the arm.
        runs: the summaries of its runs.
        exclude_defect_steps: whether step and epoch figures leave out defect iterations; default False.
    """

    label: str
    runs: tuple[RunSummary, ...]
    exclude_defect_steps: bool = False

    def __repr__(self) -> str:
        return f"<Group {self.label}: {self.defect_runs} of {self.judged} are defect runs>"

    @cached_property
    def kept(self) -> tuple[RunSummary, ...]:
        """All runs that did not crash."""
        return tuple(r for r in self.runs if not r.is_crashed)

    @property
    def judged(self) -> int:
        """n: the number of runs that count in the defect rate."""
        return sum(r.is_judged for r in self.runs)

    @property
    def defect_runs(self) -> int:
        """k: the number of defect runs among them."""
        return sum(r.is_defect for r in self.runs)

    @property
    def defect_rate(self) -> float | None:
        """The share k/n."""
        return self.defect_runs / self.judged if self.judged else None

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of the defect rate."""
        return wilson(self.defect_runs, self.judged)

    @property
    def by_kind(self) -> dict[str, int]:
        """The number of defect runs by their defect, rescued runs included."""
        kinds = Counter(r.kind for r in self.runs if r.is_defect)
        return {str(kind): kinds[str(kind)] for kind in DEFECT_KINDS}

    @property
    def rescued(self) -> int:
        """The number of defect runs that ended well after they were turned back from their defect."""
        return sum(r.is_rescued for r in self.runs)

    @property
    def turned_back(self) -> int:
        """The number of defect runs that were turned back, rescued or not."""
        return sum(r.is_rescued or (r.is_defect and r.rollbacks > 0) for r in self.runs)

    @property
    def recovered(self) -> int:
        """The number of survivors that had a defect stretch."""
        return sum(r.is_survivor and r.verdict is Verdict.RECOVERED for r in self.runs)

    @property
    def undecided(self) -> int:
        """The number of runs that ended before they could be judged; they are not in n."""
        return sum(not r.is_crashed and r.is_undecided for r in self.runs)

    @property
    def crashed(self) -> int:
        """The number of runs that an error or a kill ended; they are not in n."""
        return sum(r.is_crashed for r in self.runs)

    @property
    def cut_short(self) -> int:
        """The number of runs that did not crash and made fewer steps than asked for (`--on-defect stop`, Ctrl-C)."""
        return sum(r.is_cut_short for r in self.kept)

    @property
    def steps(self) -> int:
        """The number of steps of all runs that did not crash."""
        return sum(r.steps for r in self.kept)

    @property
    def defect_steps(self) -> int:
        """The number of defect iterations among them."""
        return sum(r.defect_steps for r in self.kept)

    @cached_property
    def all(self) -> Metrics:
        """Means over all runs that did not crash."""
        return metrics(self.kept, self.exclude_defect_steps)

    @cached_property
    def survivors(self) -> Metrics:
        """Means over the healthy and the recovered runs."""
        return metrics([r for r in self.runs if r.is_survivor], self.exclude_defect_steps)

    @cached_property
    def behind(self) -> tuple[RunSummary, ...]:
        """The survivors that ended far behind the others, see :mod:`diagnostics.statistics.behind`."""
        return runs_behind(self.runs)

    def to_json(self) -> dict[str, Any]:
        """The keys of a group in ``stats --json``, and the files the numbers come from."""
        return {
            "label": self.label,
            "runs": len(self.runs),
            "judged": self.judged,
            "defect_runs": self.defect_runs,
            "defect_rate": self.defect_rate,
            "defect_rate_interval": list(self.interval) if self.interval else [None, None],
            "by_kind": self.by_kind,
            "recovered": self.recovered,
            "rescued": self.rescued,
            "turned_back": self.turned_back,
            "undecided": self.undecided,
            "crashed": self.crashed,
            "cut_short": self.cut_short,
            "steps": self.steps,
            "defect_steps": self.defect_steps,
            "defect_steps_excluded": self.exclude_defect_steps,
            "all": self.all.to_json(),
            "survivors": self.survivors.to_json(),
            "behind": [r.name for r in self.behind],
            "files": [
                {
                    "run": r.name,
                    "path": readable_name(r.path),
                    "seed": r.seed,
                    "verdict": str(r.verdict),
                    "is_defect": r.is_defect,
                    "epoch_accuracy": [epoch.accuracy for epoch in r.epochs],
                    "status": r.status,
                    "rollbacks": r.rollbacks,
                }
                for r in self.runs
            ],
        }


def sensitivity(group: Group, metric: str = "validation_accuracy") -> str | None:
    """How far a mean moves without the defect runs: "leaving out 10 of 40 moves the mean from 0.741 to 0.951".

    Where runs lack the figure, or none is left, the sentence says so. None where no run has it.

    Args:
        group: the runs.
        metric: a name of :class:`Metrics`; epoch accuracies are taken at the last epoch; default
            "validation_accuracy".

    Raises:
        UnknownNameError: a metric that there is not.
    """
    expect_name("metric", metric, ("epoch_accuracy", *SINGLE_METRICS))
    before, after = (getattr(m, metric) for m in (group.all, group.survivors))
    emptied, last = 0, 0
    if metric == "epoch_accuracy":
        if not before:
            return None
        last = len(before)
        emptied = _emptied(group, last)
        before, after = before[-1], after[-1] if len(after) == last else Mean.of(())
    if before.mean is None:
        return None
    left_out, unknown = before.n - after.n, len(group.kept) - before.n
    early = sum(run.status != "completed" and not _is_recorded(run, metric, last) for run in group.kept)
    missing = _missing(early, unknown - emptied - early, emptied, len(group.kept))
    if left_out:
        out = f"leaving out {left_out} of {before.n}{_undecided(group, metric)}"
        moved = f"{out} leaves none, and the mean {before.mean:.3f} is of no survivor"
        if after.mean is not None:
            moved = f"{out} moves the mean from {before.mean:.3f} to {after.mean:.3f}"
        return f"{moved}; {missing}" if unknown else moved
    if unknown:
        alone = f"so the mean {before.mean:.3f} is of survivors alone"
        return f"{missing}, {alone} (defect runs {group.defect_runs} of {group.judged})"
    return f"nothing to leave out: {'the one run survives' if before.n == 1 else f'all {before.n} runs survive'}"


def _emptied(group: Group, last: int) -> int:
    """The number of runs without an accuracy of epoch ``last``, since all its steps are left out."""
    whole = metrics(group.kept).epoch_accuracy
    return whole[last - 1].n - group.all.epoch_accuracy[last - 1].n if group.exclude_defect_steps else 0


def _is_recorded(run: RunSummary, metric: str, last: int) -> bool:
    """Whether a run has the figure in its log; an epoch accuracy is that of epoch ``last``."""
    mean = getattr(metrics([run]), metric)
    if metric == "epoch_accuracy":
        return len(mean) >= last and mean[last - 1].n > 0
    return bool(mean.n)


def _missing(early: int, unrecorded: int, emptied: int, kept: int) -> str:
    """Why runs lack the figure, in words.

    early: the number of those that ended early.
    unrecorded: the number of those that made all their steps and have none in their log.
    emptied: the number of those whose steps of the epoch are left out.
    kept: the number of all runs.
    """
    reasons = []
    if early:
        reasons.append(f"{early} of {kept} runs have none, since they ended early")
    if unrecorded:
        reasons.append(f"{unrecorded} of {kept} runs have none, since none was recorded")
    if emptied:
        reasons.append(f"{emptied} of {kept} runs have none, since all their steps of that epoch are left out")
    return " and ".join(reasons)


def _undecided(group: Group, metric: str) -> str:
    """The number of undecided runs among those that are left out, in words."""
    runs = [r for r in group.kept if r.is_undecided]
    mean = getattr(metrics(runs, group.exclude_defect_steps), metric)
    if metric == "epoch_accuracy":
        mean = mean[-1] if len(mean) == len(group.all.epoch_accuracy) and mean else None
    return f" ({mean.n} of them undecided)" if mean is not None and mean.n else ""
