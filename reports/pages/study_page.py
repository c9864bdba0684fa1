"""The report of a folder of runs: how many died, in which arm, when, and how the bad runs part from the good."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from diagnostics.run.run import Run
from diagnostics.statistics.comparison import Comparison
from diagnostics.statistics.group import Group, sensitivity
from diagnostics.statistics.intervals import interval_words
from diagnostics.statistics.run_summary import RunSummary
from reports.figures.catalogue import study_figures_in
from reports.figures.healthy_vs_defect import compared, counts_words
from reports.figures.survival import death_step, median_death_words
from reports.pages.document import (
    Block,
    Document,
    Fact,
    Facts,
    Hyperlink,
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
from reports.text.glossary import GLOSSARY
from reports.text.numbers import counted, percent, seconds
from reports.text.phrases import Tone, rule_name, sentence, status_words
from reports.text.statistics import cost_words, mean_words

UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class StudyData:
    """What a study report is made from. ``links`` maps run files to their own reports."""

    name: str
    groups: Sequence[Group]
    comparisons: Sequence[Comparison]
    open_run: Callable[[RunSummary], Run]
    links: Mapping[str, str]
    problems: Sequence[str] = ()

    @property
    def runs(self) -> list[RunSummary]:
        """All runs of all arms."""
        return [run for group in self.groups for run in group.runs]


def build(data: StudyData) -> Document:
    """The content of the report; needs at least one group."""
    sections = [
        _arms(data),
        _curves(data),
        _survival(data),
        _tensors(data),
        _runs(data),
        Section("glossary", "Words used here", (Terms(GLOSSARY),)),
    ]
    subtitle = f"{len(data.runs):,} runs in {counted(len(data.groups), 'arm')}"
    return Document(f"Study {data.name}", subtitle, (_verdict(data), _facts(data)), tuple(sections))


def _verdict(data: StudyData) -> VerdictBlock:
    whole = Group("all", tuple(data.runs))
    if not whole.judged:
        return VerdictBlock("nothing to count", "No run of this folder was judged.", "plain")
    rate = f"{whole.defect_runs} of {whole.judged} judged runs died"
    words = [f"{rate} ({percent(whole.defect_rate, 0)})."]
    known = [g for g in data.groups if g.defect_rate is not None]
    if len(known) > 1:
        worst = max(known, key=lambda g: g.defect_rate or 0.0)
        best = min(known, key=lambda g: g.defect_rate or 0.0)
        if worst.defect_rate == best.defect_rate:
            words.append(f"The same share in {'both' if len(known) == 2 else 'all'} arms.")
        else:
            words.append(
                f"Most in {worst.label} ({worst.defect_runs} of {worst.judged}), fewest in {best.label} "
                f"({best.defect_runs} of {best.judged})."
            )
    elif whole.interval is not None:
        words.append(f"95 % interval of the rate: {interval_words(whole.interval)}.")
    tone: Tone = "good" if not whole.defect_runs else "bad" if 2 * whole.defect_runs > whole.judged else "warn"
    return VerdictBlock("none died" if not whole.defect_runs else "some runs died", " ".join(words), tone)


def _facts(data: StudyData) -> Facts:
    whole = Group("all", tuple(data.runs))
    kinds = ", ".join(f"{n} {rule_name(kind)}" for kind, n in whole.by_kind.items() if n) or "none"
    causes = [r.cause or UNEXPLAINED for r in data.runs if r.is_defect]
    common = max(set(causes), key=lambda c: (causes.count(c), c)) if causes else None
    deaths = sorted(death_step(r) for r in data.runs if r.is_defect)
    moved = sensitivity(whole) or "no validation to compare"
    beside = f"{whole.undecided} undecided and {whole.crashed} crashed are not in this count"
    return Facts(
        (
            Fact("How many died?", f"{whole.defect_runs} of {whole.judged}", beside),
            Fact("How?", kinds, f"{whole.recovered} more went down and recovered"),
            Fact("Why, most often?", rule_name(common) if common else "–", _named(causes, common)),
            Fact(
                "When?",
                f"step {median_death_words(deaths)}" if deaths else "–",
                f"median; from {deaths[0]:,} to {deaths[-1]:,}" if deaths else "no run died",
            ),
            Fact("Does leaving them out matter?", _moved(whole), sentence(moved)),
        )
    )


def _named(causes: Sequence[str], common: str | None) -> str:
    """In how many of the runs that died the commonest cause was found, and how many have none."""
    if common is None:
        return ""
    found = "no cause was found" if common == UNEXPLAINED else "named as the cause"
    others = causes.count(UNEXPLAINED) if common != UNEXPLAINED else 0
    return f"{found} in {causes.count(common)} of {len(causes)}" + (f"; {others} unexplained" if others else "")


def _moved(whole: Group) -> str:
    every, alive = whole.all.validation_accuracy.mean, whole.survivors.validation_accuracy.mean
    return "–" if every is None or alive is None else f"{percent(every)} → {percent(alive)}"


def _arms(data: StudyData) -> Section:
    columns = (
        "arm",
        "died",
        "95 % interval",
        "kinds",
        "beside",
        "accuracy, all runs",
        "accuracy, survivors",
        "time of a run",
    )
    table = TableBlock(
        "Arms: all runs beside the survivors", columns, tuple(_arm_row(g) for g in data.groups), frozenset(columns[1:3])
    )
    blocks: list[Block] = [table]
    blocks += pictures(study_figures_in("arms", data))
    if data.comparisons:
        blocks.append(Listing(tuple(_comparison(c) for c in data.comparisons)))
    return Section("arms", "The arms", tuple(blocks))


def _arm_row(g: Group) -> tuple[Inline, ...]:
    kinds = ", ".join(f"{n} {rule_name(kind)}" for kind, n in g.by_kind.items() if n) or "–"
    counts = {"recovered": g.recovered, "undecided": g.undecided, "crashed": g.crashed, "cut short": g.cut_short}
    beside = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
    every, alive = g.all.validation_accuracy, g.survivors.validation_accuracy
    return (
        Strong(g.label),
        f"{g.defect_runs} of {g.judged}",
        interval_words(g.interval),
        kinds,
        beside or "–",
        f"{mean_words(every, 'validation_accuracy')}, n = {every.n}",
        f"{mean_words(alive, 'validation_accuracy')}, n = {alive.n}",
        seconds(g.all.total_seconds.mean),
    )


def _comparison(c: Comparison) -> tuple[Inline, ...]:
    return (Strong(f"{c.arm.label} against {c.control.label}: "), f"{c.words}{cost_words(c)}.")


def _curves(data: StudyData) -> Section:
    return Section("curves", "Every run's loss", pictures(study_figures_in("curves", data)))


def _survival(data: StudyData) -> Section:
    none = text("No run was judged.")
    return Section("survival", "When they die", pictures(study_figures_in("survival", data)) or (none,))


def _tensors(data: StudyData) -> Section:
    """Healthy against defect runs, for the arm with most of both."""
    found = compared(data.groups)
    if found is None:
        words = text("No arm has both surviving and defect runs to compare.")
    else:
        words = text("Arm ", Strong(found[0].label), f", {counts_words(found[1])}.")
    return Section(
        "tensors", "Weights of the good and of the bad", (words, *pictures(study_figures_in("tensors", data)))
    )


def _runs(data: StudyData) -> Section:
    columns = ("run", "arm", "seed", "verdict", "broke at", "cause", "accuracy", "status")
    rows = []
    for group in data.groups:
        for r in group.runs:
            link = data.links.get(r.name)
            where = f"{rule_name(r.cause)} in {r.cause_layer or 'the network'}" if r.cause else "–"
            died = f"{death_step(r):,}" if r.is_defect else "–"
            rows.append(
                (
                    Hyperlink(r.name, link) if link else r.name,
                    group.label,
                    str(r.seed),
                    str(r.verdict),
                    died,
                    where,
                    percent(r.validation_accuracy),
                    status_words(r.status),
                )
            )
    blocks: list[Block] = [TableBlock("Every run", columns, tuple(rows), frozenset({"seed", "broke at", "accuracy"}))]
    if data.problems:
        blocks.insert(0, text(Strong("Not counted: "), "; ".join(data.problems), "."))
    return Section("runs", "The runs", tuple(blocks))
