"""The report of a folder of runs: how many died, in which arm, when, and how defect runs differ from healthy ones."""

from __future__ import annotations

from diagnostics.statistics.comparison import Comparison
from diagnostics.statistics.group import Group
from diagnostics.statistics.intervals import interval_words
from diagnostics.statistics.run_summary import RunSummary
from reports.figures.catalogue import study_figures_in
from reports.figures.healthy_vs_defect import compared, counts_words
from reports.figures.survival import death_step
from reports.pages.document import (
    Block,
    Document,
    Hyperlink,
    Inline,
    Listing,
    Section,
    Strong,
    TableBlock,
    Terms,
    section,
    text,
)
from reports.pages.pictures import pictures
from reports.pages.study_data import StudyData
from reports.pages.study_facts import study_facts, study_verdict
from reports.text.glossary import GLOSSARY
from reports.text.numbers import NONE, counted, percent, seconds
from reports.text.phrases import rule_name, status_words
from reports.text.statistics import cost_words, mean_words, turned_back_words

ARM_COLUMNS = (
    *("arm", "defect runs", "rate", "95 % interval", "kinds", "other outcomes"),
    *("accuracy, all runs", "accuracy, survivors", "time of a run, all runs"),
)


def build(data: StudyData) -> Document:
    """The content of the report; needs at least one group."""
    sections = [
        _arms(data),
        _curves(data),
        _survival(data),
        _tensors(data),
        _runs(data),
        section("glossary", "Words used here", Terms(GLOSSARY)),
    ]
    subtitle = f"{len(data.runs):,} runs in {counted(len(data.groups), 'arm')}"
    return Document(f"Study {data.name}", subtitle, (study_verdict(data), study_facts(data)), tuple(sections))


def _arms(data: StudyData) -> Section:
    rows = tuple(_arm_row(group) for group in data.groups)
    table = TableBlock("Arms: all runs, and the survivors", ARM_COLUMNS, rows, frozenset(ARM_COLUMNS[1:4]))
    blocks: list[Block] = [table, *pictures(study_figures_in("arms", data))]
    if data.comparisons:
        blocks.append(Listing(tuple(_comparison(c) for c in data.comparisons)))
    return section("arms", "The arms", *blocks)


def _arm_row(g: Group) -> tuple[Inline, ...]:
    kinds = ", ".join(f"{n} {rule_name(kind)}" for kind, n in g.by_kind.items() if n) or NONE
    counts = {
        f"of {g.turned_back} rescued": g.rescued,
        "recovered": g.recovered,
        "undecided": g.undecided,
        "crashed": g.crashed,
        "cut short": g.cut_short,
    }
    others = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
    every, alive = g.all.validation_accuracy, g.survivors.validation_accuracy
    return (
        Strong(g.label),
        f"{g.defect_runs} of {g.judged}",
        percent(g.defect_rate, 0),
        interval_words(g.interval),
        kinds,
        others or NONE,
        f"{mean_words(every)}, n = {every.n}",
        f"{mean_words(alive)}, n = {alive.n}",
        seconds(g.all.total_seconds.mean),
    )


def _comparison(c: Comparison) -> tuple[Inline, ...]:
    return (Strong(f"{c.arm.label} against {c.control.label}: "), f"{c.words}{cost_words(c)}.")


def _curves(data: StudyData) -> Section:
    return section("curves", "Every run's loss", *pictures(study_figures_in("curves", data)))


def _survival(data: StudyData) -> Section:
    shown = pictures(study_figures_in("survival", data))
    return section("survival", "When they die", *(shown or (text("No run was judged."),)))


def _tensors(data: StudyData) -> Section:
    """Healthy against defect runs, for the arm with most of both."""
    found = compared(data.groups)
    words = text("No arm has both surviving and defect runs to compare.")
    if found is not None:
        group, runs = found
        words = text("Arm ", Strong(group.label), f", {counts_words(runs)}.")
    shown = pictures(study_figures_in("tensors", data))
    return section("tensors", "Weights of healthy and of defect runs", words, *shown)


def _runs(data: StudyData) -> Section:
    columns = ("run", "arm", "seed", "verdict", "died at", "first link", "accuracy", "status")
    rows = tuple(_run_row(run, group, data.links.get(run.name)) for group in data.groups for run in group.runs)
    table = TableBlock("Every run", columns, rows, frozenset({"seed", "died at", "accuracy"}))
    missing = text(Strong("Not counted: "), "; ".join(data.problems), ".")
    return section("runs", "The runs", *([missing] if data.problems else []), table)


def _run_row(run: RunSummary, group: Group, link: str | None) -> tuple[Inline, ...]:
    where = f"{rule_name(run.cause)} in {run.cause_layer or 'the network'}" if run.cause else NONE
    broke_at = f"{death_step(run):,}" if run.is_defect else NONE
    name = Hyperlink(run.name, link) if link else run.name
    accuracy, status = percent(run.validation_accuracy), f"{status_words(run.status)}{turned_back_words(run)}"
    return (name, group.label, str(run.seed), rule_name(str(run.verdict)), broke_at, where, accuracy, status)
