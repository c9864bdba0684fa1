"""RunSummary: the numbers of one run that statistics need, small enough to keep beside the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from diagnostics.detect.findings import Verdict

# A damaged log says nothing certain of its run, whatever status was written into it.
CRASHED = ("crashed", "failed", "damaged")


@dataclass(frozen=True, slots=True)
class EpochSummary:
    """One whole epoch. The ``clean`` accuracy leaves out its defect iterations (None where all are)."""

    epoch: int
    accuracy: float | None
    seconds: float | None
    defect_steps: int = 0
    clean_accuracy: float | None = None


@dataclass(frozen=True)
class RunSummary:
    """What one run contributes to statistics; every number comes from its log.

    ``name`` is that of the run file, ``arm`` the settings it shares with other
    seeds. ``step_seconds`` is the mean over its steps, ``clean_step_seconds``
    over those that are not defect iterations. None is "not known".
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
    epochs: tuple[EpochSummary, ...] = ()
    validation_accuracy: float | None = None
    step_seconds: float | None = None
    clean_step_seconds: float | None = None
    training_seconds: float | None = None
    validation_seconds: float | None = None
    total_seconds: float | None = None
    path: str = ""

    @property
    def is_crashed(self) -> bool:
        """Whether the run ended by an error, its process died, or its log is damaged."""
        return self.status in CRASHED

    @property
    def is_judged(self) -> bool:
        """Whether the run counts in n: it did not crash, and its verdict is not undecided."""
        return not self.is_crashed and self.verdict is not Verdict.UNDECIDED

    @property
    def is_defect(self) -> bool:
        """Whether the run is a defect run among the judged ones."""
        return self.is_judged and self.verdict.is_defect

    @property
    def is_survivor(self) -> bool:
        """Whether the run is healthy or recovered, and judged."""
        return self.is_judged and self.verdict.is_survivor

    @property
    def is_cut_short(self) -> bool:
        """Whether it ended before the steps it was asked for; of a completed run not every step need be known."""
        return self.status != "completed" and self.steps < self.planned_steps

    def to_json(self) -> dict[str, Any]:
        """Plain types, for :meth:`from_json`."""
        return {**asdict(self), "verdict": str(self.verdict), "arm": dict(self.arm)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RunSummary:
        """Back from :meth:`to_json`. Raises KeyError, TypeError or ValueError for anything else."""
        known = {f.name: value[f.name] for f in fields(cls)}
        known["verdict"] = Verdict(known["verdict"])
        known["epochs"] = tuple(EpochSummary(**epoch) for epoch in known["epochs"])
        return cls(**known)
