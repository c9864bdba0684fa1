"""Is the run learning, guessing, or diverged? A state machine that sees one row at a time.

                       ┌──────────── learned (recovery) ────────────┐
                       ▼                                            │
  STARTING ─learned─▶ LEARNING ─── guessing ───────▶ COLLAPSED ─────┤
     │                 │                                            │
     ├─────────────────┴───────── not finite ─────▶ DIVERGED ───────┤
     │                                                              │
     └─ guessing at a standstill, or cannot ──────▶ NEVER LEARNED ──┘
        learn any more

H is the entropy of the class prior, and A the share of the commonest class. The terms are
defined over the last W steps. W is 20 steps, or as many as hold 2,560 samples where these are
more, and at most 200.

*Guessing* is a mean data loss of at least 0.95 H together with an accuracy of at most A + 3 sqrt(A
(1 - A) / samples). *Learned* is a mean data loss of at most 0.7 H together with an accuracy above
that. Where classes are very unequal, the loss has to be below H by three times its noise as well,
and from A = 0.95 on an accuracy of A - 6 sqrt(A (1 - A) / samples) is enough, since a good network
is hardly more often right than one that always says the commonest class. The loss of guessing is H
and its accuracy is A for any number of classes, however unequal they are, so neither is compared
with a fixed number. Loss and accuracy contradict each other where a loss of at most 0.7 H comes
with an accuracy of chance, or a loss of guessing with an accuracy of 0.8 or more. Such a window is
neither guessing nor learned, no verdict rests on it, and a finding reports it.

Where only every k-th step is recorded, a window has at least 3 rows, however many steps they
cover, so that no window is one bad batch. Where a row is the mean over many steps, a window has
as many rows as hold W steps. Where no accuracy is recorded, the loss alone decides. For other
tasks than classes with cross-entropy, H is their loss of guessing (``diagnostics.schema.task``).
Where that is not known, only divergence is judged.

A run in COLLAPSED, NEVER LEARNED or DIVERGED is in a defect stretch. A stretch keeps its kind
until the run recovers: a run that has collapsed and then overflows has collapsed. Stretches do
not overlap: a stretch begins only after the one before it has ended. A stretch ends at
*recovery*: the run has learned, or its accuracy is at least A + 0.3 with a loss below that of
guessing. A run that recovers by its accuracy may not have learned yet. At the end of a run
A + 0.1 is enough, or without an accuracy a loss of at most 0.85 H. At the end of a run that never
learned, any accuracy above chance with a loss of at most H is enough where loss or accuracy still
improve.

A run that *cannot learn any more* is called never-learned at once. The proof is a layer that was
constant for every input throughout W (all its ReLU units dead, or all its sigmoids or tanhs stuck
at the same numbers), while the gradient of its weights and of everything below is exactly zero.
Without a proof a run that guesses has *not learned yet* at patience P, which is an early warning.
While it goes on, it is called never-learned after six times the patience ("standstill"), and only
where nothing moves any more: neither its loss nor the outputs of its layers
(``diagnostics.detect.progress``).
At the end a run that guesses and never learned is called never-learned from grace G on, unless loss
or accuracy still improve.

A run is undecided where it is slow (loss or accuracy still improve), where it ends before G, and
where it is neither guessing nor learned. A run is undecided too where it ends in the middle of a
collapse: the window still says learned, while most of the last five losses are as high as those
of guessing. (Calibration runs that died in their last four steps would be called healthy
otherwise.)

The state has a fixed size: a window of rows and a few counters. The state machine sees rows up to
now and no later ones, and its sums are exact, so a training and its log give the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from diagnostics.detect.findings import Finding, Severity, Stretch, Verdict
from diagnostics.detect.loss_window import ONSET_MEAN, LossWindow
from diagnostics.detect.onset_interval import OnsetInterval
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.unseen_steps import UnseenSteps
from diagnostics.schema.number_range import loss_text, number_text
from diagnostics.schema.task import DEFAULT_TASK, Task
from diagnostics.schema.window import window_steps

AT_GUESSING = 0.05  # a loss that is within this share of H is called "at H"


def window_of(thresholds: Thresholds, batch_size: int) -> int:
    """W in steps, for batches of ``batch_size``."""
    return window_steps(batch_size, thresholds["verdict.window_steps"], thresholds["verdict.window_samples"])


class Symptoms:
    """The state machine. Feed it with :meth:`observe`, end it with :meth:`finish`.

    ``prior``: (classes,), the share of each class; one NaN where it is not known: then only divergence is judged.
    ``window``: W, in steps.
    ``thresholds``: the numbers to judge by.
    ``has_accuracy``: whether rows have an accuracy; without one the loss alone decides. Default True.
    ``task``: the task of the run, which decides loss and accuracy of guessing. Default classes with cross-entropy.
    ``sees_layers``: whether ``is_moving`` knows the outputs of layers. Without them a run that guesses and still
    improves at its end is slow, even where nothing moved before. Default True.
    ``are_means``: whether a row is the mean over the steps since the row before. Default False: it is that of its step.

    ``recent`` is the window of the last W steps; ``stretches`` are the defect stretches so far; ``unseen`` follows what
    may have happened between rows.
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
        sees_layers: bool = True,
    ) -> None:
        self.task, self.window, self.sees_layers = task, window, sees_layers
        self.has_accuracy, self.are_means = has_accuracy, are_means
        self.recent = LossWindow(task, prior, window, thresholds, has_accuracy, are_means)
        # Patience and grace cannot be shorter than the window.
        self.patience = max(int(thresholds["verdict.patience"]), window)
        self.standstill = int(thresholds["verdict.standstill"] * self.patience)
        self.grace = max(int(thresholds["verdict.grace"]), window)
        self._onset = OnsetInterval(ONSET_MEAN)
        self.unseen = UnseenSteps(self.recent, are_means)
        self._confirmed_by: dict[int, float] = {}
        self.steps = 0
        self.has_learned = False
        self.first_learned: int | None = None
        self.stretches: list[Stretch] = []

    @property
    def guessing_loss(self) -> float:
        """H: the loss of guessing; NaN where it is not known."""
        return self.recent.guessing_loss

    @property
    def knows_guessing(self) -> bool:
        """Whether the loss of guessing is known."""
        return not math.isnan(self.guessing_loss)

    @property
    def is_guessing(self) -> bool:
        """Whether the run guesses over the last W steps."""
        return self.recent.is_guessing

    @property
    def is_learned(self) -> bool:
        """Whether the run has learned, by the last W steps."""
        return self.recent.is_learned

    @property
    def has_gaps(self) -> bool:
        """Whether steps are missing between rows, or rows are means."""
        return self._onset.has_gaps

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
        """Judges one row; returns the stretch that this row confirmed or ended, if any.

        ``loss``: the data loss, in nats.
        ``accuracy``: the share of right answers, 0 to 1.
        ``samples``: the number of samples of the row.
        ``finite``: whether loss and parameters are finite.
        ``cannot_learn``: finds out whether it is proven that the run cannot learn any more.
        ``is_moving``: finds out whether loss or layers still move.

        The two functions are called only where their answer decides.
        """
        first = self.steps if self.are_means else step
        recent = self.recent
        recent.add(first, step, loss, accuracy, samples)
        last_step, self.steps = self.steps, step + 1
        self._onset.observe(first, step, recent.is_loss_good, recent.is_guessing)
        if self._onset.has_gaps or self.are_means:
            self.unseen.observe(last_step - 1, step, loss, accuracy, samples)
        if not finite:
            between = self._onset.of_divergence(last_step)
            return self._open(Verdict.DIVERGED, step, step, between) if self.open_stretch is None else None
        if recent.is_learned or (recent.is_above_chance and self.open_stretch is not None):
            return self._recovered(step)
        self.has_learned |= recent.had_learned
        if recent.is_guessing and self.open_stretch is None:
            if self.has_learned:
                return self._open(Verdict.COLLAPSED, recent.last_good + 1, step, self._onset.of_collapse())
            if cannot_learn() or (step >= self.standstill and self._stands_still(is_moving)):
                return self._open(Verdict.NEVER_LEARNED, 0, step, self._onset.of_never_learned())
        return None

    def is_on_plateau(self, step: int) -> bool:
        """Whether the run guesses at patience or later, has never learned, and is not called a defect run."""
        return step >= self.patience and self.is_guessing and not self.has_learned and self.open_stretch is None

    def finish(self, improves: Callable[[], bool] = lambda: False) -> Stretch | None:
        """Ends the run: one that guesses at its end, after grace G, has never learned unless it still improves.

        An open stretch ends where the last accuracy is far above chance, or above chance and still improving.
        """
        stretch = self.open_stretch
        if stretch is not None and stretch.kind is not Verdict.DIVERGED and self._has_left_guessing(improves):
            self.stretches[-1] = replace(stretch, recovery=max(self.recent.last_guess, stretch.confirmed) + 1)
        ended = stretch is None and self.is_guessing and not self.has_learned and self.steps >= self.grace
        if ended and not improves():
            return self._open(Verdict.NEVER_LEARNED, 0, self.steps - 1, self._onset.of_never_learned())
        return None

    def verdict(self, is_over: bool) -> Verdict:
        """The verdict so far. A run that is over is undecided unless it has learned or is in a stretch."""
        stretch = self.open_stretch
        if stretch is not None:
            return stretch.kind
        if not self.has_learned or (is_over and (not self.is_learned or self.recent.is_falling)):
            return Verdict.UNDECIDED
        return Verdict.RECOVERED if self.stretches else Verdict.HEALTHY

    def measured(self, stretch: Stretch) -> tuple[float, float]:
        """The mean loss that confirmed a stretch, and the limit that it reached; NaN for a stretch that diverged."""
        value = self._confirmed_by.get(stretch.confirmed, math.nan)
        return value, math.nan if math.isnan(value) else self.recent.least_guessing

    def _stands_still(self, is_moving: Callable[[], bool]) -> bool:
        """Whether nothing moves; a mean over many steps shows that by itself."""
        return self.recent.stands_still if self.recent.is_long else not is_moving()

    def _has_left_guessing(self, improves: Callable[[], bool]) -> bool:
        """Whether the run does better than guessing over the last window, or has begun to.

        A mean over many steps that is better than guessing had its good steps at the end, as no row before it was good.
        """
        recent = self.recent
        if recent.is_long and recent.is_better and not recent.stands_still:
            return True
        has_begun = not self.has_learned and (recent.is_better or not self.sees_layers) and improves()
        return recent.is_between or has_begun

    def _open(self, kind: Verdict, onset: int, step: int, between: tuple[int, int] | None) -> Stretch:
        # Some of the five steps of the last good mean may lie before a recovery, and stretches do not overlap.
        recovered = self.stretches[-1].recovery if self.stretches else None
        earliest = recovered or 0
        if between is not None:
            between = (max(between[0], earliest), max(between[1], earliest))
        self.stretches.append(Stretch(kind, max(onset, earliest), step, onset_between=between))
        if kind is not Verdict.DIVERGED:
            self._confirmed_by[step] = self.recent.mean_loss
        return self.stretches[-1]

    def _recovered(self, step: int) -> Stretch | None:
        if self.is_learned and not self.has_learned:
            self.has_learned, self.first_learned = True, step
        if self.open_stretch is None:
            return None
        self.stretches[-1] = replace(self.stretches[-1], recovery=step)
        return self.stretches[-1]


def symptom_finding(stretch: Stretch, steps: int, symptoms: Symptoms) -> Finding:
    """A stretch as a finding: what was seen, without why. ``steps``: the number of steps of the run so far."""
    guessing = symptoms.guessing_loss
    value, limit = symptoms.measured(stretch)
    level = f"loss at {symptoms.task.level_words} ({loss_text(guessing)})"
    if abs(value - guessing) > AT_GUESSING * guessing:
        level = f"loss at {number_text(value)}, above the {loss_text(guessing)} of guessing"
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
