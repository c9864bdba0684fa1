"""The section of a run's report about its rollbacks and the undone steps."""

from __future__ import annotations

from diagnostics.detect.rollback_remedies import rollback_words
from diagnostics.run.run import Run
from diagnostics.schema.rollback import Rollback
from reports.figures.catalogue import figures_in
from reports.pages.document import Paragraph, Section, Strong, section, text
from reports.pages.pictures import pictures
from reports.text.headline import headline
from reports.text.numbers import counted
from reports.text.phrases import sentence


def turned_back(run: Run) -> tuple[Section, ...]:
    """Each rollback, with the explanation of the undone defect; none for a run without a rollback."""
    if not run.rollbacks:
        return ()
    undone = sum(rollback.undone_steps for rollback in run.rollbacks)
    about = text(
        f"{counted(undone, 'step')} of this run are undone. They stay in the log and count nowhere else on this page. "
        "A run that was turned back counts as a defect run in all statistics, however it ended."
    )
    told = [_told(*each) for each in enumerate(zip(run.rollbacks, run.undone(), strict=True), 1)]
    shown = pictures(figures_in("turned-back", run))
    return (section("turned-back", "Where it was turned back", about, *told, *shown),)


def _told(number: int, pair: tuple[Rollback, Run]) -> Paragraph:
    rollback, undone = pair
    why = headline(undone.diagnosis) or "No rule explains that defect."
    return text(Strong(f"{number}. "), f"{sentence(rollback_words(rollback))} {why}")
