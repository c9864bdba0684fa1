"""Phrases that pages, terminal and figures share: names of verdicts and rules, statuses and tones."""

from __future__ import annotations

import math
from typing import Literal

from diagnostics.detect.faults import faults_of_healthy
from diagnostics.detect.findings import Diagnosis, Finding, Verdict
from diagnostics.detect.findings import sentence as sentence
from diagnostics.detect.rules import ENDING, MECHANISMS, SYMPTOMS
from diagnostics.run.run import Run
from reports.text.numbers import number

Tone = Literal["good", "bad", "warn", "plain"]

TITLES = {
    Verdict.HEALTHY: "healthy",
    Verdict.RECOVERED: "recovered",
    Verdict.COLLAPSED: "collapsed (a defect run)",
    Verdict.NEVER_LEARNED: "never learned (a defect run)",
    Verdict.DIVERGED: "diverged (a defect run)",
    Verdict.UNDECIDED: "undecided",
    Verdict.RESCUED: "rescued (a defect run)",
}


def tone_of(verdict: Verdict | None) -> Tone:
    """How good a verdict is; plain where there is none yet, and for an undecided run."""
    if verdict is None or verdict is Verdict.UNDECIDED:
        return "plain"
    if verdict.is_dead:
        return "bad"
    return "good" if verdict is Verdict.HEALTHY else "warn"


def title_of(diagnosis: Diagnosis) -> str:
    """The title of a run's verdict; it says of a healthy run that it has a fault."""
    return TITLES[diagnosis.verdict] + (", with a fault" if faults_of_healthy(diagnosis) else "")


def tone_of_run(diagnosis: Diagnosis) -> Tone:
    """How good the verdict of a run is; a healthy run with a fault is a warning."""
    return "warn" if faults_of_healthy(diagnosis) else tone_of(diagnosis.verdict)


def died_word(run: Run) -> str:
    """What a defect run did at the step of its blow. One that recovered did not die."""
    return "stopped learning" if run.verdict.is_survivor else "died"


SPOKEN_NAMES = {rule.name: rule.spoken_name for rule in MECHANISMS if rule.spoken_name}


def rule_name(rule: str) -> str:
    """A rule's name as words."""
    return SPOKEN_NAMES.get(rule, rule.replace("-", " ").replace("_", " "))


UNITS = {rule.name: rule.value_unit for rule in (*MECHANISMS, *SYMPTOMS, *ENDING)}


def measured(finding: Finding) -> str:
    """The number that a rule measured and the limit it was compared with; "" where there is none.

    That something is exactly zero says the message already.
    """
    value, limit = finding.value, finding.limit
    if math.isnan(value) or value == limit == 0:
        return ""
    unit = UNITS.get(finding.rule, "")
    amount = f"{number(value)} times" if unit == "times" else f"{unit} {number(value)}".strip()
    if unit == "share":
        amount = _share(value)
    if math.isnan(limit):
        return amount
    return f"{amount} (limit {_share(limit) if unit == 'share' else number(limit)})"


def _share(value: float) -> str:
    """A share as a percentage; ten times the whole and more as a multiple."""
    return f"{number(100 * value)} %" if abs(value) < 10 else f"{number(value)} times"


STATUSES = {
    "running": "still running",
    "unclear": "cannot tell whether a writer lives, since the file system of its log has no locks",
    "stopped": "stopped on purpose before its end",
    "interrupted": "interrupted before its end",
    "failed": "ended by an error",
    "log-stopped": "the log stopped before the run did (disk full?)",
    "damaged": "the log is damaged, so the run counts as crashed",
    "crashed": "the writing process died",
}


def status_words(status: str, interrupted_by: str = "") -> str:
    """What a log's status means; ``interrupted_by``: Ctrl-C or a signal, where it is known."""
    if status == "interrupted" and interrupted_by:
        return f"interrupted by {interrupted_by}"
    return STATUSES.get(status, status)


def interrupted_by(run: Run) -> str:
    """Ctrl-C or the signal that ended a run, from its log; "" where none did or the log does not say it."""
    if run.status != "interrupted":
        return ""
    events = run.events
    known = events.loc[events["event"] == "interruption", "rule"].tolist()
    return str(known[-1]) if known else ""


def status_of(run: Run) -> str:
    """How a run ended, and who interrupted it."""
    return status_words(run.status, interrupted_by(run))


def in_a_line(text: str) -> str:
    r"""``text`` with the ends of lines that a name in it has shown as ``\n``."""
    return text.replace("\n", "\\n")
