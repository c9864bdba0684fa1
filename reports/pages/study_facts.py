"""The answers at the top of a study's report: how many runs died, how, why and when, and the accuracy without them."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.statistics.group import Group, sensitivity
from diagnostics.statistics.intervals import interval_words
from reports.figures.survival import death_step, median_death_words
from reports.pages.document import Fact, Facts, VerdictBlock, facts
from reports.pages.study_data import StudyData
from reports.text.numbers import NONE, percent
from reports.text.phrases import Tone, rule_name, sentence
from reports.text.statistics import rescued_words

UNEXPLAINED = "unexplained"


def study_verdict(data: StudyData) -> VerdictBlock:
    """How many runs died, and in which arm most of them and fewest."""
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


def study_facts(data: StudyData) -> Facts:
    """Five answers: how many died, how, why, when, and how the accuracy changes without them."""
    whole = Group("all", tuple(data.runs))
    kinds = ", ".join(f"{n} {rule_name(kind)}" for kind, n in whole.by_kind.items() if n) or "none"
    causes = [r.cause or UNEXPLAINED for r in data.runs if r.is_defect]
    common = max(set(causes), key=lambda c: (causes.count(c), c)) if causes else None
    deaths = sorted(death_step(r) for r in data.runs if r.is_defect)
    rescued = rescued_words(whole) if whole.turned_back else ""
    moved = sensitivity(whole)
    means = f"validation accuracy: {moved}" if moved else "no validation to compare"
    beside = f"{whole.undecided} undecided and {whole.crashed} crashed are not in this count"
    beside = beside if whole.undecided or whole.crashed else ""
    recovered = f"{whole.recovered} more had a defect stretch and recovered" if whole.recovered else ""
    return facts(
        Fact("How many died?", f"{whole.defect_runs} of {whole.judged}", beside),
        Fact("How?", kinds, "; ".join(filter(None, [rescued, recovered]))),
        Fact("Why, most often?", rule_name(common) if common else NONE, _named(causes, common)),
        Fact(
            "When?",
            f"step {median_death_words(deaths)}" if deaths else NONE,
            f"median; from {deaths[0]:,} to {deaths[-1]:,}" if deaths else "no run died",
        ),
        Fact("Does leaving them out matter?", _moved(whole), sentence(means)),
    )


def _named(causes: Sequence[str], common: str | None) -> str:
    """In how many of the runs that died the commonest cause was found, and how many have none."""
    if common is None:
        return ""
    found = "no first link was found" if common == UNEXPLAINED else "named as the first link"
    others = causes.count(UNEXPLAINED) if common != UNEXPLAINED else 0
    return f"{found} in {causes.count(common)} of {len(causes)}" + (f"; {others} unexplained" if others else "")


def _moved(whole: Group) -> str:
    every, alive = whole.all.validation_accuracy.mean, whole.survivors.validation_accuracy.mean
    return NONE if every is None or alive is None else f"{percent(every)} → {percent(alive)}"
