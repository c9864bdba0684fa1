"""The report of a folder of runs: how many died, in which arm, when, and how the bad runs part from the good."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from diagnostics.run.run import Run
from diagnostics.statistics.comparison import Comparison
from diagnostics.statistics.group import Group, sensitivity
from diagnostics.statistics.run_summary import RunSummary
from reports.figures.arms import arms_figure
from reports.figures.fates import fates_figure
from reports.figures.rates import rates_figure
from reports.figures.survival import death_step, median_death_words, survival_figure
from reports.pages.document import (
    Block,
    Document,
    Fact,
    Facts,
    Inline,
    Link,
    Listing,
    Section,
    Strong,
    Table,
    Terms,
    text,
)
from reports.pages.document import Verdict as VerdictBlock
from reports.pages.pictures import picture
from reports.text.glossary import GLOSSARY
from reports.text.numbers import counted, interval_words, percent, seconds
from reports.text.phrases import Tone, rule_name, sentence, status_words
from reports.text.statistics import cost_words, defect_rate, mean_words

MOST_COMPARED = 80
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
            words.append(f"Most in {worst.label} ({worst.defect_runs} of {worst.judged}), fewest in {best.label} "
                         f"({best.defect_runs} of {best.judged}).")  # fmt: skip
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
    return Facts((
        Fact("How many died?", f"{whole.defect_runs} of {whole.judged}", beside),
        Fact("How?", kinds, f"{whole.recovered} more went down and recovered"),
        Fact("Why, most often?", rule_name(common) if common else "–", _named(causes, common)),
        Fact("When?", f"step {median_death_words(deaths)}" if deaths else "–",
             f"median; from {deaths[0]:,} to {deaths[-1]:,}" if deaths else "no run died"),
        Fact("Does leaving them out matter?", _moved(whole), sentence(moved)),
    ))  # fmt: skip


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
    columns = ("arm", "died", "95 % interval", "kinds", "beside", "accuracy, all runs", "accuracy, survivors",
               "time of a run")  # fmt: skip
    table = Table("Arms: all runs beside the survivors", columns, tuple(_arm_row(g) for g in data.groups),
                  frozenset(columns[1:3]))  # fmt: skip
    blocks: list[Block] = [table]
    figure = rates_figure(data.groups)
    if figure is not None:
        told = "; ".join(f"{g.label}: {defect_rate(g)}" for g in data.groups)
        blocks.append(picture("1-defect-rates", "Defect rates", f"Dots with intervals: {told}.",
                               "The dot is the share of judged runs that died, the bar its Wilson 95 % interval. "
                               "Intervals that overlap leave the difference open.", figure))  # fmt: skip
    if data.comparisons:
        blocks.append(Listing(tuple(_comparison(c) for c in data.comparisons)))
    return Section("arms", "The arms", tuple(blocks))


def _arm_row(g: Group) -> tuple[Inline, ...]:
    kinds = ", ".join(f"{n} {rule_name(kind)}" for kind, n in g.by_kind.items() if n) or "–"
    counts = {"recovered": g.recovered, "undecided": g.undecided, "crashed": g.crashed, "cut short": g.cut_short}
    beside = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
    every, alive = g.all.validation_accuracy, g.survivors.validation_accuracy
    return (
        Strong(g.label), f"{g.defect_runs} of {g.judged}", interval_words(g.interval), kinds, beside or "–",
        f"{mean_words(every, 'validation_accuracy')}, n = {every.n}",
        f"{mean_words(alive, 'validation_accuracy')}, n = {alive.n}", seconds(g.all.total_seconds.mean),
    )  # fmt: skip


def _comparison(c: Comparison) -> tuple[Inline, ...]:
    return (Strong(f"{c.arm.label} against {c.control.label}: "), f"{c.words}{cost_words(c)}.")


def _curves(data: StudyData) -> Section:
    told = "; ".join(f"{g.label}, {g.defect_runs} of {g.judged} died" for g in data.groups)
    return Section("curves", "Every run's loss", (picture(
        "2-loss-by-arm", "Loss by arm", f"Loss curves of all runs, a panel an arm, defect runs in red dashes: {told}.",
        "Each line is a run: the mean loss over 20 steps or 2,560 samples. At most 60 runs are drawn in a panel.",
        arms_figure(data.groups, data.open_run)),))  # fmt: skip


def _survival(data: StudyData) -> Section:
    figure = survival_figure(data.groups)
    if figure is None:
        return Section("survival", "When they die", (text("No run was judged."),))
    told = "; ".join(f"{g.label}: {g.judged - g.defect_runs} of {g.judged} alive at the end" for g in data.groups)
    caption = (
        "The share of runs not yet dead, with its 95 % band (Kaplan-Meier, log-log). A run dies at the step of its "
        "cause, or at its onset where no cause was found; a run that recovered counts as alive."
    )
    alt = f"Kaplan-Meier curves over steps: {told}."
    return Section("survival", "When they die", (picture("3-survival", "Runs still alive", alt, caption, figure),))


def _tensors(data: StudyData) -> Section:
    """Healthy against defect runs, for the arm with most of both."""
    group = max(data.groups, key=lambda g: min(g.defect_runs, g.judged - g.defect_runs))
    if not group.defect_runs or group.defect_runs == group.judged:
        return Section("tensors", "Weights of the good and of the bad", (text(
            "No arm has both surviving and defect runs to compare."),))  # fmt: skip
    chosen = _of_both_fates(group)
    runs = [data.open_run(summary) for summary in chosen]
    defects = sum(r.is_defect for r in chosen)
    counts = f"{counted(defects, 'defect run')} against {counted(len(chosen) - defects, 'survivor')}"
    blocks: list[Block] = [text("Arm ", Strong(group.label), f", {counts}.")]
    for name, title, align in (("4-from-the-start", "From the first step", "start"),
                               ("5-around-the-onset", "Around the onset", "onset")):  # fmt: skip
        figure = fates_figure(runs, align)  # type: ignore[arg-type]  # one of the two literals
        if figure is not None:
            alt = (f"Norms of weights, gradients and updates of each layer, {counts}, aligned at the "
                   f"{'first step' if align == 'start' else 'onset'}.")  # fmt: skip
            caption = "Line: median over the runs; band: the middle 80 % of them."
            if align == "onset":
                caption += (" Survivors are looked at around the same steps. A run that never learned counts from the "
                            "step at which it went down.")  # fmt: skip
            blocks.append(picture(name, title, alt, caption, figure))
    return Section("tensors", "Weights of the good and of the bad", tuple(blocks))


def _of_both_fates(group: Group) -> list[RunSummary]:
    """At most MOST_COMPARED judged runs, as many of one fate as of the other where there are enough of both."""
    defects = [r for r in group.runs if r.is_defect]
    survivors = [r for r in group.runs if r.is_survivor]
    dead = min(len(defects), max(MOST_COMPARED // 2, MOST_COMPARED - len(survivors)))
    return [*defects[:dead], *survivors[: MOST_COMPARED - dead]]


def _runs(data: StudyData) -> Section:
    columns = ("run", "arm", "seed", "verdict", "broke at", "cause", "accuracy", "status")
    rows = []
    for group in data.groups:
        for r in group.runs:
            link = data.links.get(r.name)
            where = f"{rule_name(r.cause)} in {r.cause_layer or 'the network'}" if r.cause else "–"
            died = f"{death_step(r):,}" if r.is_defect else "–"
            rows.append((Link(r.name, link) if link else r.name, group.label, str(r.seed), str(r.verdict), died,
                         where, percent(r.validation_accuracy), status_words(r.status)))  # fmt: skip
    blocks: list[Block] = [Table("Every run", columns, tuple(rows), frozenset({"seed", "broke at", "accuracy"}))]
    if data.problems:
        blocks.insert(0, text(Strong("Not counted: "), "; ".join(data.problems), "."))
    return Section("runs", "The runs", tuple(blocks))
