"""Words for the events of a run, a line each: those of its loop, those of its chain, and the verdict so far."""

from __future__ import annotations

import math
from collections.abc import Sequence

from diagnostics.detect.findings import Diagnosis, Finding, Verdict
from diagnostics.detect.link import Link
from diagnostics.detect.rollback_remedies import remedy_words
from diagnostics.run.turning_point import deciding_stretch
from diagnostics.schema.number_range import loss_text
from diagnostics.schema.rollback import Rollback
from reports.text.phrases import measured, rule_name

RECOVERED = "recovered: it learns again"


def epoch_ended(epoch: int, accuracy: float, loss: float) -> str:
    """The training accuracy and loss of an epoch that has ended; an accuracy of NaN is one that is not recorded."""
    return f"epoch {epoch} ended: {_scores(accuracy, loss)}"


def validated(accuracy: float, loss: float) -> str:
    """Accuracy and loss of a validation; an accuracy of NaN is one that is not recorded."""
    return f"validation: {_scores(accuracy, loss)}"


def _scores(accuracy: float, loss: float) -> str:
    right = "" if math.isnan(accuracy) else f"accuracy {accuracy:.3f}, "
    return f"{right}loss {loss_text(loss)}"


def turned_back_to(rollback: Rollback) -> str:
    """The step to which a run was turned back, and the remedy."""
    return f"turned back to before step {rollback.step:,}, with {remedy_words(rollback)}"


def last_rollback(rollbacks: Sequence[Rollback]) -> str:
    """Where a run was turned back last, and with what; "" where it never was."""
    if not rollbacks:
        return ""
    times = f" (the last of {len(rollbacks)} times)" if len(rollbacks) > 1 else ""
    return f"{turned_back_to(rollbacks[-1])}{times}"


def verdict_event(verdict: Verdict, onset: int | None, link: Link | None) -> str:
    """A verdict with its onset and with the event that explains it: "collapsed from step 700; step 695: ..."."""
    since = "" if onset is None else f" from step {onset:,}"
    why = "" if link is None else f"; step {link.step:,}: {link.message}"
    return f"{verdict}{since}{why}"


def final_verdict(diagnosis: Diagnosis) -> str:
    """The verdict at the end of a run."""
    return verdict_event(diagnosis.verdict, diagnosis.onset, diagnosis.blow or diagnosis.first_link)


def verdict_without_stretch(verdict: Verdict) -> str:
    """The verdict so far of a run that is in no defect stretch."""
    return "it has not learned yet" if verdict is Verdict.UNDECIDED else str(verdict)


def known_end(finding: Finding, diagnosis: Diagnosis) -> int | None:
    """The last step of an event; None where it may go on: the rules look no further than the confirmation.

    The states of a stretch that ended last to its end.
    """
    confirmed, last = diagnosis.confirmed, finding.last_step
    if confirmed is None or last < confirmed or last == finding.first_step:
        return last
    stretch = deciding_stretch(diagnosis)
    has_ended = stretch is not None and stretch.recovery is not None
    return last if has_ended and last > confirmed else None


def steps_words(finding: Finding, diagnosis: Diagnosis) -> str:
    """The steps of an event: "step 34", "steps 34 to 35", or "from step 36 on" where its end is not known."""
    first, last = finding.first_step, known_end(finding, diagnosis)
    if last is None:
        return f"from step {first:,} on"
    return f"steps {first:,} to {last:,}" if last > first else f"step {first:,}"


def chain_event(finding: Finding) -> str:
    """An event of the chain: its step, its mechanism, and what was measured."""
    return f"step {finding.first_step:,}: {rule_name(finding.rule)}" + _comma(measured(finding))


def chain_event_in_layer(finding: Finding, whole: str) -> str:
    """An event of the chain with its layer, for readers who do not see the lanes; ``whole`` names the whole network."""
    where = finding.layer or whole
    return f"step {finding.first_step:,}, {where}, {rule_name(finding.rule)}" + _comma(measured(finding))


def _comma(words: str) -> str:
    return words and f", {words}"
