"""A diagnosis in plain words: one line, one sentence, or all of it for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from diagnostics.detect.asking import NOT_MEASURED
from diagnostics.detect.faults import FAULTS, told_fault
from diagnostics.detect.findings import Diagnosis, Finding, RuleOutcome, Verdict
from diagnostics.detect.rollback_remedies import remedy_words, rollback_words
from diagnostics.run.run import Run
from diagnostics.run.turning_point import deciding_stretch
from diagnostics.schema.rollback import Rollback
from reports.text.end_numbers import EndNumbers
from reports.text.events import steps_words
from reports.text.headline import headline, link_words, measured_words, origin_words
from reports.text.imported import onset_words, open_words
from reports.text.numbers import counted, percent
from reports.text.phrases import in_a_line, status_words
from reports.text.wrapping import WIDTH, labelled, lines_of

VERDICTS = {
    Verdict.HEALTHY: "healthy: it learned, and kept what it learned",
    Verdict.RECOVERED: "recovered: it had a defect stretch, and ended well",
    Verdict.COLLAPSED: "a defect run, collapsed: it learned, lost what it had learned, and did not recover",
    Verdict.NEVER_LEARNED: "a defect run, never learned within the {steps:,} steps it was given",
    Verdict.DIVERGED: "a defect run, diverged: its loss or parameters are no longer finite",
    Verdict.UNDECIDED: "undecided: neither a run that learned nor a defect run",
    Verdict.RESCUED: "a defect run, rescued: it was turned back from its defect, and ended well",
}

COUNTS = "It counts as a defect run."


def verdict_line(diagnosis: Diagnosis) -> str:
    """The verdict in one line."""
    if diagnosis.verdict is Verdict.UNDECIDED and diagnosis.rollbacks:
        return "a defect run, turned back from its defect, and undecided since then"
    return VERDICTS[diagnosis.verdict].format(steps=diagnosis.steps)


def verdict_sentence(run: Run) -> str:
    """The verdict in one sentence, with layer, step and mechanism where they are known; one more for what is open."""
    others = run.diagnosis.also_possible.items()
    return " ".join([_verdict_sentence(run), *(f"It may be {other} as well: {reason}." for other, reason in others)])


def _verdict_sentence(run: Run) -> str:
    diagnosis, stretch = run.diagnosis, deciding_stretch(run.diagnosis)
    because = f" {headline(diagnosis)}".rstrip()
    if not because and diagnosis.verdict.is_dead:
        because = " None of the rules explains why."
    steps = f"{diagnosis.steps:,} {run.info.row_unit}s"
    if diagnosis.verdict is Verdict.HEALTHY:
        return f"This run learned and kept what it learned through all its {steps}.{_validation_words(run)}{because}"
    if diagnosis.verdict is Verdict.UNDECIDED:
        before = f" It was turned back from a defect before. {COUNTS}" if diagnosis.rollbacks else ""
        return f"After {steps} this run had neither clearly learned nor clearly failed.{because}{before}"
    if diagnosis.verdict is Verdict.RESCUED:
        last = diagnosis.rollbacks[-1]
        return (
            f"This run died and was turned back{times_words(diagnosis.rollbacks)} from step {last.last_step:,} to "
            f"before step {last.step:,}; it went on with {remedy_words(last)} and ended well. {COUNTS}"
        )
    if stretch is None:
        return f"This run is called {diagnosis.verdict}.{because}"
    end = "to its end" if stretch.recovery is None else f"until step {stretch.recovery:,}"
    if diagnosis.verdict is Verdict.RECOVERED:
        return f"This run was defect from step {stretch.onset:,} {end}, and ended well.{because}"
    if diagnosis.verdict is Verdict.NEVER_LEARNED:
        return f"This run never learned: to the end of its {steps} it does no better than guessing.{because}"
    if diagnosis.verdict is Verdict.COLLAPSED:
        when = onset_words(stretch) if stretch.onset_between else f"at {onset_words(stretch)}"
        return f"This run had learned, began to lose it {when}, and does no better than guessing at its end.{because}"
    return f"From step {stretch.onset:,} {end} this run computes with numbers that are not finite.{because}"


def _validation_words(run: Run) -> str:
    """A sentence for a run that learned and is no better than guessing in its last validation; "" for any other."""
    ended, guessing = run.validations["accuracy"].tail(1).tolist(), run.info.guessing[1]
    if not ended or not ended[0] <= guessing:  # one that is not known is NaN
        return ""
    return f" Its last validation is no better than guessing, though: accuracy {percent(ended[0])}."


def times_words(rollbacks: Sequence[Rollback]) -> str:
    """The number of rollbacks as words after "turned back"; "" for one."""
    return f" {len(rollbacks)} times, the last time" if len(rollbacks) > 1 else ""


def diagnosis_text(
    diagnosis: Diagnosis,
    status: str = "completed",
    planned: int = 0,
    interrupted_by: str = "",
    ended_at: EndNumbers | None = None,
    to_try: Sequence[str] | None = None,
) -> str:
    """The whole diagnosis: verdict, what happened, the onset, the blow, the first link, the chain, and what to try.

    ``status``: the status of the log. Where the run did not complete, the text has it, with the number of steps judged.
    ``planned``: the number of steps that were asked for; 0 (default) where it is not known.
    ``interrupted_by``: who interrupted the run; "" (default) where nobody did or it is not known.
    ``ended_at``: accuracy and loss at its end; None (default) where they are not known.
    ``to_try``: what to try where a rescue has tried some of it; None (default) for the remedies as they are suggested.
    """
    lines = lines_of(in_a_line(f"{diagnosis.run}: {verdict_line(diagnosis)}"), indent="  ")
    lines += [f"  {line}" for line in lines_of(in_a_line(headline(diagnosis)), WIDTH - 2)]
    for label, words in facts(diagnosis, status, planned, interrupted_by, ended_at, to_try):
        lines += labelled(label, in_a_line(words))
    return "\n".join(lines)


def facts(
    diagnosis: Diagnosis,
    status: str,
    planned: int,
    interrupted_by: str,
    ended_at: EndNumbers | None,
    to_try: Sequence[str] | None,
) -> list[tuple[str, str]]:
    """All that is known of a run after its verdict, as labels and words; a label is "" where the one before holds.

    The arguments are those of :func:`diagnosis_text`.
    """
    found = _under("possible:", open_words(diagnosis))
    if status != "completed":
        steps = diagnosis.steps
        of = f"{steps:,} of {counted(planned, 'planned step')}" if planned else counted(steps, "step")
        found.append(("status:", f"{status_words(status, interrupted_by)}; it is judged by {of}"))
    found += [] if ended_at is None else ended_at.facts
    found += _under("rollbacks:", map(rollback_words, diagnosis.rollbacks))
    stretch = deciding_stretch(diagnosis)
    if diagnosis.onset is not None:
        share = diagnosis.defect_steps / diagnosis.steps
        since = onset_words(stretch) if stretch else f"step {diagnosis.onset:,}"
        found.append(
            (
                "since:",
                f"{since}, confirmed at step {diagnosis.confirmed:,}; "
                f"{diagnosis.defect_steps:,} of {diagnosis.steps:,} steps are defect iterations ({share:.0%})",
            )
        )
        ended = [stretch for stretch in diagnosis.stretches if stretch.recovery is not None]
        found += [("recovered:", f"step {one.recovery:,} ({one.kind}, from step {one.onset:,})") for one in ended]
    if diagnosis.blow is not None:
        found.append(("blow:", link_words(diagnosis.blow)))
    if diagnosis.first_link is not None:
        found.append(("first link:", link_words(diagnosis.first_link)))
        measured = [measured_words(one) for one in (diagnosis.blow, diagnosis.first_link) if one is not None]
        found += _under("measured:", dict.fromkeys(measured))
        points_to = origin_words(diagnosis.first_link, told_fault(diagnosis))
        found.append(("points to:", points_to.removeprefix("it points to ")))
    elif diagnosis.verdict.is_dead:
        found.append(("first link:", "unexplained: no rule sees what happened"))
    if diagnosis.changed_limits:
        found.append(("judged by:", f"limits that are not the defaults: {limits_words(diagnosis.changed_limits)}"))
    found += _under("events:", _events(diagnosis.chain, diagnosis))
    found += _under("to try:", diagnosis.remedies if to_try is None else to_try)
    if diagnosis.chain and unmeasured(diagnosis):
        found.append(("checked:", _counts(diagnosis)))
    if not diagnosis.chain:
        seen = [check for check in diagnosis.checks if check.outcome == "fired"]
        if diagnosis.verdict is Verdict.HEALTHY:  # good news stays short, and the report has the whole list
            faults = [check for check in seen if check.rule in FAULTS]
            signs = f"{counted(len(seen) - len(faults), 'sign')} that did no lasting harm; the report lists them"
            noticed = [*_events(faults, diagnosis), *([signs] if len(seen) > len(faults) else [])]
            found += _under("noticed:", noticed)
            found += [("checked:", _counts(diagnosis))] if unmeasured(diagnosis) else []
        else:
            found.append(("checked:", _counts(diagnosis)))
            found += _under("noticed:", _events(seen, diagnosis))
    return found


def _under(label: str, each: Iterable[str]) -> list[tuple[str, str]]:
    """Several facts under one label."""
    return [(label if place == 0 else "", words) for place, words in enumerate(each)]


def limits_words(changed: Mapping[str, tuple[float, float]]) -> str:
    """Each limit with its value and its default."""
    return ", ".join(f"{key} {value:g} (default {default:g})" for key, (value, default) in changed.items())


def _counts(diagnosis: Diagnosis) -> str:
    """The number of rules that were asked, their outcomes, and why the others were not asked."""
    words = {RuleOutcome.PASSED: "found nothing", RuleOutcome.FIRED: "noticed something", RuleOutcome.ERROR: "failed"}
    counts = {outcome: len({c.rule for c in diagnosis.checks if c.outcome is outcome}) for outcome in words}
    told = [f"{n} {words[outcome]}" for outcome, n in counts.items() if n]
    return "; ".join([f"{asked_words(diagnosis)}: {', '.join(told) or 'none'}", *unmeasured(diagnosis)])


def asked_words(diagnosis: Diagnosis) -> str:
    """How many of the rules were asked, such as "asked 9 of 19 rules"."""
    return f"asked {diagnosis.rules_asked} of {counted(diagnosis.rules, 'rule')}"


def unmeasured(diagnosis: Diagnosis) -> list[str]:
    """For each thing that the run lacks, which it is and how many rules were not asked for it; the commonest first."""
    lacking = Counter(c.message for c in diagnosis.checks if c.detail == NOT_MEASURED)
    return [f"{message} ({counted(n, 'rule')})" for message, n in lacking.most_common()]


def _events(findings: Iterable[Finding], diagnosis: Diagnosis) -> list[str]:
    return [f"{steps_words(finding, diagnosis)}: {finding.message}" for finding in findings]
