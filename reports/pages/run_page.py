"""The report of one run: from the verdict down to the settings, in the order a reader asks."""

from __future__ import annotations

import math
from pathlib import Path

from diagnostics.detect.early_warnings import RULE as EARLY
from diagnostics.detect.findings import Finding, RuleOutcome, Verdict
from diagnostics.detect.rules import ENDING, MECHANISMS
from diagnostics.run.run import Run
from diagnostics.run.turning_point import deciding_stretch, downfall, guilty_layer, turning_step
from reports.figures.catalogue import figures_in
from reports.pages import html
from reports.pages.document import (
    Block,
    Code,
    Command,
    Document,
    Fact,
    Facts,
    Folded,
    Inline,
    Listing,
    Section,
    Strong,
    TableBlock,
    Terms,
    VerdictBlock,
    text,
)
from reports.pages.pictures import pictures
from reports.text.diagnosis import verdict_sentence
from reports.text.glossary import GLOSSARY
from reports.text.headline import link_words
from reports.text.numbers import counted, number, percent, plain, seconds, size
from reports.text.phrases import TITLES, measured, rule_name, sentence, status_of, tone_of
from reports.text.remedies import command_for


def write_report(run: Run, folder: Path) -> Path:
    """Write ``report.html`` and the figures of ``run`` into ``folder``; return the page's path."""
    return html.write(build(run), folder)


def build(run: Run) -> Document:
    """The content of the report; needs at least one recorded step."""
    network = run.info.settings.get("network", "network")
    subtitle = f"{network}, seed {run.info.seed}, {counted(len(run), 'step')} recorded, {status_of(run)}"
    opening: tuple[Block, ...] = (
        VerdictBlock(TITLES[run.verdict], verdict_sentence(run), tone_of(run.verdict)),
        _facts(run),
        *pictures(figures_in("opening", run)),
    )
    sections = (
        _why(run),
        Section("layers", "All layers", pictures(figures_in("layers", run))),
        _tensors(run),
        _try(run),
        _details(run),
        Section("glossary", "Words used here", (Terms(GLOSSARY),)),
    )
    return Document(f"Run {run.name}", subtitle, opening, sections)


def _facts(run: Run) -> Facts:
    """Four answers at a glance: which layer, which step, which mechanism, what to try."""
    diagnosis, turn = run.diagnosis, turning_step(run)
    if turn is None:
        return _quiet_facts(run)
    stretch, down = deciding_stretch(diagnosis), downfall(run)
    blow, first = diagnosis.blow, diagnosis.first_link
    layer = guilty_layer(run) or (first.layer if first else None)
    where, when = _layer_words(run, layer), ["the blow"] if blow else []
    others = [one for one in (blow.layers if blow else ()) if one != layer]
    if others:
        where += f"; the blow hit {', '.join(others)} as well"
    if first is not None and first.step != turn:
        when.append(f"first link at step {first.step:,}")
    if stretch is not None and stretch.onset not in (0, turn):
        when.append(f"onset: step {stretch.onset:,}")
    if stretch is not None:
        when.append(f"the detector was sure at step {stretch.confirmed:,}")
        when += [f"recovered at step {stretch.recovery:,}"] if stretch.recovery is not None else []
    links = [link for link in (blow, first) if link is not None]
    mechanism = rule_name(down.rule) if down else rule_name(links[0].rule) if links else "unexplained"
    why = "no rule accounts for it"
    if links:
        why = "; ".join(dict.fromkeys(link_words(link) for link in links))
    remedy = sentence(diagnosis.remedies[0]) if diagnosis.remedies else "nothing that fits is known"
    more = f"{counted(len(diagnosis.remedies), 'suggestion')} below" if diagnosis.remedies else ""
    return Facts(
        (
            Fact("Which layer?", layer or "the whole network", where),
            Fact("Which step?", f"step {turn:,}", "; ".join(when)),
            Fact("Which mechanism?", mechanism, why),
            Fact("What to try?", remedy, more),
        )
    )


def _quiet_facts(run: Run) -> Facts:
    checks = run.diagnosis.checks
    counts = {outcome: sum(1 for c in checks if c.outcome is outcome) for outcome in RuleOutcome}
    validations = run.validations
    last = float(validations["accuracy"].iloc[-1]) if len(validations) else None
    accuracy = run.block([run.columns.scalar("accuracy")])[-50:, 0].astype(float)
    others = ", ".join(
        f"{counts[o]} {words}"
        for o, words in (
            (RuleOutcome.FIRED, "raised a remark"),
            (RuleOutcome.NOT_RUN, "could not be run"),
            (RuleOutcome.ERROR, "failed"),
        )
        if counts[o]
    )
    return Facts(
        (
            Fact(
                "How good is it?",
                percent(last) if last is not None else percent(float(accuracy.mean())),
                "validation accuracy"
                if last is not None
                else f"training accuracy of the last {counted(len(accuracy), 'step')}",
            ),
            Fact(
                "Did anything break?",
                "no" if run.verdict is Verdict.HEALTHY else "not yet known",
                f"no defect stretch in {counted(run.diagnosis.steps, 'step')}",
            ),
            Fact(
                "What was checked?",
                f"{len(checks)} rules",
                f"{counts[RuleOutcome.PASSED]} found nothing" + (f"; {others}" if others else ""),
            ),
        )
    )


def _layer_words(run: Run, layer: str | None) -> str:
    for info in run.info.layers:
        if info.name == layer:
            what = "channels" if len(info.output_shape) == 3 else "neurons"
            after = f", {info.activation}" if info.activation else ""
            return f"{info.kind}, {info.units} {what}{after}"
    return ""


def _why(run: Run) -> Section:
    """The chain of events with its picture, and the guilty layer; for a quiet run what was checked."""
    blocks: list[Block] = []
    told = run.diagnosis.chain
    if turning_step(run) is None:
        passed = tuple(c for c in run.diagnosis.checks if c.outcome is RuleOutcome.PASSED)
        reach = [(c.first_step, c.last_step) for c in passed]
        window = f" at steps {min(reach)[0]:,} to {max(r[1] for r in reach):,}" if reach else ""
        blocks.append(
            text(
                f"The verdict follows every recorded step; the rules looked{window}. ",
                Strong("Found in order:" if passed else "No rule could be asked."),
            )
        )
        blocks.append(Listing(tuple((Strong(rule_name(c.rule)), f": {_looked_for(c)}") for c in passed)))
        blocks += pictures(figures_in("why", run))
        return Section("why", "What was checked", tuple(blocks))
    if told:
        blocks.append(Listing(tuple(_link(f) for f in told)))
    else:
        blocks.append(text("The rules found no chain of events that leads to the defect: its cause is unexplained."))
    blocks += pictures(figures_in("why", run))
    return Section("why", "Why: the chain of events", tuple(blocks))


def _looked_for(check: Finding) -> str:
    """What a rule that found nothing had looked for."""
    title = next((rule.title for rule in (*MECHANISMS, *ENDING) if rule.name == check.rule), "")
    return f"whether {title}; {check.message}." if title else sentence(check.message)


def _link(finding: Finding) -> tuple[Inline, ...]:
    where = finding.layer or "whole network"
    numbers = f" Measured: {measured(finding)}." if measured(finding) else ""
    return (Strong(f"Step {finding.first_step:,}, {where}: "), sentence(finding.message) + numbers)


def _tensors(run: Run) -> Section:
    shown = pictures(figures_in("tensors", run))
    none = text("No snapshots of the tensors were logged (", Code("--histograms-every 0"), " or too few steps).")
    return Section("tensors", "Weights and biases", shown or (none,))


def _try(run: Run) -> Section:
    suggestions = run.diagnosis.suggestions
    if not suggestions:
        quiet = turning_step(run) is None
        return Section(
            "try",
            "What to try",
            (text("Nothing needs a remedy." if quiet else "No remedy is known for what the rules found."),),
        )
    some = any(command_for(run.info.settings, suggestion) for suggestion in suggestions)
    blocks: list[Block] = [
        text(
            "In this order. "
            + (
                "A command repeats this run, same seed, with one change."
                if some
                else "This run was started from Python, or options do not change these."
            )
        )
    ]
    for i, suggestion in enumerate(suggestions, 1):
        reason = f" Why: {suggestion.remedy.reason}."
        blocks.append(text(Strong(f"{i}. "), sentence(suggestion.title), reason))
        command = command_for(run.info.settings, suggestion)
        if command:
            blocks.append(Command(command))
    return Section("try", "What to try", tuple(blocks))


def _details(run: Run) -> Section:
    """Findings, settings, environment, the log itself."""
    diagnosis = run.diagnosis
    fired, others = _findings(run)
    early = [f for f in fired if f.rule == EARLY]
    columns = ("rule", "outcome", "layer", "steps", "measured", "severity", "confidence", "in words")

    def table(caption: str, findings: list[Finding]) -> TableBlock:
        return TableBlock(caption, columns, tuple(_row(f) for f in findings), frozenset({"measured"}))

    found = [f for f in fired if f.rule != EARLY]
    changed = diagnosis.changed_limits
    limits = TableBlock(
        "Limits this verdict was reached with",
        ("limit", "value", "default"),
        tuple((k, plain(v), plain(changed[k][1]) if k in changed else "the same") for k, v in diagnosis.limits.items()),
        frozenset({"value", "default"}),
    )
    title = f"Limits: {len(changed)} of them not the defaults" if changed else "Limits"
    return Section(
        "details",
        "Findings, settings, files",
        (
            table("What the rules found", found) if found else text("No rule found anything."),
            *([Folded(f"Early warnings: {len(early)}", (table("Often wrong, said at once", early),))] if early else []),
            Folded(f"Rules that found nothing or could not be run: {len(others)}", (table("The other rules", others),)),
            Folded(title, (limits,)),
            Folded("Settings", (_pairs("Settings of the run", run.config),)),
            Folded("Environment and data", (_pairs("Where and with what it ran", dict(run.info.environment)),)),
            _log_table(run),
        ),
    )


def _findings(run: Run) -> tuple[list[Finding], list[Finding]]:
    """What fired, in order of steps, and the answers of the rules that did not."""
    fired = sorted(run.diagnosis.findings, key=lambda f: (f.first_step, f.rule))
    return fired, [c for c in run.diagnosis.checks if c.outcome is not RuleOutcome.FIRED]


def _row(f: Finding) -> tuple[Inline, ...]:
    fired = f.outcome is RuleOutcome.FIRED
    reach = f"{f.first_step:,}" if f.first_step == f.last_step else f"{f.first_step:,}–{f.last_step:,}"
    outcome = str(f.outcome).replace("-", " ")
    return (
        Code(f.rule),
        Strong(outcome) if fired else outcome,
        f.layer or "–",
        reach if fired else "–",
        measured(f) or "–",
        str(f.severity) if fired else "–",
        percent(f.confidence, 0) if fired else "–",
        sentence(f.message),
    )


def _pairs(caption: str, values: dict[str, object]) -> TableBlock:
    return TableBlock(caption, ("name", "value"), tuple((k.replace("_", " "), plain(v)) for k, v in values.items()))


def _log_table(run: Run) -> TableBlock:
    steps = run.block([run.columns.scalar("seconds")])[:, 0].astype(float)
    rows: list[tuple[Inline, ...]] = [
        ("status", status_of(run)),
        ("steps recorded", f"{len(run):,} of {run.info.total_steps:,} asked for"),
        ("time of the steps", f"{seconds(float(steps.sum()))}, {seconds(float(steps.mean()))} a step"),
        ("parameters", f"{run.info.parameters:,}"),
        ("numbers a step", f"{len(run.columns):,}"),
        ("snapshots", f"{len(run.snapshots):,}"),
    ]
    if run.path is not None:
        count = run.path.stat().st_size
        each = f", {number(count / max(len(run), 1))} bytes a step" if len(run) else ""
        rows.insert(0, ("file", Code(run.path.name)))
        rows.insert(1, ("size", size(count) + each))
    cost = run.header.cost_seconds
    if math.isfinite(cost) and len(run):
        share = percent(cost / float(steps.sum())) if steps.sum() else "–"
        rows.append(
            (
                "cost of measuring, judging and writing",
                f"{seconds(cost)}, {seconds(cost / len(run))} a recorded step, {share} of the steps' time",
            )
        )
    rows += [("note", note) for note in run.notes]
    return TableBlock("The log", ("what", "value"), tuple(rows))
