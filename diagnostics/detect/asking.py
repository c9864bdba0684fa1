"""Asks a rule: gives its findings, or one entry that says why there are none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from diagnostics.detect.findings import Finding, RuleOutcome, Severity
from diagnostics.detect.rule import Rule
from diagnostics.detect.rules import MECHANISMS
from diagnostics.detect.window import MissingColumnsError, TooFewRowsError, Window

Answers = Mapping[str, Sequence[Finding]]

NOT_MEASURED = "not measured"
"""The detail of the entry of a rule that was not asked, since the run lacks the columns that it needs."""
_UNASKED = "not asked: it looks at the steps before a run dies, and this run did not die"
_BY_NAME = {rule.name: rule for rule in MECHANISMS}


def ask(rule: Rule, window: Window) -> list[Finding]:
    """The findings of a rule; one entry that says so where it found nothing, was not asked, or failed."""
    if lacking := _lacking(rule, window):
        return [_not_measured(rule, window, lacking)]
    try:
        with np.errstate(all="ignore"):  # a diverged run has infinities to compare
            found = rule.check(window)
    except MissingColumnsError as missing:
        return [_not_measured(rule, window, str(missing))]
    except TooFewRowsError as few:
        return [_answer(rule, window, RuleOutcome.NOT_RUN, f"not asked: too few rows; it needs {few}")]
    except Exception as error:
        return [_answer(rule, window, RuleOutcome.ERROR, f"the rule failed: {type(error).__name__}: {error}")]
    return found or [_answer(rule, window, RuleOutcome.PASSED, "nothing found")]


def unasked(rule: Rule, window: Window) -> list[Finding]:
    """The entry of a rule that has a meaning only before a run dies, for a run that did not die."""
    return [_answer(rule, window, RuleOutcome.NOT_RUN, _UNASKED)]


def fired(findings: Sequence[Finding]) -> list[Finding]:
    """The findings of rules that saw something."""
    return [finding for finding in findings if finding.outcome is RuleOutcome.FIRED]


def rule_of(finding: Finding) -> Rule:
    """The rule that gave a finding."""
    return _BY_NAME[finding.rule]


def _lacking(rule: Rule, window: Window) -> str:
    """Why a rule is not for the task of this run; "" where it is."""
    task = window.info.task
    if rule.needs_cross_entropy and not task.is_cross_entropy:
        return "no cross-entropy of classes in this run"
    if rule.needs_cross_entropy and any(math.isnan(share) for share in window.info.prior):
        return "no shares of the classes in this run"
    if rule.needs_guessing and math.isnan(window.guessing_loss):
        return "no loss of guessing is known for this run"
    return ""


def _not_measured(rule: Rule, window: Window, lacking: str) -> Finding:
    return replace(_answer(rule, window, RuleOutcome.NOT_RUN, f"not asked: {lacking}"), detail=NOT_MEASURED)


def _answer(rule: Rule, window: Window, outcome: RuleOutcome, message: str) -> Finding:
    first, last = (int(window.steps[0]), int(window.steps[-1])) if len(window) else (0, 0)
    return Finding(rule.name, None, first, last, math.nan, math.nan, Severity.INFO, math.nan, message, outcome)
