"""The detector reads a run row by row, says when it becomes a defect run, and finds out why.

The same :class:`Detector` judges a training and a log (:mod:`diagnostics.detect.recorded`), so both
give the same answers, step for step. A row in which nothing is suspected costs the state machine of
:mod:`diagnostics.detect.symptoms`, the early warnings, and a copy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect import early_warnings, verdict_thresholds
from diagnostics.detect.asking import ask, fired
from diagnostics.detect.causes import (
    Explanation,
    deduplicated,
    explain,
    extended_to,
    of_faults,
    suggested,
    survey,
    suspicion,
    unlinked_findings,
    without_disproved,
    without_fired,
)
from diagnostics.detect.dead_end import DeadEnd
from diagnostics.detect.earlier_faults import EarlierFaults
from diagnostics.detect.early_warnings import EarlyWarnings, plateau_warning
from diagnostics.detect.epoch_means import EpochSums, FirstLoss
from diagnostics.detect.findings import Diagnosis, Finding, Stretch, Verdict
from diagnostics.detect.open_verdicts import open_verdicts
from diagnostics.detect.progress import PROGRESS, MovingNow, Progress
from diagnostics.detect.recent_rows import RecentRows
from diagnostics.detect.rules import ENDING, MECHANISMS, OF_LOSSES
from diagnostics.detect.symptoms import Symptoms, symptom_finding, window_of
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.undecided import reason
from diagnostics.detect.window import Window
from diagnostics.errors import DiagnosticsError
from diagnostics.schema.run_info import RunInfo

HISTORY = 1024
KEPT_WARNINGS = 200
SUSPECT_STEPS = 50
NEEDED = ("data_loss", "samples", "loss")
SEEN = len(NEEDED) + 1  # those and the accuracy

DEFAULT_THRESHOLDS = Thresholds(
    [
        *verdict_thresholds.THRESHOLDS,
        *PROGRESS,
        *early_warnings.THRESHOLDS,
        *(threshold for rule in (*ENDING, *OF_LOSSES, *MECHANISMS) for threshold in rule.thresholds),
    ]
)

Event = Finding | Stretch


class Detector:
    """Judges one run while its rows arrive.

    ``info``: what is known of the run before its first row.
    ``limits``: thresholds to judge by; None for those that ``info`` names, and the defaults for all others.
    ``name``: the name of the run in its diagnosis.
    """

    def __init__(self, info: RunInfo, limits: Thresholds | None = None, name: str = "run") -> None:
        columns = info.columns
        needed = [columns.find(name) for name in NEEDED]
        if None in needed:
            raise DiagnosticsError(f"the run cannot be judged: its rows lack {NEEDED[needed.index(None)]}")
        self.thresholds = limits or DEFAULT_THRESHOLDS.as_recorded(info.thresholds)
        # A window that was recorded with other thresholds does not hold for these.
        self.info = info = replace(info, window=window_of(limits, info.batch_size)) if limits else info
        self.name = name
        self._accuracy = columns.find("accuracy")
        self._progress = Progress(info, self.thresholds)
        self.symptoms = Symptoms(
            info.prior,
            info.window,
            self.thresholds,
            has_accuracy=self._accuracy is not None,
            are_means=info.rows == "means",
            task=info.task,
            sees_layers=self._progress.sees_layers,
        )
        self._early = EarlyWarnings(info, self.thresholds)
        self._history = RecentRows(max(HISTORY, 4 * info.window), len(columns))
        self._warnings: list[Finding] = []
        self._last_warnings: dict[str, Finding] = {}  # the newest warning of each layer
        self._explanations: dict[int, Explanation] = {}
        self._earlier_faults = EarlierFaults()
        self._has_plateau = False
        self._validations: list[tuple[int, float, float]] = []
        self._epochs = EpochSums()
        self._first_loss = FirstLoss(info.window)
        self._moving = MovingNow(self._progress, self._history)
        found = [columns.find(f"{t.layer}/{t.tensor}/value/nonfinite") for t in info.tensors]
        nonfinite = [place for place in found if place is not None]
        # One fetch takes all numbers that are looked at in every row: in a training the caches are cold, and every
        # array that is touched costs microseconds.
        self._counted = SEEN + len(nonfinite)
        accuracy = needed[0] if self._accuracy is None else self._accuracy
        self._watched = np.array([*needed, accuracy, *nonfinite, *self._early.places], np.intp)
        self._dead_end = DeadEnd(info)

    def observe(self, step: int, epoch: int, row: NDArray[np.float32]) -> tuple[Event, ...]:
        """Judges one row; returns its early warnings and the stretch that it confirmed or ended: mostly nothing."""
        seen: list[float] = row[self._watched].tolist()
        data_loss, samples, loss, accuracy = seen[:SEEN]
        if self._accuracy is None:
            accuracy = math.nan
        self._history.append(step, row)
        self._epochs.add(epoch, data_loss, accuracy, samples)
        self._first_loss.add(data_loss)
        finite = math.isfinite(loss) and not any(seen[SEEN : self._counted])
        stretch = self.symptoms.observe(
            step,
            data_loss,
            accuracy,
            samples,
            finite,
            lambda: self._dead_end.is_proven(row, self._history),
            lambda: self._moving(step),
        )
        warnings = self._early.observe(step, seen[self._counted :], row)
        if self.symptoms.is_on_plateau(step) and not self._has_plateau and not self.info.is_imported:
            self._has_plateau = True
            warnings += (plateau_warning(step),)
        if warnings:
            self._last_warnings |= {one.layer: one for one in warnings if one.layer is not None}
            if len(self._warnings) < KEPT_WARNINGS:
                self._warnings += warnings
        if self._history.is_half_new and self.symptoms.open_stretch is None:
            self._earlier_faults.look(self._window())
        if stretch is None:
            return warnings
        if stretch.recovery is None:
            self._explain(stretch)
        return (*warnings, stretch)

    def validation(self, epoch: int | None, loss: float, accuracy: float) -> None:
        """Keeps a validation for the rule of overfitting; the verdict never looks at one."""
        if epoch is not None and epoch > 0:
            self._validations.append((epoch, float(loss), float(accuracy)))

    def finish(self, status: str = "completed", steps: int | None = None) -> Diagnosis:
        """Verdict, cause and all findings of the run up to now.

        ``status``: how the run ended; "running" and "unclear" mean that it goes on.
        ``steps``: how many steps the run has made, where its last steps brought no row; None for those of its rows.
        """
        is_over = status not in ("running", "unclear")
        stretch = self._ended() if is_over else None
        if stretch is not None:
            self._explain(stretch)
        return self._diagnosis(self.symptoms.verdict(is_over), max(self.symptoms.steps, steps or 0))

    def verdict_at_the_end(self) -> Verdict:
        """The verdict on a run that ends with the row seen last; :meth:`finish` explains it too, which takes longer."""
        self._ended()
        return self.symptoms.verdict(is_over=True)

    @property
    def verdict_so_far(self) -> Verdict:
        """The verdict on what has been seen; a run that goes on is undecided until it has learned."""
        return self.symptoms.verdict(is_over=False)

    @property
    def warnings(self) -> Sequence[Finding]:
        """The early warnings so far, in order of their steps."""
        return self._warnings

    @property
    def suspects(self) -> Mapping[str, str]:
        """The layers that had an early warning within the last steps, with its message."""
        since = self.symptoms.steps - SUSPECT_STEPS
        return {layer: one.message for layer, one in self._last_warnings.items() if one.first_step >= since}

    @property
    def is_beyond_recovery(self) -> bool:
        """Whether the newest row shows that no later step can end the open defect stretch.

        That is so where a dead end is proven, and where parameters are not finite.
        """
        if self.symptoms.open_stretch is None:
            return False
        newest = self._history.ordered()[1][-1]
        if newest[self._watched[SEEN : self._counted]].any():
            return True
        return self._dead_end.is_proven(newest, self._history)

    def cause_of(self, stretch: Stretch) -> Explanation | None:
        """The explanation of a stretch that was confirmed."""
        return self._explanations.get(stretch.confirmed)

    # ---- inside

    def _ended(self) -> Stretch | None:
        """End the state machine; the stretch that it opened at its end."""
        return self.symptoms.finish(lambda: self._progress.improves(self._rows()))

    def _rows(self) -> NDArray[np.float32]:
        return self._history.ordered()[1]

    def _window(self) -> Window:
        steps, rows = self._history.ordered()
        return Window(
            info=self.info,
            thresholds=self.thresholds,
            steps=steps,
            rows=rows,
            first_loss=self._first_loss.value,
            epochs=self._epochs.with_validations(self._validations),
            epoch_counts=self._epochs.counts(),
        )

    def _explain(self, stretch: Stretch) -> None:
        self._explanations[stretch.confirmed] = explain(self._window(), stretch)

    def _explanation(self, stretch: Stretch) -> Explanation:
        """The explanation of a stretch, as it was found at the confirmation.

        Where only a rule of last resort explained the stretch then, all rules are asked again with the whole history.
        """
        explanation = self._explanations[stretch.confirmed]
        if stretch.recovery is not None:
            return without_disproved(explanation)
        if not explanation.is_strong:
            later = explain(self._window(), stretch)
            if later.is_strong:
                return later
        return explanation

    def _diagnosis(self, verdict: Verdict, steps: int) -> Diagnosis:
        window = self._window()
        stretches = tuple(self.symptoms.stretches)
        deciding = stretches[-1] if verdict.is_defect or verdict is Verdict.RECOVERED else None
        explanation = self._explanation(deciding) if deciding else Explanation()
        symptoms = [symptom_finding(one, steps, self.symptoms) for one in stretches]
        contradiction = self.symptoms.recent.contradiction
        told = [*symptoms, *([contradiction.finding] if contradiction else [])]
        if verdict is Verdict.UNDECIDED:
            told.append(reason(self.symptoms, self._progress, self._rows(), steps, self.info.row_unit))
        if deciding:
            end = steps if deciding.recovery is None else deciding.recovery
            chain = (*extended_to(explanation.chain, end - 1), symptoms[-1])
            checks = [*without_fired(explanation.checks), *chain[:-1], *unlinked_findings(explanation)]
            checks = self._earlier_faults.beside(checks)
        else:
            checks = self._earlier_faults.beside(survey(window))
            if verdict is Verdict.UNDECIDED:
                explanation = suspicion(checks, window)
            chain = explanation.chain
        to_mend = explanation
        if verdict.is_survivor:  # a run that ended well needs no remedy, unless it shows a fault
            to_mend = of_faults(checks, window) if verdict is Verdict.HEALTHY else Explanation()
        asked = ENDING if self.symptoms.knows_guessing else (*ENDING, *OF_LOSSES)
        checks += [finding for rule in asked for finding in ask(rule, window)]
        return Diagnosis(
            run=self.name,
            verdict=verdict,
            steps=steps,
            onset=deciding.onset if deciding else None,
            confirmed=deciding.confirmed if deciding else None,
            stretches=stretches,
            first_link=explanation.first_link,
            blow=explanation.blow,
            chain=chain,
            findings=deduplicated([*told, *fired(checks), *self._warnings]),
            checks=tuple(checks),
            suggestions=suggested(to_mend, window),
            limits=dict(self.thresholds),
            changed_limits=self.thresholds.changes,
            also_possible=open_verdicts(self.symptoms, verdict),
        )
