"""Words for an imported run: its file, how finely the file resolves the run, and what was assumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagnostics.detect.findings import Diagnosis, Stretch
from diagnostics.run.run import Run
from reports.text.wrapping import labelled


def onset_words(stretch: Stretch) -> str:
    """The onset of a stretch: a step, or the two steps between which it lies where the log lacks steps."""
    if stretch.onset_between is None or stretch.onset_between[0] == stretch.onset_between[1]:
        return f"step {stretch.onset:,}"
    first, last = stretch.onset_between
    return f"between step {first:,} and {last:,}"


def open_words(diagnosis: Diagnosis) -> list[str]:
    """The verdicts that coarse rows leave open beside the one that was given, each with what the rows do not show."""
    return [f"{other} as well: {reason}" for other, reason in diagnosis.also_possible.items()]


def imported_words(run: Run) -> list[str]:
    """Lines for the terminal; none for a run that was not imported."""
    known = imported_from(run)
    if not known:
        return []
    source = f"{known.get('format', '')} of {known['imported_from']}; {known.get('resolution', '')}"
    taken = [str(one) for one in known.get("taken_as", [])]
    lines = labelled("read from:", source)
    for place, one in enumerate(taken):
        lines += labelled("taken as:" if place == 0 else "", one)
    return lines


def imported_sentence(run: Run) -> str:
    """One sentence for a page; "" for a run that was not imported."""
    known = imported_from(run)
    if not known:
        return ""
    return f"It was read from {known['imported_from']}, which has {known.get('resolution', '')}."


def imported_from(run: Run) -> Mapping[str, Any]:
    """What the log says about the file of an imported run; {} for any other run."""
    return run.info.environment if run.info.is_imported else {}
