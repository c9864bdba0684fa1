"""Forms that might confirm a defect earlier: what each would win, and which living runs it would call dead for a while.

A candidate opens a stretch under one condition more than the detector has. It is replayed on the rows of the
calibration runs, with the detector's own state machine, proof and measure of movement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from diagnostics.detect.dead_end import DeadEnd
from diagnostics.detect.detector import DEFAULT_THRESHOLDS, HISTORY
from diagnostics.detect.findings import Stretch, Verdict
from diagnostics.detect.loss_window import UNIT
from diagnostics.detect.progress import MovingNow, Progress
from diagnostics.detect.recent_rows import RecentRows
from diagnostics.detect.symptoms import Symptoms, window_of
from diagnostics.run.run import Run

FEW_ROWS = 5


class CandidateSymptoms(Symptoms):
    """The state machine of the detector, with what the conditions of candidates ask for."""

    def opened(self, step: int) -> Stretch:
        """A stretch that the condition of a candidate opens."""
        if self.has_learned:
            return self._open(Verdict.COLLAPSED, self.recent.last_good + 1, step, self._onset.of_collapse())
        return self._open(Verdict.NEVER_LEARNED, 0, step, self._onset.of_never_learned())

    def guesses(self, rows: int | None = None, margin: float | None = None) -> bool:
        """Whether the last ``rows`` (None: W) have the loss of guessing and an accuracy of guessing.

        ``margin``: how far above A the accuracy may be; None for three sigma.
        """
        recent = self.recent
        last = list(recent.rows)[-rows:] if rows else list(recent.rows)
        losses = [loss for _, loss, _, _ in last if loss is not None]
        samples = sum(size for *_, size in last)
        if len(losses) < len(last) or len(last) < (rows or self.window) or not samples or not recent.guessing_loss:
            return False
        if margin is None:
            margin = recent.sigmas * np.sqrt(recent.commonest * (1 - recent.commonest) / samples)
        accuracy = sum(right for _, _, right, _ in last) / samples
        mean = sum(losses) / (len(losses) << UNIT)
        return bool(mean >= recent.least_guessing and accuracy <= recent.commonest + margin)


@dataclass(frozen=True)
class EarlierForm:
    """A form: its words, and the condition under which it opens a stretch, given proofs by their number of rows."""

    words: str
    holds: Callable[[CandidateSymptoms, int, Callable[[int], bool]], bool]


CANDIDATES = (
    EarlierForm("as it is", lambda s, step, proven: False),
    EarlierForm(
        "a proof over W (a layer dead throughout, no gradient below it), once the window says learned no more",
        lambda s, step, proven: not s.is_learned and proven(s.window),
    ),
    EarlierForm("the same over half of W", lambda s, step, proven: not s.is_learned and proven(s.window // 2)),
    EarlierForm(f"the same over {FEW_ROWS} rows", lambda s, step, proven: not s.is_learned and proven(FEW_ROWS)),
    EarlierForm(
        "guessing over half of W, for collapses",
        lambda s, step, proven: s.has_learned and s.guesses(rows=s.window // 2),
    ),
    EarlierForm(
        "a loss of guessing over W with an accuracy of at most A + 0.1, for collapses",
        lambda s, step, proven: s.has_learned and s.guesses(margin=0.1),
    ),
    EarlierForm(
        "a loss of guessing over W whatever the accuracy, for collapses",
        lambda s, step, proven: s.has_learned and s.guesses(margin=1.0) and not s.recent.is_contradictory,
    ),
    EarlierForm(
        "never-learned at patience in any case, though something moves",
        lambda s, step, proven: not s.has_learned and s.is_guessing and step >= s.patience,
    ),
)


def replayed(run: Run) -> list[list[Stretch]]:
    """The stretches of a run by each candidate."""
    return [stretches(run, candidate) for candidate in CANDIDATES]


def stretches(run: Run, candidate: EarlierForm) -> list[Stretch]:
    """The stretches of a run by one candidate."""
    thresholds = DEFAULT_THRESHOLDS
    info = replace(run.info, window=window_of(thresholds, run.info.batch_size))
    symptoms = CandidateSymptoms(info.prior, info.window, thresholds)
    history = RecentRows(max(HISTORY, 4 * info.window), len(info.columns))
    progress = Progress(info, thresholds)
    moving = MovingNow(progress, history)
    proofs: Mapping[int, DeadEnd] = {
        rows: DeadEnd(replace(info, window=rows)) for rows in (info.window, info.window // 2, FEW_ROWS)
    }
    wanted = [info.columns.scalar(name) for name in ("data_loss", "accuracy", "samples", "loss")]
    bad = [info.columns.tensor(t.layer, t.tensor, "value", "nonfinite") for t in info.tensors]
    for step, _, row in run.rows():
        history.append(step, row)
        data_loss, accuracy, samples, loss = row[wanted].tolist()
        finite = bool(np.isfinite(loss)) and not row[bad].any()

        def proven(rows: int, row: np.ndarray = row) -> bool:  # type: ignore[type-arg]
            return proofs[rows].is_proven(row, history)

        stretch = symptoms.observe(
            step,
            data_loss,
            accuracy,
            samples,
            finite,
            lambda: proven(info.window),
            lambda: moving(step),  # noqa: B023
        )
        if stretch is None and finite and symptoms.open_stretch is None and candidate.holds(symptoms, step, proven):
            symptoms.opened(step)
    symptoms.finish(lambda: progress.improves(history.ordered()[1]))
    return symptoms.stretches


def candidate_rows(found: Sequence[tuple[str, list[list[Stretch]]]]) -> list[tuple[str, ...]]:
    """A row a candidate, from the label of each run and its stretches by every candidate."""
    made = []
    living = [by for label, by in found if label == "alive"]
    went_down = [by for label, by in found if label != "alive" and by[0]]
    for number, candidate in enumerate(CANDIDATES):
        won = [by[0][-1].confirmed - by[number][-1].confirmed for by in went_down if by[number]]
        earlier = [steps for steps in won if steps > 0]
        wrong = sum(bool(by[number]) for by in living)
        made.append(
            (
                candidate.words,
                f"{len(earlier)} of {len(went_down)}" if number else "-",
                f"{median(earlier):g} in the median, up to {max(earlier)}" if earlier else "-",
                f"{wrong} of {len(living)}",
                str(sum(len(by[number]) for by in living)),
            )
        )
    return made
