"""Which other verdicts the rows of a run leave open, where steps are missing or a row is a mean over many steps.

A stretch that lies between two rows, or within one mean, cannot be seen. The rows still say how long it can have been:
a row that has learned ends a stretch of guessing, and a mean loss of a tenth of H leaves a tenth of its steps for
guessing. Only where a stretch long enough to judge by fits in is the other verdict left open.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diagnostics.detect.findings import Verdict
from diagnostics.detect.loss_window import LossWindow

if TYPE_CHECKING:
    from diagnostics.detect.symptoms import Symptoms


@dataclass
class Room:
    """How many steps in a row may have been of one kind: ``longest`` at any place, ``newest`` up to the last step."""

    longest: float = 0.0
    newest: float = 0.0

    def add(self, steps: int, fit: float) -> None:
        """Go on by some steps, of which ``fit`` may be of the kind; they are in a row where all of them may."""
        together = self.newest + fit
        self.longest = max(self.longest, together)
        self.newest = together if fit >= steps else fit


class UnseenSteps:
    """Follows the rows of a run that do not stand for one step each.

    recent: loss and accuracy of the last rows, with the limits that they are compared with.
    are_means: whether a row is the mean over the steps since the row before.

    ``guessing``, ``learned``: how many steps in a row may have guessed after the run had learned, or may have learned.
    ``late_start``: the last step before the first row that has learned; -1 without one, and for means.
    """

    def __init__(self, recent: LossWindow, are_means: bool) -> None:
        self._recent, self._are_means = recent, are_means
        self.guessing, self.learned = Room(), Room()
        self.late_start = -1
        self._has_learned = are_means

    def observe(self, last: int, step: int, loss: float, accuracy: float, samples: float) -> None:
        """Read the row of ``step``; ``last`` is the step of the row before, -1 for none."""
        recent = self._recent
        if self._are_means:
            steps = step - last
            self.guessing.add(steps, steps * self._guessing_share(loss, accuracy))
            self.learned.add(steps, steps * self._learned_share(accuracy, samples * max(1, steps / recent.window)))
            return
        missing = step - last - 1
        may_guess, may_have_learned = not loss <= recent.learned_loss, loss < recent.least_guessing
        if self._has_learned:  # before that, only patience makes a stretch of guessing
            self.guessing.add(missing, missing)
            self.guessing.add(1, may_guess)
        elif not may_guess:
            self._has_learned, self.late_start = True, step - 1
        self.learned.add(missing, missing)
        self.learned.add(1, may_have_learned)

    def _guessing_share(self, loss: float, accuracy: float) -> float:
        """The largest share of the steps of a mean that may have guessed."""
        by_loss = loss / self._recent.least_guessing if math.isfinite(loss) else 1.0
        wrong = (1 - accuracy) / (1 - self._recent.commonest) if self._recent.commonest < 1 else 1.0
        return max(0.0, min(1.0, by_loss, wrong if math.isfinite(wrong) else 1.0))

    def _learned_share(self, accuracy: float, samples: float) -> float:
        """The largest share of them that may have been far above chance."""
        common, far = self._recent.commonest, self._recent.recovery_accuracy - self._recent.commonest
        if not math.isfinite(accuracy + common) or samples < 1:
            return 1.0
        noise = self._recent.sigmas * math.sqrt(common * (1 - common) / samples)
        return max(0.0, min(1.0, (accuracy + noise - common) / far))


def open_verdicts(symptoms: Symptoms, verdict: Verdict) -> dict[Verdict, str]:
    """The verdicts that a run may have as well, and what its rows do not show; none where they show all.

    symptoms: the state machine after the last row.
    verdict: its verdict.
    """
    unseen, where = symptoms.unseen, "within its means" if symptoms.are_means else "between its rows"
    hidden, learned = math.floor(unseen.guessing.longest), math.floor(unseen.learned.longest)
    at_end = math.floor(unseen.guessing.newest)
    found: dict[Verdict, str] = {}
    if verdict is Verdict.HEALTHY and hidden >= symptoms.window:
        found[Verdict.RECOVERED] = f"a defect stretch of up to {hidden:,} steps {where} cannot be seen"
    elif verdict is Verdict.HEALTHY and symptoms.has_gaps and unseen.late_start >= symptoms.patience:
        at = f"step {symptoms.patience:,}"
        found[Verdict.RECOVERED] = f"it learned after {at}, and so few rows do not show whether it stood still then"
    if verdict is Verdict.RECOVERED and all(one.kind is Verdict.NEVER_LEARNED for one in symptoms.stretches):
        lacks = "in so few rows" if symptoms.sees_layers else "without the outputs of its layers"
        if symptoms.has_gaps or not symptoms.sees_layers:
            found[Verdict.HEALTHY] = f"{lacks} a late start looks the same as a defect stretch"
    if verdict.is_survivor and at_end >= symptoms.window:
        found[Verdict.COLLAPSED] = f"no row shows that it had not collapsed in its last {at_end:,} steps"
    if verdict is Verdict.NEVER_LEARNED and learned >= symptoms.window:
        found[Verdict.COLLAPSED] = f"it may have learned for up to {learned:,} steps {where} before it died"
    if verdict is Verdict.COLLAPSED and symptoms.first_learned is None:
        found[Verdict.NEVER_LEARNED] = "that it had learned follows from one mean alone"
    return found
