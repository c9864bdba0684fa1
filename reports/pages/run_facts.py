"""The four answers at the top of a run's report: which layer, which step, which mechanism, what to try."""

from __future__ import annotations

import math
from collections import Counter

from diagnostics.detect.faults import faults_of_healthy, told_fault
from diagnostics.detect.findings import Diagnosis, RuleOutcome, Verdict
from diagnostics.detect.rollback_remedies import remedy_words
from diagnostics.detect.rules import MECHANISMS
from diagnostics.rescue.results import RescueResult
from diagnostics.rescue.suggested import by_evidence
from diagnostics.run.run import Run
from diagnostics.run.turning_point import deciding_stretch, failed_layer, lasting_state
from reports.pages.document import Fact, Facts, facts
from reports.text.diagnosis import times_words
from reports.text.headline import link_words
from reports.text.numbers import counted, number, percent
from reports.text.phrases import rule_name, sentence
from reports.text.remedies import in_place_of
from reports.text.rescue import arm_title, proven_words

OUTCOMES = {RuleOutcome.FIRED: "raised a remark", RuleOutcome.NOT_RUN: "not asked", RuleOutcome.ERROR: "failed"}
WITHOUT_A_STEP = {rule.name for rule in MECHANISMS if rule.is_last_resort}
"""The rules that see a state of the whole run, which began at no step of its own."""
LAST = 50
"""The number of recorded steps for the training accuracy or loss, where there is no validation."""


def run_facts(run: Run, rescue: RescueResult | None = None) -> Facts:
    """Four answers: which layer, which step, which mechanism, what to try.

    ``rescue``: the rescue of the run; proven remedies come before suggested ones.
    """
    diagnosis, broke_at = run.diagnosis, run.diagnosis.broke_at
    if broke_at is None:
        return _quiet_facts(run)
    blow, first = diagnosis.blow, diagnosis.first_link
    fault, down = told_fault(diagnosis), lasting_state(run)
    layer = (fault.layer if fault else None) or failed_layer(run) or (first.layer if first else None)
    where = _layer_words(run, layer)
    others = [one for one in (blow.layers if blow else ()) if one != layer]
    if others:
        as_well = " as well" if blow is not None and layer in blow.layers else ""
        where = "; ".join(filter(None, [where, f"the blow hit {', '.join(others)}{as_well}"]))
    links = [link for link in (blow, first, fault) if link is not None]
    told = fault or down or next(iter(links), None)
    mechanism = rule_name(told.rule) if told is not None else "unexplained"
    why = "no rule explains it"
    if links:
        why = "; ".join(dict.fromkeys(link_words(link) for link in links if told is None or link.rule != told.rule))
    suggestions = by_evidence(diagnosis.suggestions, rescue)
    none = "no remedy is known for it" if run.info.layers else "Recording the layers as well"
    if diagnosis.verdict.is_survivor:
        none = "nothing: the run recovered"
    remedy = sentence(suggestions[0].title).removesuffix(".") if suggestions else none
    change = in_place_of(run.info.settings, suggestions[0]) if suggestions else ""
    more = "; ".join(filter(None, (change, f"{len(suggestions) - 1} more below" if len(suggestions) > 1 else "")))
    if rescue is not None and rescue.is_complete and rescue.proven:
        remedy = sentence(arm_title(rescue.proven[0].arm)).removesuffix(".")
        more = proven_words(rescue)
    return facts(
        Fact("Which layer?", _layer_name(run, layer), where),
        _step_fact(diagnosis, broke_at),
        Fact("Which mechanism?", mechanism, why),
        Fact("What to try?", remedy, more),
    )


def _step_fact(diagnosis: Diagnosis, broke_at: int) -> Fact:
    """The step at which a run died; without a step of its own the beginning of the stretch."""
    stretch, first = deciding_stretch(diagnosis), diagnosis.first_link
    step, when = f"step {broke_at:,}", ["the blow"] if diagnosis.blow else []
    if stretch is not None and first is not None and first.rule in WITHOUT_A_STEP:
        step, when = f"from step {stretch.onset:,} on", ["no single step"]
    else:
        when += [f"first link at step {first.step:,}"] if first is not None and first.step != broke_at else []
        when += [f"onset: step {stretch.onset:,}"] if stretch and stretch.onset not in (0, broke_at) else []
    if stretch is not None:
        when.append(f"the detector was sure at step {stretch.confirmed:,}")
        when += [f"recovered at step {stretch.recovery:,}"] if stretch.recovery is not None else []
    return Fact("Which step?", step, "; ".join(when))


def _quiet_facts(run: Run) -> Facts:
    """Three answers for a run that did not die: how good it is, whether anything happened, what was checked."""
    counts = Counter(check.outcome for check in run.diagnosis.checks)
    others = [f"{counts[outcome]} {words}" for outcome, words in OUTCOMES.items() if counts[outcome]]
    how_good, whose = _how_good(run)
    steps = counted(run.diagnosis.steps, "step")
    faults = dict.fromkeys(f"{rule_name(f.rule)} from step {f.first_step:,}" for f in faults_of_healthy(run.diagnosis))
    answer = "yes" if run.rollbacks else "no" if run.verdict is Verdict.HEALTHY else "not yet known"
    return facts(
        Fact("How good is it?", how_good, whose),
        Fact(
            "Did anything break?",
            counted(len(faults), "fault") if faults else answer,
            f"{_turned_back_words(run)}{'; '.join([*faults, f'no defect stretch in {steps}'])}",
        ),
        Fact(
            "What was checked?",
            f"{run.diagnosis.rules_asked} of {run.diagnosis.rules} rules",
            "; ".join([f"{counts[RuleOutcome.PASSED]} found nothing", *filter(None, [", ".join(others)])]),
        ),
    )


def _turned_back_words(run: Run) -> str:
    """The rollbacks of a run in words; "" for a run without any."""
    if not run.rollbacks:
        return ""
    last = run.rollbacks[-1]
    return (
        f"turned back{times_words(run.rollbacks)} to before step {last.step:,} with {remedy_words(last)}; since then "
    )


def _how_good(run: Run) -> tuple[str, str]:
    """The accuracy of the last validation, else of the last training steps; without any accuracy the loss, likewise."""
    last = run.scalars("accuracy", "loss")[-LAST:]
    accuracy, loss = (float(mean) for mean in last.mean(axis=0))
    over = f"of the last {counted(len(last), 'step')}"
    found = [(accuracy, loss, f"training {{}} {over}")]
    if len(run.validations):
        ended = run.validations.iloc[-1]
        found.insert(0, (float(ended["accuracy"]), float(ended["loss"]), "validation {}"))
    for share, _, whose in found:
        if math.isfinite(share):
            return percent(share), whose.format("accuracy")
    _, loss, whose = found[0]
    return f"loss {number(loss)}", whose.format("loss")


def _layer_name(run: Run, layer: str | None) -> str:
    """The layer as an answer; the whole network without one, and "not known" where the log has no layers."""
    if layer is None:
        return "the whole network" if run.info.layers else "not known: none were recorded"
    return "the input" if layer == "input" else layer


def _layer_words(run: Run, layer: str | None) -> str:
    for info in run.info.layers:
        if info.name == layer:
            what = "channels" if len(info.output_shape) == 3 else "neurons"
            after = f", {info.activation}" if info.activation else ""
            return f"{info.kind}, {info.units} {what}{after}"
    return ""
