"""Says which findings are faults: what no run ought to have, whatever it did to the network."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.detect.findings import Diagnosis, Finding, RuleOutcome, Verdict
from diagnostics.detect.link import Link
from diagnostics.detect.rules import MECHANISMS

FAULTS = frozenset(rule.name for rule in MECHANISMS if rule.is_fault)
"""The rules that see what no run ought to have."""


def leading_faults(chain: Sequence[Finding], blow: Link | None) -> list[Finding]:
    """The faults of a chain that led to the blow.

    One that began after the blow may be its consequence. One that is the blow itself did not come before it.
    """
    faults = [f for f in chain if f.rule in FAULTS]
    return faults if blow is None else [f for f in faults if f.rule != blow.rule and f.first_step <= blow.step]


def told_fault(diagnosis: Diagnosis) -> Link | Finding | None:
    """The fault that led to the blow: the first link, else the first fault of the chain; None where there is none."""
    first = diagnosis.first_link
    if first is not None and first.rule in FAULTS:
        return first
    return next(iter(leading_faults(diagnosis.chain, diagnosis.blow)), None)


def faults_seen(answers: Sequence[Finding]) -> list[Finding]:
    """The faults among the answers of the rules, in the order of their steps."""
    seen = [f for f in answers if f.rule in FAULTS and f.outcome is RuleOutcome.FIRED]
    return sorted(seen, key=lambda f: f.first_step)


def faults_of_healthy(diagnosis: Diagnosis) -> list[Finding]:
    """The faults of a run that learned in spite of them; none for any other run, whose chain has its faults."""
    return faults_seen(diagnosis.checks) if diagnosis.verdict is Verdict.HEALTHY else []
