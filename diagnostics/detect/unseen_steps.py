"""How many steps in a row may have guessed, or have learned, without a row that shows it.

Where steps are missing, or a row is a mean over many steps, a stretch that lies between two rows, or within one mean,
cannot be seen. The rows still say how long it can have been: a row that has learned ends a stretch of guessing, and a
mean loss of a tenth of H leaves a tenth of its steps for guessing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from diagnostics.detect.loss_window import LossWindow


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
