"""Is the run learning, guessing, or diverged? A state machine that sees one row at a time.

                       ┌──────────── learned (recovery) ────────────┐
                       ▼                                            │
  STARTING ─learned─▶ LEARNING ─── guessing ───────▶ COLLAPSED ─────┤
     │                 │                                            │
     ├─────────────────┴───────── not finite ─────▶ DIVERGED ───────┤
     │                                                              │
     └─ guessing at patience P, or cannot learn ──▶ NEVER LEARNED ──┘
        any more

The words are defined over the last W steps. W is 20 steps, or as many as hold 2,560
samples where these are more, and at most 200. *Guessing* is a mean data loss of at least 0.95 H together with
an accuracy of at most A + 3 sqrt(A (1 - A) / samples). *Learned* is a mean data loss of
at most 0.7 H together with an accuracy above that, with H the entropy of the class
prior and A the share of the commonest class. Where the two numbers contradict each
other (a loss of at most 0.7 H with an accuracy of chance, or a loss of guessing with
an accuracy of 0.8 and more) the window is neither, no verdict rests on it, and a
finding says so. The loss of guessing is H and its accuracy A whatever the number of
classes and however unequal they are, which is why neither is compared with a fixed
number. Where only every k-th step is recorded the window has at least 3 rows, however
many steps they take; so one bad batch is never all there is. Where a row is the mean over
many steps, as many rows as hold W steps are enough. Where no accuracy is recorded the loss
alone decides. Of other tasks than classes with cross-entropy H is the loss of guessing there:
:mod:`diagnostics.schema.task`. Where that is not known only divergence is judged.

A run in COLLAPSED, NEVER LEARNED or DIVERGED is in a defect stretch, which keeps its
kind until the run recovers: a run that has collapsed and then overflows has collapsed.
Stretches do not overlap: none begins before the one in front of it has ended. A
stretch ends at *recovery*: where the run has learned, or where it is far above chance:
an accuracy that is right on 0.3 more of the samples than A, with a loss below that of
guessing. Such a run does not guess any more, though it may not have learned yet. At
the end of a run 0.1 is enough, or without an accuracy a loss of at most 0.85 H; in a run
that never learned so is any accuracy above chance with a loss of at most H, where loss or
accuracy still improve. A run that
*cannot learn any more* is said to have never learned before patience P: a layer was
constant for every input throughout W (all its ReLU units dead, or all its sigmoids or
tanhs stuck at the same numbers), and the gradient of its weights and of everything
below is exactly zero. At patience a run that guesses is called so only where nothing
moves any more: neither its loss nor the outputs of its layers
(:mod:`diagnostics.detect.progress`). At the end of a run that never learned, guessing
is enough from grace G on, unless loss or accuracy still improve: such a run is slow. A
slow run, one that ends sooner, and one that is neither guessing nor learned are
undecided. So is one that ends in the middle of a fall: the window still says learned,
while most of the last five losses are as high as those of guessing (calibration runs
that died in their last four steps would be called healthy otherwise).

The state is O(1): a window of rows and a few counters. It sees rows up to now and no
later ones, and its sums are exact, so live and from a file it gives the same answers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from diagnostics.detect.contradiction import NEARLY_ALL, Contradiction
from diagnostics.detect.findings import Finding, Severity, Stretch, Verdict
from diagnostics.detect.onset_interval import OnsetInterval
from diagnostics.detect.thresholds import Thresholds
from diagnostics.schema.task import DEFAULT_TASK, Task
from diagnostics.schema.window import window_steps

ONSET_MEAN = 5
AT_GUESSING = 0.05  # a loss within this share of H is said to be there
LEAST_ROWS = 3
RISE = 0.1  # of H, by which the mean loss of an epoch is higher than that of the epoch before
# Every finite float32 is a whole multiple of 2**-149: as whole numbers they add up exactly, however unlike in size.
UNIT = 149


def window_of(thresholds: Thresholds, batch_size: int) -> int:
    """W in steps, for batches of ``batch_size``."""
    return window_steps(batch_size, thresholds["verdict.window_steps"], thresholds["verdict.window_samples"])


class Symptoms:
    """The state machine. Feed it with :meth:`observe`, end it with :meth:`finish`.

    ``prior``: (classes,), the share of each class; one NaN where it is not known, and then only divergence is judged.
    ``window``: W, in steps.
    ``thresholds``: the numbers to judge by.
    ``has_accuracy``: whether rows have an accuracy; without one the loss alone decides. Default True.
    ``task``: what the run is trained for, which says what guessing has. Default classes with cross-entropy.
    ``are_means``: whether a row is the mean over the steps since the row before. Default False: it is that of its step.
    """

    def __init__(
        self,
        prior: Sequence[float],
        window: int,
        thresholds: Thresholds,
        *,
        has_accuracy: bool = True,
        are_means: bool = False,
        task: Task = DEFAULT_TASK,
    ) -> None:
        self.task = task
        self.has_accuracy, self._are_means = has_accuracy, are_means
        self._least_rows = 1 if are_means else LEAST_ROWS
        self._onset = OnsetInterval(ONSET_MEAN)
        self.guessing_loss, self.commonest = task.guessing(prior)
        self.window = window
        self._least_guessing = thresholds["verdict.guessing_loss"] * self.guessing_loss
        self._learned_loss = thresholds["verdict.learned_loss"] * self.guessing_loss
        self._sigmas = thresholds["verdict.guessing_sigmas"]
        self._contradiction_accuracy = thresholds["verdict.contradiction_accuracy"]
        self._between_accuracy = self.commonest + thresholds["verdict.between_accuracy"]
        self._between_loss = thresholds["verdict.between_loss"] * self.guessing_loss
        self._recovery_accuracy = self.commonest + thresholds["verdict.recovery_accuracy"]
        # A window has to fit before patience and grace can be asked for.
        self.patience = max(int(thresholds["verdict.patience"]), self.window)
        self.grace = max(int(thresholds["verdict.grace"]), self.window)
        self._rows: deque[tuple[int, int | None, int, int]] = deque()
        self._loss_sum = self._correct = self._samples = self._bad_rows = 0
        self._recent: deque[tuple[int, float]] = deque(maxlen=ONSET_MEAN)
        self._last_good = -1
        self._first_step: int | None = None
        self.steps = 0
        self.has_learned = False
        self.first_learned: int | None = None
        self.stretches: list[Stretch] = []
        self._mean = math.nan
        self._confirmed_by: dict[int, float] = {}
        self.is_guessing = self.is_learned = self.is_contradictory = False
        self.is_above_chance = self.is_between = self._is_above = False
        self._last_guess = -1
        self.contradiction: Contradiction | None = None

    @property
    def knows_guessing(self) -> bool:
        """Whether the loss of guessing is known."""
        return not math.isnan(self.guessing_loss)

    @property
    def open_stretch(self) -> Stretch | None:
        """The defect stretch the run is in, if any."""
        if self.stretches and self.stretches[-1].recovery is None:
            return self.stretches[-1]
        return None

    def observe(
        self,
        step: int,
        loss: float,
        accuracy: float,
        samples: float,
        finite: bool,
        cannot_learn: Callable[[], bool] = lambda: False,
        is_moving: Callable[[], bool] = lambda: False,
    ) -> Stretch | None:
        """One row; returns the stretch that this row confirmed or ended, if any.

        ``loss`` is the data loss; ``finite`` says that loss and parameters are;
        ``cannot_learn`` finds out whether a mechanism proves that the run cannot learn
        any more, ``is_moving`` whether loss and layers still move; both are asked only
        where that would decide.
        """
        first = self.steps if self._are_means else step
        self._slide(step, first, loss, accuracy, samples)
        last_step, self.steps = self.steps, step + 1
        self._judge_window(step)
        self._onset.observe(first, step, loss <= self._learned_loss, self.is_guessing)
        if not finite:
            between = self._onset.of_divergence(last_step)
            return self._open(Verdict.DIVERGED, step, step, between) if self.open_stretch is None else None
        if self.is_learned or (self.is_above_chance and self.open_stretch is not None):
            return self._recovered(step)
        if self.is_guessing and self.open_stretch is None:
            if self.has_learned:
                return self._open(Verdict.COLLAPSED, self._last_good + 1, step, self._onset.of_collapse())
            if cannot_learn() or (step >= self.patience and not is_moving()):
                return self._open(Verdict.NEVER_LEARNED, 0, step, self._onset.of_never_learned())
        return None

    def is_on_plateau(self, step: int) -> bool:
        """Whether the run guesses at patience or later, has never learned, and is not called a defect run."""
        return step >= self.patience and self.is_guessing and not self.has_learned and self.open_stretch is None

    def finish(self, improves: Callable[[], bool] = lambda: False) -> Stretch | None:
        """The end of the run: one that ends guessing after grace G has never learned, unless it still improves.

        A stretch does not stay open where the run is above chance by then, and far so, or still improves.
        """
        stretch = self.open_stretch
        if stretch is not None and stretch.kind is not Verdict.DIVERGED and self._has_left_guessing(improves):
            self.stretches[-1] = replace(stretch, recovery=max(self._last_guess, stretch.confirmed) + 1)
        ended = stretch is None and self.is_guessing and not self.has_learned and self.steps >= self.grace
        if ended and not improves():
            return self._open(Verdict.NEVER_LEARNED, 0, self.steps - 1, self._onset.of_never_learned())
        return None

    def verdict(self, is_over: bool) -> Verdict:
        """The verdict so far; a run that is over needs to have learned or to be in a stretch."""
        stretch = self.open_stretch
        if stretch is not None:
            return stretch.kind
        if not self.has_learned or (is_over and (not self.is_learned or self._is_falling())):
            return Verdict.UNDECIDED
        return Verdict.RECOVERED if self.stretches else Verdict.HEALTHY

    def measured(self, stretch: Stretch) -> tuple[float, float]:
        """The mean loss by which a stretch was confirmed and the limit it had reached; NaN for one that diverged."""
        value = self._confirmed_by.get(stretch.confirmed, math.nan)
        return value, math.nan if math.isnan(value) else self._least_guessing

    def _has_left_guessing(self, improves: Callable[[], bool]) -> bool:
        """Whether the last window is that of a run that does better than guessing, or has begun to."""
        has_begun = not self.has_learned and self._is_above and improves()
        return self.is_between or has_begun

    def _is_falling(self) -> bool:
        """Whether most of the last losses are as high as those of guessing; one bad batch is not most.

        Where one row is the mean over more than W steps, it falls where its loss is higher than that of the row
        before, and one such row alone does not tell.
        """
        if self._are_means and len(self._rows) == 1:
            losses = [loss for _, loss in self._recent][-2:]
            return len(losses) < 2 or losses[1] - losses[0] > RISE * self.guessing_loss
        return sum(not loss < self._least_guessing for _, loss in self._recent) > ONSET_MEAN // 2

    def _open(self, kind: Verdict, onset: int, step: int, between: tuple[int, int] | None) -> Stretch:
        # Of the five steps of the last good mean some may lie before a recovery: stretches do not overlap.
        recovered = self.stretches[-1].recovery if self.stretches else None
        earliest = recovered or 0
        if between is not None:
            between = (max(between[0], earliest), max(between[1], earliest))
        self.stretches.append(Stretch(kind, max(onset, earliest), step, onset_between=between))
        if kind is not Verdict.DIVERGED:
            self._confirmed_by[step] = self._mean
        return self.stretches[-1]

    def _recovered(self, step: int) -> Stretch | None:
        if self.is_learned and not self.has_learned:
            self.has_learned, self.first_learned = True, step
        if self.open_stretch is None:
            return None
        self.stretches[-1] = replace(self.stretches[-1], recovery=step)
        return self.stretches[-1]

    def _slide(self, step: int, first: int, loss: float, accuracy: float, samples: float) -> None:
        """Move the window on to this row. A row that is not finite, or has no samples, is kept out of the sums."""
        if self._first_step is None:
            self._first_step = first
        rows = self._rows
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
        self._recent.append((step, loss))
        if step - self._first_step >= ONSET_MEAN - 1:  # of a log without all steps fewer rows lie in so many steps
            near = [loss for at, loss in self._recent if at > step - ONSET_MEAN]
            if sum(near) / len(near) <= self._learned_loss:
                self._last_good = step

    def _judge_window(self, step: int) -> None:
        self.is_guessing = self.is_learned = self.is_contradictory = False
        self.is_above_chance = self.is_between = self._is_above = False
        rows = len(self._rows)
        if self._first_step is None or step - self._first_step < self.window - 1 or rows < self._least_rows:
            return
        # With one class only there is nothing to guess and nothing to learn.
        if self._bad_rows or not self.guessing_loss > 0:
            return
        loss = self._mean = self._loss_sum / (rows << UNIT)
        accuracy = self._correct / self._samples
        chance = self.commonest + self._sigmas * math.sqrt(self.commonest * (1 - self.commonest) / self._samples)
        self._is_above = self.has_accuracy and accuracy > chance and loss <= self.guessing_loss
        if not self.has_accuracy:
            self.is_guessing, self.is_learned = loss >= self._least_guessing, loss <= self._learned_loss
            self.is_between = not self.is_learned and loss <= self._between_loss
        elif loss >= self._least_guessing:
            self.is_guessing = accuracy <= chance
            self.is_contradictory = accuracy >= self._contradiction_accuracy and self.commonest < NEARLY_ALL
        else:
            self.is_learned = loss <= self._learned_loss and accuracy > chance
            self.is_contradictory = loss <= self._learned_loss and accuracy <= chance
            self.is_above_chance = accuracy >= self._recovery_accuracy
            self.is_between = not self.is_learned and accuracy >= self._between_accuracy
        if self.is_guessing:
            self._last_guess = step
        if self.is_contradictory:
            first = step if self.contradiction is None else self.contradiction.first_step
            self.contradiction = Contradiction(first, step, loss, accuracy, self.guessing_loss)


def symptom_finding(stretch: Stretch, steps: int, symptoms: Symptoms) -> Finding:
    """The stretch itself as a finding: what was seen, apart from why. ``steps``: those of the run so far."""
    guessing = symptoms.guessing_loss
    value, limit = symptoms.measured(stretch)
    level = f"loss at {symptoms.task.level_words} ({guessing:.3f})"
    if abs(value - guessing) > AT_GUESSING * guessing:
        level = f"loss at {value:.3g}, above the {guessing:.3f} of guessing"
    words = {
        Verdict.NEVER_LEARNED: f"never learned: {level}",
        Verdict.COLLAPSED: f"learned, then unlearned: {level}",
        Verdict.DIVERGED: "loss or parameters are no longer finite",
    }[stretch.kind]
    if stretch.recovery is None:
        last, words = steps - 1, f"{words}, to the end"
    else:
        last, words = stretch.recovery - 1, f"{words}, until step {stretch.recovery}"
    return Finding(str(stretch.kind), None, stretch.onset, last, value, limit, Severity.ERROR, math.nan, words)
