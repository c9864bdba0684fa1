"""Loss and accuracy over the last W steps: whether a run guesses or has learned.

The definitions are those of :mod:`diagnostics.detect.symptoms`. Sums are exact, so that they do not depend on the rows
that have left the window.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from diagnostics.detect.contradiction import NEARLY_ALL, NEARLY_ONE, Contradiction
from diagnostics.detect.thresholds import Thresholds
from diagnostics.schema.task import Task

ONSET_MEAN = 5
LEAST_ROWS = 3
LONG = 5  # W: the mean over at least so many steps stands for the end of a window by itself
STILL = 0.98  # share of H from which on such a mean is that of a loss that stands still
RISE = 0.1  # share of H by which the mean loss of a falling run is above that of the row before
# Every finite float32 is a whole multiple of 2**-149, so sums of losses are exact as whole numbers of that unit.
UNIT = 149


class LossWindow:
    """The last W steps of a run, which :meth:`add` moves on.

    ``task``: the task of the run, which decides loss and accuracy of guessing.
    ``prior``: (classes,), the share of each class; one NaN where it is not known.
    ``window``: W, in steps.
    ``thresholds``: the numbers to judge by.
    ``has_accuracy``: whether rows have an accuracy; without one the loss alone decides.
    ``are_means``: whether a row is the mean over the steps since the row before.

    After each row:

    ``mean_loss``: the mean loss of the last whole window; NaN before the first.
    ``is_guessing``, ``is_learned``: whether the run guesses, or has learned.
    ``is_in_noise``: whether the loss is below that of guessing by no more than its noise, at an accuracy of chance.
    ``is_contradictory``: whether loss and accuracy contradict each other.
    ``is_above_chance``: whether the loss is below that of guessing and the accuracy far above chance.
    ``is_between``: whether it is better than guessing by the smaller margin for the end of a run, and has not learned.
    ``is_better``: whether the accuracy is above chance and the loss at most H.
    ``is_long``: whether the row is a mean over many windows.
    ``had_learned``: whether it is, and is so good that the run must have learned for a time.
    ``is_loss_good``: whether the loss of the row itself is that of a run that has learned, or had for a time.
    ``last_good``: the last step whose mean loss over five steps was that of a run that has learned; -1 for none.
    ``last_guess``: the last step at which the run guessed; -1 for none.
    ``contradiction``: the windows in which loss and accuracy contradicted each other; None without one.
    """

    def __init__(
        self,
        task: Task,
        prior: Sequence[float],
        window: int,
        thresholds: Thresholds,
        has_accuracy: bool,
        are_means: bool,
    ) -> None:
        self.window, self.has_accuracy, self._are_means = window, has_accuracy, are_means
        self.guessing_loss, self.commonest = task.guessing(prior)
        # A mean over many steps has hardly any noise.
        self.noise, self._task = 0.0 if are_means else task.guessing_noise(prior), task
        self.least_guessing = thresholds["verdict.guessing_loss"] * self.guessing_loss
        self.learned_loss = thresholds["verdict.learned_loss"] * self.guessing_loss
        self.sigmas = thresholds["verdict.guessing_sigmas"]
        self._contradiction_accuracy = thresholds["verdict.contradiction_accuracy"]
        self._between_accuracy = self.commonest + thresholds["verdict.between_accuracy"]
        self._between_loss = thresholds["verdict.between_loss"] * self.guessing_loss
        self.recovery_accuracy = self.commonest + thresholds["verdict.recovery_accuracy"]
        self._least_rows = 1 if are_means else LEAST_ROWS
        self.rows: deque[tuple[int, int | None, int, int]] = deque()  # step, loss in units, right answers, samples
        self._loss_sum = self._correct = self._samples = self._bad_rows = 0
        self._recent: deque[tuple[int, float]] = deque(maxlen=ONSET_MEAN)
        self._first_step: int | None = None
        self.mean_loss = math.nan
        self.is_guessing = self.is_learned = self.is_contradictory = False
        self.is_above_chance = self.is_between = self.is_better = self.is_loss_good = self.is_in_noise = False
        self.is_long = self.had_learned = False
        self.last_good = self.last_guess = -1
        self.contradiction: Contradiction | None = None

    @property
    def is_falling(self) -> bool:
        """Whether the run is in the middle of a collapse: most of its last five losses are as high as guessing.

        Where one row is the mean over more than W steps, the run is in a collapse where that loss is clearly above
        the one of the row before. A single such row counts as a collapse, since it does not tell how the run ended.
        """
        if self.is_one_mean:
            losses = [loss for _, loss in self._recent][-2:]
            return len(losses) < 2 or losses[1] - losses[0] > RISE * self.guessing_loss
        return sum(not loss < self.least_guessing for _, loss in self._recent) > ONSET_MEAN // 2

    def add(self, first: int, step: int, loss: float, accuracy: float, samples: float) -> None:
        """Move the window on to a row, which stands for the steps from ``first`` to ``step``."""
        self._slide(first, step, loss, accuracy, samples)
        self._judge(step)
        self.is_long = self._are_means and step - first >= LONG * self.window
        self.had_learned = self.is_long and self.is_between
        self.is_loss_good = self.is_loss_good or self.had_learned

    @property
    def is_one_mean(self) -> bool:
        """Whether the window is one row, which is the mean over more than W steps."""
        return self._are_means and len(self.rows) == 1

    @property
    def stands_still(self) -> bool:
        """Whether the mean loss of the window is that of a loss that stands still at guessing."""
        return self.mean_loss >= STILL * self.guessing_loss

    def _slide(self, first: int, step: int, loss: float, accuracy: float, samples: float) -> None:
        """Take in one row. A row that is not finite, or has no samples, is kept out of the sums."""
        if self._first_step is None:
            self._first_step = first
        rows = self.rows
        if not self.has_accuracy:
            accuracy = 0.0
        if math.isfinite(loss) and math.isfinite(accuracy) and 0.5 < samples < math.inf:
            whole, right, size = int(math.ldexp(loss, UNIT)), round(accuracy * samples), round(samples)
            rows.append((step, whole, right, size))
            self._loss_sum += whole
            self._correct += right
            self._samples += size
        else:
            rows.append((step, None, 0, 0))
            self._bad_rows += 1
        oldest = step - self.window
        while rows[0][0] <= oldest and len(rows) > self._least_rows:
            _, left, right, size = rows.popleft()
            if left is None:
                self._bad_rows -= 1
            else:
                self._loss_sum -= left
            self._correct -= right
            self._samples -= size
        self.is_loss_good = loss <= self.learned_loss
        self._recent.append((step, loss))
        if step - self._first_step >= ONSET_MEAN - 1:  # a log without all steps has fewer rows in so many steps
            near = [loss for at, loss in self._recent if at > step - ONSET_MEAN]
            if sum(near) / len(near) <= self.learned_loss:
                self.last_good = step

    def _judge(self, step: int) -> None:
        """Judge the window that ends with ``step``."""
        self.is_guessing = self.is_learned = self.is_contradictory = False
        self.is_above_chance = self.is_between = self.is_better = self.is_in_noise = False
        rows = len(self.rows)
        if self._first_step is None or step - self._first_step < self.window - 1 or rows < self._least_rows:
            return
        # With one class there is nothing to guess and nothing to learn.
        if self._bad_rows or not self.guessing_loss > 0:
            return
        loss = self.mean_loss = self._loss_sum / (rows << UNIT)
        accuracy = self._correct / self._samples
        margin = self.sigmas * math.sqrt(self.commonest * (1 - self.commonest) / self._samples)
        chance = self.commonest + margin
        # Of very unequal classes a window may have few samples of the rare ones, and a low loss by chance.
        below_noise = self.guessing_loss - self.sigmas * self.noise / math.sqrt(self._samples)
        is_low = loss <= min(self.learned_loss, below_noise)
        self.is_better = self.has_accuracy and accuracy > chance and loss <= self.guessing_loss
        if not self.has_accuracy:
            self.is_guessing, self.is_learned = loss >= self.least_guessing, is_low
            self.is_between = not self.is_learned and loss <= self._between_loss
        elif loss >= self.least_guessing:
            self.is_guessing = accuracy <= chance
            self.is_contradictory = accuracy >= self._contradiction_accuracy and self.commonest < NEARLY_ALL
        else:
            least = self.commonest - 2 * margin if self.commonest >= NEARLY_ONE else chance
            self.is_learned = is_low and accuracy > least
            self.is_contradictory = is_low and not self.is_learned
            self.is_above_chance = accuracy >= self.recovery_accuracy
            self.is_between = not self.is_learned and accuracy >= self._between_accuracy
        is_at_chance = not self.has_accuracy or accuracy <= chance
        self.is_in_noise = below_noise < loss < self.least_guessing and is_at_chance
        if self.is_guessing:
            self.last_guess = step
        if self.is_contradictory:
            start = step if self.contradiction is None else self.contradiction.first_step
            self.contradiction = Contradiction(start, step, loss, accuracy, self.guessing_loss, self._task)
