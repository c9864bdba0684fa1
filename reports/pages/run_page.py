"""The report of one run, from the verdict down to the settings, in the order in which a reader asks."""

from __future__ import annotations

import os
from pathlib import Path

from diagnostics.detect.findings import Diagnosis, Finding, RuleOutcome, Verdict
from diagnostics.detect.rules import ENDING, MECHANISMS, OF_LOSSES
from diagnostics.detect.track_record import setting_of
from diagnostics.replay.opened import OpenedRun
from diagnostics.rescue.found import rescue_of
from diagnostics.rescue.results import RescueResult
from diagnostics.rescue.suggested import by_evidence
from diagnostics.run.run import Run
from reports.figures.catalogue import figures_in
from reports.pages import html
from reports.pages.document import (
    Block,
    Code,
    Command,
    Document,
    Inline,
    Listing,
    Section,
    Strong,
    Terms,
    VerdictBlock,
    folded,
    section,
    text,
)
from reports.pages.origin_page import origin_blocks
from reports.pages.pictures import pictures
from reports.pages.run_details import details
from reports.pages.run_facts import run_facts
from reports.pages.run_rescue import tried
from reports.pages.run_turned_back import turned_back
from reports.text.command_line import path_word
from reports.text.diagnosis import verdict_sentence
from reports.text.events import steps_words
from reports.text.glossary import GLOSSARY
from reports.text.headline import measured_words, origin_sentence
from reports.text.imported import imported_sentence
from reports.text.numbers import counted
from reports.text.phrases import measured, rule_name, sentence, status_of, title_of, tone_of_run
from reports.text.remedies import command_for, in_place_of
from reports.text.rescue import saved_sentence, single_sentence, tried_words

Origin = OpenedRun | str | None
"""The opened steps of a run, or the reason in one line why there are none; None where they were not asked for."""


def write_report(run: Run, folder: str | os.PathLike[str], origin: Origin = None) -> Path:
    """Write ``report.html`` and the figures of a run; return the page's path.

    ``run``: the run, with at least one recorded step.
    ``folder``: where to.
    ``origin``: the steps that were opened by a replay, or why they could not be; None (default) for no such section.

    Raises LogWriteError where a file cannot be written.
    """
    return html.write(build(run, origin), Path(folder))


def build(run: Run, origin: Origin = None) -> Document:
    """The content of the report; needs at least one recorded step."""
    network = setting_of(run.info.settings) or run.info.settings.get("network", "network")
    seed = "" if run.info.seed < 0 else f", seed {run.info.seed}"
    subtitle = f"{network}{seed}, {counted(len(run), 'step')} recorded, {status_of(run)}"
    rescue = rescue_of(run)
    parts = (verdict_sentence(run), imported_sentence(run), saved_sentence(rescue))
    verdict = " ".join(part for part in parts if part)
    opening: tuple[Block, ...] = (
        VerdictBlock(title_of(run.diagnosis), verdict, tone_of_run(run.diagnosis)),
        run_facts(run, rescue),
        *pictures(figures_in("opening", run)),
    )
    sections = (
        *turned_back(run),
        _why(run, rescue),
        *tried(run, rescue),
        _try(run, rescue),
        *_origin(origin),
        *_layers(run),
        details(run),
        section("glossary", "Words used here", Terms(GLOSSARY)),
    )
    return Document(f"Run {run.name}", subtitle, opening, sections)


def _why(run: Run, rescue: RescueResult | None) -> Section:
    """The chain of events with its picture, and the layer that died; for a run that did not die what was checked."""
    if run.diagnosis.broke_at is None:
        return section("why", "What was checked", *_checked(run), *pictures(figures_in("why", run)))
    chain = run.diagnosis.chain
    unexplained = text("The rules found no chain of events that leads to the defect: it is unexplained.")
    told = Listing(tuple(_link(finding, run.diagnosis) for finding in chain)) if chain else unexplained
    return section("why", "Why: the chain of events", told, *_how_sure(run, rescue), *pictures(figures_in("why", run)))


def _how_sure(run: Run, rescue: RescueResult | None) -> tuple[Block, ...]:
    """The origin of the first link, the counts of its rule and that of the blow, and the results of a rescue.

    The list is empty without a first link.
    """
    diagnosis = run.diagnosis
    if diagnosis.first_link is None:
        return ()
    links = [link for link in (diagnosis.blow, diagnosis.first_link) if link is not None]
    singles = rescue.singles if rescue is not None else ()
    measured_of = dict.fromkeys(sentence(measured_words(link)) for link in links)
    return (
        text(Strong("Code, settings, data or luck? "), origin_sentence(diagnosis)),
        text(Strong("How sure is that? "), " ".join(measured_of)),
        *(text(Strong("Tried on this run: "), single_sentence(one), ".") for one in singles if one.runs),
    )


def _checked(run: Run) -> tuple[Block, ...]:
    """What the rules noticed, the steps that they were asked about, and the questions of those that found nothing."""
    seen = [check for check in run.diagnosis.checks if check.outcome is RuleOutcome.FIRED]
    noticed = (text(Strong("Noticed:")), Listing(tuple(_link(check, run.diagnosis) for check in seen))) if seen else ()
    passed = [check for check in run.diagnosis.checks if check.outcome is RuleOutcome.PASSED]
    if not passed:
        none = "No rule could be asked." if not seen else "Every rule that was asked noticed something."
        return (*noticed, text(f"The verdict follows every recorded step. {none}"))
    first, last = min(check.first_step for check in passed), max(check.last_step for check in passed)
    looked = text(f"The verdict follows every recorded step; the rules looked at steps {first:,} to {last:,}.")
    listing = Listing(tuple((Strong(rule_name(check.rule)), f": {_looked_for(check)}") for check in passed))
    return (*noticed, looked, folded(f"{counted(len(passed), 'rule')} found nothing", listing))


def _looked_for(check: Finding) -> str:
    """The question of a rule that found nothing."""
    title = next((rule.title for rule in (*MECHANISMS, *ENDING, *OF_LOSSES) if rule.name == check.rule), "")
    return f"whether {title}." if title else sentence(check.message)


def _link(finding: Finding, diagnosis: Diagnosis) -> tuple[Inline, ...]:
    """A finding with its steps, its layer and its numbers; the one that holds the blow says at which step that was."""
    when, blow, first = steps_words(finding, diagnosis), diagnosis.blow, finding.first_step
    when = when[0].upper() + when[1:]
    holds = blow is not None and (finding.rule, finding.layer) == (blow.rule, blow.layer)
    if blow is not None and holds and first <= blow.step <= finding.last_step:
        when += " (the blow)" if blow.step == first else f" (the blow: step {blow.step:,})"
    numbers = f" Measured: {measured(finding)}." if measured(finding) else ""
    return (Strong(f"{when}, {finding.layer or 'whole network'}: "), sentence(finding.message) + numbers)


def _origin(origin: Origin) -> tuple[Section, ...]:
    """The steps that a replay opened, or the reason why it could not."""
    if origin is None:
        return ()
    blocks = (text(sentence(origin)),) if isinstance(origin, str) else origin_blocks(origin)
    return (Section("origin", "The origin", blocks),)


def _layers(run: Run) -> tuple[Section, ...]:
    """All layers, and all tensors; none for a log without layers."""
    if not run.info.layers:
        return ()
    tensors = pictures(figures_in("tensors", run))
    none = text("No snapshots of the tensors were logged (", Code("--histograms-every 0"), " or too few steps).")
    return (
        section("layers", "All layers", *pictures(figures_in("layers", run))),
        section("tensors", "Weights and biases", *(tensors or (none,))),
    )


def _try(run: Run, rescue: RescueResult | None) -> Section:
    """Each remedy with its reason, and the command that tries it where options can."""
    suggestions = by_evidence(run.diagnosis.suggestions, rescue)
    if not suggestions:
        none = "No remedy is known for what the rules found."
        if run.diagnosis.broke_at is None:
            is_open = run.verdict is Verdict.UNDECIDED
            none = "The rules found nothing to change." if is_open else "Nothing needs a remedy."
        elif run.verdict.is_survivor:
            none = "Nothing needs a remedy: this run recovered by itself."
        elif not run.info.layers:
            none = (
                "This log has no layers, so most rules could not be asked. Record the layers of the next run as well "
                "(docs/own-network.md, docs/pytorch.md, docs/keras.md), and they say which of them failed."
            )
        return section("try", "What to try", text(none), *_experiment(run, rescue))
    commands = [command_for(run.info.settings, suggestion) for suggestion in suggestions]
    how = ["In this order."] if len(suggestions) > 1 else []
    how += ["A command repeats this run, same seed, with one change."] if any(commands) else []
    blocks: list[Block] = [text(" ".join(how))] if how else []
    for i, (suggestion, command) in enumerate(zip(suggestions, commands, strict=True), 1):
        shown = tried_words(rescue, suggestion.remedy.key)
        change = in_place_of(run.info.settings, suggestion)
        title = sentence(f"{suggestion.title}: {change}" if change else suggestion.title)
        why = f"Why: {suggestion.remedy.reason}."
        told = [title, why, *([sentence(shown)] if shown else [])]
        blocks.append(text(Strong(f"{i}. "), " ".join(told)))
        if command:
            blocks.append(Command(command))
    return section("try", "What to try", *blocks, *_experiment(run, rescue))


def _experiment(run: Run, rescue: RescueResult | None) -> tuple[Block, ...]:
    """How to find out what would have saved the run; nothing where that is known, or where nothing can train it."""
    if rescue is not None or run.path is None or not run.verdict.is_dead or not run.info.settings:
        return ()
    tested = "None of this is tested on this run. " if run.diagnosis.suggestions else ""
    about = text(
        f"{tested}An experiment tells what would have saved it: it trains the run again from before its death, with "
        "one change at a time and with none."
    )
    return (about, Command(f"lenet-diag rescue {path_word(run.path.name)}"))
