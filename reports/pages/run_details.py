"""The details at the end of a run's report: findings, limits, settings, environment, and the log itself."""

from __future__ import annotations

import math

from diagnostics.detect.early_warnings import RULE as EARLY
from diagnostics.detect.findings import Diagnosis, Finding, RuleOutcome
from diagnostics.detect.track_record import track_record
from diagnostics.run.run import Run
from lenet.settings import shown_setting
from reports.pages.document import Block, Code, Inline, Section, TableBlock, folded, section, text
from reports.text.events import known_end
from reports.text.numbers import NONE, counted, number, percent, plain, seconds, size
from reports.text.phrases import measured, sentence, status_of
from reports.text.task import guessing_words

OTHERS = ("rule", "outcome", "in words")
COLUMNS = ("rule", "layer", "steps", "measured", "severity", "confidence", "in words")


def details(run: Run) -> Section:
    """Findings, settings, environment, the log itself."""
    fired, others = _findings(run)
    early = [finding for finding in fired if finding.rule == EARLY]
    found = [finding for finding in fired if finding.rule != EARLY]
    environment = dict(run.info.environment)
    nothing = text("No rule found anything.")
    blocks: list[Block] = [_table("What the rules found", found, run.diagnosis) if found else nothing]
    if early:
        table = _table("Often wrong, reported at once", early, run.diagnosis)
        blocks.append(folded(f"Early warnings: {len(early)}", table))
    silent = f"Rules that found nothing or were not asked: {len(others)}"
    blocks += [
        folded(silent, TableBlock("The other rules", OTHERS, tuple(_other_row(finding) for finding in others))),
        _limits(run),
        folded("Settings", _pairs("Settings of the run", run.config)),
        folded("Environment and data", _pairs("Machine, versions and data of the run", environment)),
        _log_table(run),
    ]
    return section("details", "Findings, settings, files", *blocks)


def _limits(run: Run) -> Block:
    """The limits, each beside its default where it has another value."""
    limits, changed = run.diagnosis.limits, run.diagnosis.changed_limits
    defaults = {key: plain(default) for key, (_, default) in changed.items()}
    rows = [(key, plain(value), *([defaults.get(key, "")] if changed else [])) for key, value in limits.items()]
    columns = ("limit", "value", *(["default, where changed"] if changed else []))
    title = f"Limits ({len(changed)} changed)" if changed else "Limits"
    return folded(
        title, TableBlock("Limits this verdict was reached with", columns, tuple(rows), frozenset(columns[1:]))
    )


def _table(caption: str, findings: list[Finding], diagnosis: Diagnosis) -> TableBlock:
    rows = tuple(_row(finding, known_end(finding, diagnosis)) for finding in findings)
    return TableBlock(caption, COLUMNS, rows, frozenset({"measured"}))


def _findings(run: Run) -> tuple[list[Finding], list[Finding]]:
    """The findings in order of their steps, and the answers of the rules that found nothing."""
    fired = sorted(run.diagnosis.findings, key=lambda f: (f.first_step, f.rule))
    return fired, [c for c in run.diagnosis.checks if c.outcome is not RuleOutcome.FIRED]


def _other_row(f: Finding) -> tuple[Inline, ...]:
    """A rule that found nothing or was not asked: it has no layer, no steps and no numbers."""
    return (Code(f.rule), str(f.outcome).replace("-", " "), sentence(f.message))


def _row(f: Finding, last: int | None) -> tuple[Inline, ...]:
    first = f"{f.first_step:,}"
    reach = f"from {first}" if last is None else first if last == f.first_step else f"{first}–{last:,}"
    return (
        Code(f.rule),
        f.layer or NONE,
        reach,
        measured(f) or NONE,
        str(f.severity),
        _confidence(f),
        sentence(f.message),
    )


def _confidence(f: Finding) -> str:
    """Of how many injected faults the rule named how many right: a share of so few would promise too much."""
    record = track_record(f.rule)
    if not record.named:
        return NONE
    return f"right in {record.right} of {counted(record.named, 'injected fault')}"


def _pairs(caption: str, values: dict[str, object]) -> TableBlock:
    return TableBlock(
        caption, ("name", "value"), tuple((k.replace("_", " "), plain(shown_setting(k, v))) for k, v in values.items())
    )


def _log_table(run: Run) -> TableBlock:
    steps = run.scalars("seconds")[:, 0]
    asked = f" of {run.info.total_steps:,} asked for" if run.info.total_steps else ""
    rows: list[tuple[Inline, ...]] = [
        ("status", status_of(run)),
        ("steps recorded", f"{len(run):,}{asked}"),
        ("time of the steps", f"{seconds(float(steps.sum()))}, {seconds(float(steps.mean()))} a step"),
        ("task", f"{run.info.task.words}; {guessing_words(run.info)}"),
        ("not recorded", ", ".join(run.info.not_recorded) or "nothing is missing"),
        ("parameters", NONE if run.info.is_imported else f"{run.info.parameters:,}"),
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
        share = percent(cost / float(steps.sum())) if steps.sum() else NONE
        words = f"{seconds(cost)}, {seconds(cost / len(run))} a recorded step, {share} of the steps' time"
        rows.append(("cost of measuring, judging and writing", words))
    rows += [("note", note) for note in run.notes]
    return TableBlock("The log", ("what", "value"), tuple(rows))
