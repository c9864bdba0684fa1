"""The card of each object: verdict, sentence, a few facts and a small picture."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

from diagnostics.detect.findings import Diagnosis, Verdict
from diagnostics.record.recorder import Recorder
from diagnostics.rescue.found import rescue_of
from diagnostics.run.run import Run
from diagnostics.schema.run_info import RunInfo
from diagnostics.statistics.comparison import Comparison
from diagnostics.statistics.group import Group
from diagnostics.study.results import groups_of
from diagnostics.study.runner import Study
from reports.figures.thumbnails import loss_thumbnail, rates_thumbnail, stretches_thumbnail
from reports.notebook.card_content import Card, render
from reports.pages.document import Fact
from reports.pages.run_facts import run_facts
from reports.text.diagnosis import verdict_line, verdict_sentence
from reports.text.headline import headline, link_words
from reports.text.numbers import counted, number, percent, plain
from reports.text.phrases import TITLES, Tone, sentence, status_of, title_of, tone_of, tone_of_run
from reports.text.statistics import defect_rate, mean_words

EFFECTS: dict[str, Tone] = {"helps": "good", "hurts": "bad"}
LOSS_ALT = "The loss over all steps; defect stretches are shaded, and a mark shows where the run died."


def card(one: object) -> str:
    """An object of ``diagnostics`` as a fragment of HTML. Raises TypeError for one that has no card."""
    return render(content(one))


@singledispatch
def content(one: object) -> Card:
    """What the card of an object holds."""
    raise TypeError(f"received {one!r}, expected an object that has a card")


@content.register
def _run(run: Run) -> Card:
    title = f"Run {run.name}: {counted(len(run), 'recorded step')}, {status_of(run)}"
    if not len(run):
        return Card(title, "no steps", "No step is recorded yet, so there is nothing to judge.")
    return Card(
        title,
        title_of(run.diagnosis),
        verdict_sentence(run),
        tone_of_run(run.diagnosis),
        _facts(run),
        loss_thumbnail(run),
        LOSS_ALT,
    )


def _facts(run: Run) -> tuple[Fact, ...]:
    """Those of the report; a card has no list of suggestions below."""
    facts = run_facts(run, rescue_of(run)).items
    more = f"run.diagnosis.remedies has {counted(len(run.diagnosis.remedies), 'suggestion')}"
    return tuple(replace(fact, note=more) if fact.note.endswith(" below") else fact for fact in facts)


@content.register
def _diagnosis(diagnosis: Diagnosis) -> Card:
    links = {"Blow": diagnosis.blow, "First link": diagnosis.first_link}
    facts = [Fact(name, link_words(link)) for name, link in links.items() if link is not None]
    if diagnosis.stretches:
        facts.append(Fact("Defect iterations", f"{diagnosis.defect_steps:,} of {diagnosis.steps:,}"))
    facts += [Fact("To try first", sentence(remedy)) for remedy in diagnosis.remedies[:1]]
    return Card(
        f"Diagnosis of {diagnosis.run}, after {counted(diagnosis.steps, 'step')}",
        title_of(diagnosis),
        headline(diagnosis) or sentence(verdict_line(diagnosis)),
        tone_of_run(diagnosis),
        tuple(facts),
        stretches_thumbnail(diagnosis),
        "The steps of the run as a bar; defect stretches are shaded, and a mark shows where it died.",
    )


@content.register
def _info(info: RunInfo) -> Card:
    layers = ", ".join(f"{layer.name} ({layer.units} units, {layer.activation or 'linear'})" for layer in info.layers)
    facts = [
        Fact("Steps asked for", f"{info.total_steps:,}", f"{info.steps_per_epoch:,} an epoch"),
        Fact("Batch", counted(info.batch_size, "sample")),
        Fact("Seed", f"{info.seed}" if info.seed >= 0 else "not known"),
    ]
    names = ("network", "optimizer", "lr", "init", "activation", "convolution")
    facts += [Fact(name, plain(info.settings[name])) for name in names if info.settings.get(name) is not None]
    return Card(
        "What is known of a run before its first step", f"{info.parameters:,} parameters", layers, facts=tuple(facts)
    )


@content.register
def _recorder(recorder: Recorder) -> Card:
    title = f"Recorder into {recorder.path}" if recorder.path else "Recorder without a log"
    if recorder.diagnosis is not None:
        done = _diagnosis(recorder.diagnosis)
        return Card(title, done.label, done.sentence, done.tone, done.facts, done.picture, done.alt)
    if recorder.info is None or recorder.latest is None:
        return Card(
            title, "before training", "Hand it to model.train(..., hooks=[recorder]), and it records each step."
        )
    columns, verdict = recorder.info.columns, recorder.verdict
    loss, place = float(recorder.latest[columns.scalar("data_loss")]), columns.find("accuracy")
    right = "" if place is None else f", accuracy {percent(float(recorder.latest[place]))}"
    return Card(
        title,
        TITLES[verdict] if verdict is not None and verdict is not Verdict.UNDECIDED else "training",
        f"Step {recorder.step:,} of {recorder.info.total_steps:,}: loss {number(loss)}{right}.",
        tone_of(verdict),
    )


@content.register
def _group(group: Group) -> Card:
    means = {"All runs": group.all, "Survivors": group.survivors}
    accuracies = [
        Fact(
            f"Validation accuracy, {who.lower()}",
            mean_words(mean.validation_accuracy),
            f"n = {mean.validation_accuracy.n}",
        )
        for who, mean in means.items()
    ]
    kinds = ", ".join(f"{kind} {n}" for kind, n in group.by_kind.items() if n)
    outside = f"undecided {group.undecided} and crashed {group.crashed}, which do not count"
    return Card(
        f"Group of {counted(len(group.runs), 'run')}",
        group.label,
        f"Defect runs: {defect_rate(group)}{f' ({kinds})' if kinds else ''}. Beside them {outside}.",
        "warn" if group.defect_runs else "good" if group.judged else "plain",
        tuple(accuracies),
        rates_thumbnail([group]),
        f"Defect rate with its 95 % interval: {defect_rate(group)}.",
    )


@content.register
def _comparison(comparison: Comparison) -> Card:
    groups = (comparison.arm, comparison.control)
    return Card(
        f"{comparison.arm.label} compared with {comparison.control.label}",
        comparison.effect,
        sentence(comparison.words),
        EFFECTS.get(comparison.effect, "plain"),
        picture=rates_thumbnail(groups),
        alt="; ".join(f"{group.label}: {defect_rate(group)}" for group in groups),
    )


@content.register
def _study(study: Study) -> Card:
    groups = groups_of(study.plan, study.runs)
    asked = len(study.plan.tasks())
    told = "; ".join(f"{group.label}: {defect_rate(group)}" for group in groups)
    return Card(
        f"Study in {study.folder}",
        f"{len(study.runs)} of {counted(asked, 'run')}",
        sentence(f"defect runs by arm: {told}")
        if told
        else "No run has ended yet; study.run() trains those that are missing.",
        facts=(Fact("Arms", f"{len(study.plan.arms)}"), Fact("Trained at a time", f"{study.jobs}")),
        picture=rates_thumbnail(groups),
        alt=told,
    )
