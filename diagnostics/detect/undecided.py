"""Finds the reason why a run is undecided."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.findings import Finding, Severity, sentence
from diagnostics.detect.progress import Progress
from diagnostics.detect.symptoms import Symptoms
from diagnostics.schema.task import LOSS_ONLY

UNDECIDED = "undecided"
UNKNOWN = "no number of classes"


def reason(
    symptoms: Symptoms, progress: Progress, rows: NDArray[np.float32], steps: int, unit: str = "step"
) -> Finding:
    """The one reason why a run is undecided.

    symptoms, progress: what was found of it.
    rows: its last rows.
    steps: the number of its steps.
    unit: what is counted as a step: "step" (default), or "epoch" where a file does not say the steps of an epoch.
    """
    detail, words = _words(symptoms, progress, rows, steps, unit)
    last, nan, plain = max(0, steps - 1), math.nan, sentence(words)
    return Finding(UNDECIDED, None, 0, last, nan, nan, Severity.WARNING, nan, words, detail=detail, plain=plain)


def _words(symptoms: Symptoms, progress: Progress, rows: NDArray[np.float32], steps: int, unit: str) -> tuple[str, str]:
    if symptoms.task.kind == LOSS_ONLY:
        return "losses alone", (
            "it is judged by its losses alone: whether it diverged, jumped or stood still, never whether it has learned"
        )
    if not symptoms.knows_guessing and not symptoms.task.has_classes:
        return UNKNOWN, "it cannot be judged: no targets were seen, from which the loss of guessing follows"
    if not symptoms.knows_guessing:
        of = "" if symptoms.has_accuracy else "losses only, "
        return UNKNOWN, f"it cannot be judged: {of}no number of classes; say it with --classes, --prior or --labels"
    if not symptoms.guessing_loss > 0:
        alike = "labels are of one class" if symptoms.task.has_classes else "targets are the same"
        return "one class", f"all {alike}, so that there is nothing to learn and nothing to judge"
    if symptoms.recent.is_contradictory and symptoms.recent.contradiction is not None:
        return "contradiction", symptoms.recent.contradiction.finding.message
    needed = symptoms.grace if symptoms.is_guessing else symptoms.window
    made = f"{steps:,} {unit}{'' if steps == 1 else 's'}"
    if steps < needed and unit != "step":
        return "too short", (
            f"it made {made}, whose number of steps the file does not say, and {needed:,} steps are needed to judge it "
            f"with this batch size; say how many steps an {unit} has with --steps-per-epoch"
        )
    if steps < needed:
        return _too_short(steps, needed)
    if symptoms.has_learned and symptoms.is_learned and len(rows) == 1:
        return "too short", "its one row is a mean over all its steps, which does not tell how it ended"
    if symptoms.has_learned and symptoms.is_learned and symptoms.recent.is_one_mean:
        loss = f"{symptoms.recent.mean_loss:.3g}"
        return "falling", f"its last row, a mean over many steps, has a loss of {loss}, clearly above the one before"
    if symptoms.has_learned and symptoms.is_learned:
        return "falling", "it ended in the middle of a collapse: the last losses are as high as those of guessing"
    if symptoms.has_learned:
        return "falling", (
            f"it had learned up to {unit} {symptoms.recent.last_good:,} and got worse again: the mean loss of its last "
            f"rows is {symptoms.recent.mean_loss:.3g}; it ended before it was clear whether it recovers"
        )
    if progress.improves(rows):
        return "slow", f"it is slow: after {made} it has not learned yet, and loss or accuracy still get better"
    if symptoms.recent.is_in_noise:
        loss, level = (f"{value:.3g}" for value in (symptoms.recent.mean_loss, symptoms.guessing_loss))
        return "in between", (
            f"after {made} it has not learned, and its mean loss of {loss} cannot be told from the {level} of "
            "guessing: the classes are so unequal that the loss of guessing varies as much with the samples"
        )
    if symptoms.is_guessing:
        return "in between", f"it guesses after {made}, and its layers still move"
    if steps < symptoms.grace and unit == "step":
        return _too_short(steps, symptoms.grace)
    better = "it is better than guessing"
    if symptoms.recent.mean_loss >= symptoms.guessing_loss:
        loss, level = (f"{value:.3g}" for value in (symptoms.recent.mean_loss, symptoms.guessing_loss))
        better = f"its accuracy is better than that of guessing, but not its loss of {loss} (guessing: {level})"
    return "in between", f"after {made} {better}; it has not learned, and it no longer gets better"


def _too_short(steps: int, needed: int) -> tuple[str, str]:
    return "too short", (
        f"it made {steps:,} of the {needed:,} steps that are needed to judge it with this batch size: "
        f"{needed - steps:,} are missing"
    )
