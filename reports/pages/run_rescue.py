"""The section of a run's report about its rescue."""

from __future__ import annotations

from diagnostics.rescue.results import RescueResult
from diagnostics.run.run import Run
from reports.figures.catalogue import figures_in
from reports.pages.document import Listing, Section, Strong, section, text
from reports.pages.pictures import pictures
from reports.text.phrases import sentence
from reports.text.rescue import fixed_words, headline, lines


def tried(run: Run, result: RescueResult | None) -> tuple[Section, ...]:
    """The results of the rescue; none where no rescue was run."""
    if result is None or not result.results:
        return ()
    done, total = len(result.results), len(result.plan.branches)
    unfinished = f" {done} of {total} branches are done so far." if done < total else ""
    about = text(
        f"The run was replayed to step {result.plan.branch_step:,}, proven to be what was logged, and continued from "
        "there with one change at a time. Every arm has the same orders of the samples. ",
        sentence(fixed_words(result.plan)),
    )
    told = Listing(tuple((sentence(line),) for line in lines(result)))
    shown = pictures(figures_in("tried", run))
    opening = text(Strong(headline(result)), unfinished)
    return (section("tried", "What would have saved it: tried", opening, about, *shown, told),)
