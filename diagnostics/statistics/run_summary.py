"""RunSummary: the numbers of one run that statistics need, small enough to keep beside the log.

:mod:`diagnostics.statistics.summarising` takes them from a run. Most summaries are read from the
files that :mod:`diagnostics.statistics.summary_cache` keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from diagnostics.detect.findings import Verdict

# The status in a damaged log says nothing certain about its run.
CRASHED = ("crashed", "failed", "damaged")


@dataclass(frozen=True, slots=True)
class EpochSummary:
    """One whole epoch.

    Args:
        epoch: its number, from 1.
        accuracy: its training accuracy.
        seconds: its time.
        defect_steps: how many of its steps are defect iterations.
        clean_accuracy: the accuracy of its other steps; None where there are none.
    """

    epoch: int
    accuracy: float | None
    seconds: float | None
    defect_steps: int = 0
    clean_accuracy: float | None = None


@dataclass(frozen=True)
class RunSummary:
    """The numbers of one run for statistics. Every number comes from its log; None means that it is not known.

    Args:
        name: the name of the run file.
        verdict: its verdict.
        status: how it ended, see :class:`diagnostics.run.run.Run`; "damaged" for a damaged log.
        seed: the seed of the run.
        arm: its settings; runs that differ in nothing but the seed are one arm.
        threads: how many threads it trained with.
        steps: how many steps it made.
        planned_steps: how many it was asked for.
        defect_steps: how many of its steps are defect iterations.
        onset: the first step of the stretch that decides the verdict.
        confirmed: the step whose row made the detector sure of that stretch.
        cause: the rule of the first link of the chain.
        cause_layer: the layer of the first link.
        cause_step: the step of the first link.
        blow: the rule of the blow.
        blow_layer: the layer of the blow.
        broke_at: the step at which the run died, that of the blow.
        changed_limits: value and default of each limit that does not have its default.
        epochs: its whole epochs.
        validation_accuracy: the validation accuracy of the final model.
        step_seconds: the mean time of its steps.
        clean_step_seconds: the mean time of the steps that are no defect iterations.
        training_seconds: the time of all steps, without hooks.
        validation_seconds: the mean time of its validations.
        total_seconds: the time of training and one validation.
        path: the run file.
        rollbacks: how often it was turned back from a defect. Onset and cause of a run that did not die again are
            those of the defect that was undone last. Undone steps count in no number of steps.
        undone_kind: the defect from which it was turned back the last time, as a verdict.
        turned_back_to: the step from which it went on then.
        turned_back_with: the remedy with which it went on then, in words.
    """

    name: str
    verdict: Verdict
    status: str = "completed"
    seed: int | None = None
    arm: Mapping[str, Any] = field(default_factory=dict)
    threads: int | None = None
    steps: int = 0
    planned_steps: int = 0
    defect_steps: int = 0
    onset: int | None = None
    confirmed: int | None = None
    cause: str | None = None
    cause_layer: str | None = None
    cause_step: int | None = None
    blow: str | None = None
    blow_layer: str | None = None
    broke_at: int | None = None
    changed_limits: Mapping[str, Sequence[float]] = field(default_factory=dict)
    epochs: tuple[EpochSummary, ...] = ()
    validation_accuracy: float | None = None
    step_seconds: float | None = None
    clean_step_seconds: float | None = None
    training_seconds: float | None = None
    validation_seconds: float | None = None
    total_seconds: float | None = None
    path: str = ""
    rollbacks: int = 0
    undone_kind: str | None = None
    turned_back_to: int | None = None
    turned_back_with: str | None = None

    @property
    def is_crashed(self) -> bool:
        """Whether the run ended by an error, its process died, or its log is damaged."""
        return self.status in CRASHED

    @property
    def is_judged(self) -> bool:
        """Whether the run counts in n: it did not crash, and it is not undecided."""
        return not self.is_crashed and not self.is_undecided

    @property
    def is_undecided(self) -> bool:
        """Whether it is undecided, and was not turned back. A run that was turned back is a defect run."""
        return self.verdict is Verdict.UNDECIDED and not self.rollbacks

    @property
    def is_defect(self) -> bool:
        """Whether the run is a defect run among the judged ones."""
        return self.is_judged and (self.verdict.is_defect or self.rollbacks > 0)

    @property
    def is_dead(self) -> bool:
        """Whether it is judged and ended in a defect stretch."""
        return self.is_judged and self.verdict.is_dead

    @property
    def is_rescued(self) -> bool:
        """Whether it ended well after it was turned back from a defect."""
        return self.is_judged and self.verdict is Verdict.RESCUED

    @property
    def kind(self) -> str:
        """The defect of a defect run: its verdict, or the defect that was undone."""
        return str(self.verdict) if self.verdict.is_dead else self.undone_kind or str(self.verdict)

    @property
    def is_survivor(self) -> bool:
        """Whether the run is healthy or recovered, and judged."""
        return self.is_judged and self.verdict.is_survivor

    @property
    def is_cut_short(self) -> bool:
        """Whether the run ended before the steps it was asked for. A completed run may have steps without a row."""
        return self.status != "completed" and self.steps < self.planned_steps

    def to_json(self) -> dict[str, Any]:
        """Plain types, for :meth:`from_json`."""
        return {**asdict(self), "verdict": str(self.verdict), "arm": dict(self.arm)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RunSummary:
        """The summary from :meth:`to_json`. Raises KeyError, TypeError or ValueError for anything else."""
        known = _of_declared_types(cls, value)
        known["verdict"] = Verdict(known["verdict"])
        known["epochs"] = tuple(EpochSummary(**_of_declared_types(EpochSummary, epoch)) for epoch in known["epochs"])
        return cls(**known)


def _of_declared_types(kind: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``kind`` as JSON has them. Raises KeyError for a missing one, TypeError for one of another type."""
    known = {}
    for name, types in _types_in_json(kind).items():
        known[name] = value[name]
        if type(known[name]) not in types:
            raise TypeError(f"{name}: found {known[name]!r:.40}, expected {' or '.join(one.__name__ for one in types)}")
    return known


@cache
def _types_in_json(kind: type) -> dict[str, tuple[type, ...]]:
    """The types that the fields of a class have in JSON, in which a verdict is a text, and 1.0 may be written as 1."""
    found = {}
    for name, hint in get_type_hints(kind).items():
        kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        plain = [_AS_JSON.get(get_origin(one) or one, one) for one in kinds]
        found[name] = (*plain, int) if float in plain else tuple(plain)
    return found


_AS_JSON: dict[Any, type] = {Verdict: str, Mapping: dict, Sequence: list, tuple: list}
