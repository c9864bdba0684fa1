"""The words of a diagnosis: Finding, Stretch, Cause, Diagnosis, and the six verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad it is, apart from how sure we are."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Verdict(StrEnum):
    """What became of a run; the middle three are defect runs."""

    HEALTHY = "healthy"
    RECOVERED = "recovered"
    COLLAPSED = "collapsed"
    NEVER_LEARNED = "never-learned"
    DIVERGED = "diverged"
    UNDECIDED = "undecided"

    @property
    def is_defect(self) -> bool:
        """Whether a defect stretch was open when the run ended."""
        return self in (Verdict.COLLAPSED, Verdict.NEVER_LEARNED, Verdict.DIVERGED)

    @property
    def is_survivor(self) -> bool:
        """Whether the run ended well."""
        return self in (Verdict.HEALTHY, Verdict.RECOVERED)


class RuleOutcome(StrEnum):
    """What came of asking a rule."""

    FIRED = "fired"
    PASSED = "passed"
    NOT_RUN = "not-run"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's answer, from ``first_step`` to ``last_step`` (both included).

    ``value`` is what was measured and ``limit`` what it was held against;
    ``confidence`` is between 0 and 1. For ``outcome`` NOT_RUN and ERROR the
    message says what was missing or what went wrong.
    """

    rule: str
    layer: str | None
    first_step: int
    last_step: int
    value: float
    limit: float
    severity: Severity
    confidence: float
    message: str
    outcome: RuleOutcome = RuleOutcome.FIRED


@dataclass(frozen=True, slots=True)
class Stretch:
    """A defect stretch. ``kind`` is the verdict it leads to where it stays open.

    ``onset``: its first defect iteration; ``confirmed``: the step after whose
    row the detector was first sure; ``recovery``: the first step that is good
    again, None while it is open.
    """

    kind: Verdict
    onset: int
    confirmed: int
    recovery: int | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """The earliest link of the chain that explains the defect; ``rule`` is the mechanism."""

    rule: str
    layer: str | None
    step: int
    message: str
    confidence: float = 1.0


@dataclass(frozen=True)
class Diagnosis:
    """All that is known of one run.

    ``onset`` and ``confirmed`` belong to the stretch that decides the verdict.
    ``chain`` holds the findings that lead to the defect, in order of their
    steps; ``findings`` all that fired; ``checks`` one entry a rule, those that
    passed or could not be run included. ``limits`` are the numbers it was judged by.
    """

    run: str
    verdict: Verdict
    steps: int
    onset: int | None = None
    confirmed: int | None = None
    stretches: tuple[Stretch, ...] = ()
    cause: Cause | None = None
    chain: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()
    checks: tuple[Finding, ...] = ()
    remedies: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def defect_steps(self) -> int:
        """The number of defect iterations."""
        return sum((s.recovery if s.recovery is not None else self.steps) - s.onset for s in self.stretches)

    def to_json(self) -> dict[str, Any]:
        """Plain types, with the keys of ``lenet-diag diagnose --json``; NaN becomes null."""
        cause = None if self.cause is None else asdict(self.cause)
        return {
            "run": self.run,
            "verdict": str(self.verdict),
            "onset": self.onset,
            "confirmed": self.confirmed,
            "defect_steps": self.defect_steps,
            "steps": self.steps,
            "stretches": [_plain(asdict(s)) for s in self.stretches],
            "cause": _plain(cause),
            "chain": [_plain(asdict(f)) for f in self.chain],
            "findings": [_plain(asdict(f)) for f in self.findings],
            "checks": [_plain(asdict(f)) for f in self.checks],
            "remedies": list(self.remedies),
            "limits": _plain(dict(self.limits)),
        }


def _plain(value: Any) -> Any:
    """JSON types only: enums become text, NaN and infinities None."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
