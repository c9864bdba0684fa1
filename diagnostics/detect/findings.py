"""What a diagnosis consists of: the answers of the rules, the defect stretches, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from diagnostics.detect.link import Link
from diagnostics.detect.remedies import Suggestion
from diagnostics.json_values import plain
from diagnostics.schema.rollback import Rollback
from diagnostics.views import ShownInNotebooks


def sentence(text: str) -> str:
    """Text with a capital and a full stop."""
    text = text.strip()
    return text if not text else text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


class Severity(StrEnum):
    """How bad a finding is. How sure it is, its confidence says."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Verdict(StrEnum):
    """How a run ended. Collapsed, never-learned, diverged and rescued runs are defect runs.

    A rescued run ended well, after it was turned back from a defect and went on with a remedy. The detector gives all
    verdicts but that one.
    """

    HEALTHY = "healthy"
    RECOVERED = "recovered"
    COLLAPSED = "collapsed"
    NEVER_LEARNED = "never-learned"
    DIVERGED = "diverged"
    UNDECIDED = "undecided"
    RESCUED = "rescued"

    @property
    def is_defect(self) -> bool:
        """Whether the run counts as a defect run: it ended in a defect stretch, or was turned back from one."""
        return self in (Verdict.COLLAPSED, Verdict.NEVER_LEARNED, Verdict.DIVERGED, Verdict.RESCUED)

    @property
    def is_dead(self) -> bool:
        """Whether a defect stretch was open when the run ended."""
        return self.is_defect and self is not Verdict.RESCUED

    @property
    def is_survivor(self) -> bool:
        """Whether the run ended well without having been turned back."""
        return self in (Verdict.HEALTHY, Verdict.RECOVERED)


JSON_VERSION = 1
"""Of the form of :meth:`Diagnosis.to_json`. Keys may be added; the version changes where one is taken away or means
something else."""

DETECTED = tuple(one for one in Verdict if one is not Verdict.RESCUED)
"""The verdicts that the detector gives: all but rescued, which a rollback brings about."""


class RuleOutcome(StrEnum):
    """The result of asking a rule: it saw something, saw nothing, could not be run, or failed."""

    FIRED = "fired"
    PASSED = "passed"
    NOT_RUN = "not-run"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one rule, from ``first_step`` to ``last_step`` (both included).

    rule: the name of the rule.
    layer: the layer it is about; None for the whole network.
    first_step, last_step: the first and the last step at which it was seen.
    value: the measured number; NaN where there is none.
    limit: the number that the value was compared with; NaN where there is none.
    severity: how bad it is.
    confidence: the share of injected faults that the rule named right, 0 to 1; NaN where that was not measured.
    message: what was seen, in one clause; for NOT_RUN and ERROR what was missing or what went wrong.
    outcome: the result of asking the rule.
    plain: the message as a sentence that a student understands; "" where the message is plain enough.
    detail: the kind of sign, for rules that see several kinds.
    peak_step: the step with the largest value, for an event of several steps; None for all others.
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
    plain: str = ""
    peak_step: int | None = None
    detail: str = ""

    @property
    def step(self) -> int:
        """The step at which it happened: the peak step where there is one, else the first step."""
        return self.first_step if self.peak_step is None else self.peak_step


@dataclass(frozen=True, slots=True)
class Stretch:
    """A defect stretch.

    kind: the verdict of a run that ends in this stretch.
    onset: its first defect iteration.
    confirmed: the step whose row made the detector sure.
    recovery: the first step after the stretch; None while the stretch is open.
    onset_between: the first and the last step at which the onset can lie, where the log lacks steps; None where every
        step has a row.
    """

    kind: Verdict
    onset: int
    confirmed: int
    recovery: int | None = None
    onset_between: tuple[int, int] | None = None


@dataclass(frozen=True)
class Diagnosis(ShownInNotebooks):
    """What the detector found out about one run.

    Args:
        run: the name of the run.
        verdict: how it ended.
        steps: how many steps it made.
        onset: the first step of the stretch that decides the verdict; None (default) without one.
        confirmed: the step whose row made the detector sure of that stretch; None (default) without one.
        stretches: the defect stretches in order; default none.
        first_link: the earliest event that is connected with the blow without a recovery in between; None (default)
            where nothing explains the defect. JSON calls it the cause.
        blow: the event after which the state that keeps the run from learning holds to the end; None (default) without
            one.
        chain: the findings that lead to the defect, in order of their steps; default none.
        findings: the findings of all rules that fired; default none.
        checks: the answers of all rules, those that passed or could not be run included; default none.
        suggestions: what to try, the best first; default none.
        limits: the limits it was judged by; default none.
        changed_limits: value and default of each limit that does not have its default; default none.
        also_possible: verdicts that coarse rows leave open beside it, each with what they do not show; default none.
        rollbacks: where the run was turned back; default nowhere. All else is about the steps that were not undone.
    """

    run: str
    verdict: Verdict
    steps: int
    onset: int | None = None
    confirmed: int | None = None
    stretches: tuple[Stretch, ...] = ()
    first_link: Link | None = None
    blow: Link | None = None
    chain: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()
    checks: tuple[Finding, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    changed_limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    also_possible: Mapping[Verdict, str] = field(default_factory=dict)
    rollbacks: tuple[Rollback, ...] = ()

    def with_rollbacks(self, rollbacks: Sequence[Rollback]) -> Diagnosis:
        """The same diagnosis with the rollbacks of the run. Where the run ended well, the verdict is rescued."""
        if rollbacks and self.verdict.is_survivor:
            return replace(self, verdict=Verdict.RESCUED, also_possible={}, rollbacks=tuple(rollbacks))
        return replace(self, rollbacks=tuple(rollbacks))

    def __repr__(self) -> str:
        died = "" if self.broke_at is None else f", died at step {self.broke_at}"
        first = "" if self.first_link is None else f", first link {self.first_link.rule}"
        return f"<Diagnosis of {self.run}: {self.verdict} after {self.steps} steps{died}{first}>"

    @property
    def is_defect(self) -> bool:
        """Whether the run counts as a defect run: by its verdict, or since it was turned back from a defect."""
        return self.verdict.is_defect or bool(self.rollbacks)

    @property
    def cause(self) -> Link | None:
        """The first link, under its name in logs and JSON."""
        return self.first_link

    @property
    def remedies(self) -> tuple[str, ...]:
        """The titles of the suggestions."""
        return tuple(one.title for one in self.suggestions)

    @property
    def rules(self) -> int:
        """How many rules there are for a run like this."""
        return len({check.rule for check in self.checks})

    @property
    def rules_asked(self) -> int:
        """How many of them were asked; the others lack what they look at, or look at what did not happen."""
        return len({check.rule for check in self.checks if check.outcome is not RuleOutcome.NOT_RUN})

    @property
    def broke_at(self) -> int | None:
        """The step at which the run broke: that of the blow, else the onset, else the first link; None for no defect.

        An onset of 0 counts last: a run that never learned has it whenever it broke.
        """
        if self.blow is not None:
            return self.blow.step
        if self.onset:
            return self.onset
        if self.first_link is not None:
            return self.first_link.step
        return self.onset if self.onset is not None else self.stretches[0].onset if self.stretches else None

    @property
    def defect_steps(self) -> int:
        """The number of defect iterations."""
        return sum((s.recovery if s.recovery is not None else self.steps) - s.onset for s in self.stretches)

    def to_json(self) -> dict[str, Any]:
        """Plain types, with the keys of ``lenet-diag diagnose --json``; NaN becomes null."""
        first_link = None if self.first_link is None else self.first_link.to_json()
        known = {
            "format_version": JSON_VERSION,
            "run": self.run,
            "verdict": self.verdict,
            "also_possible": {str(other): reason for other, reason in self.also_possible.items()},
            "is_defect": self.is_defect,
            "onset": self.onset,
            "confirmed": self.confirmed,
            "defect_steps": self.defect_steps,
            "steps": self.steps,
            "stretches": [asdict(s) for s in self.stretches],
            "cause": first_link,
            "first_link": first_link,
            "blow": None if self.blow is None else self.blow.to_json(),
            "broke_at": self.broke_at,
            "chain": [asdict(f) for f in self.chain],
            "findings": [asdict(f) for f in self.findings],
            "rules_asked": self.rules_asked,
            "rules": self.rules,
            "checks": [asdict(f) for f in self.checks],
            "remedies": self.remedies,
            "rollbacks": [{**asdict(r), "undone_steps": r.undone_steps} for r in self.rollbacks],
            "limits": dict(self.limits),
            "changed_limits": {key: {"value": v, "default": d} for key, (v, d) in self.changed_limits.items()},
        }
        return {key: plain(value) for key, value in known.items()}
