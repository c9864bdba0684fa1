"""The fate of a branch: dead, alive, or undecided at the horizon.

The detector judges a branch from its first step on, with the history of the logged
run before it. The rule for fates sees rows only and never the name of an arm.

dead       the branch is in a defect stretch at the horizon, or earlier, as soon as no
           later step can end the stretch: a dead end is proven, or parameters are not finite
alive      the branch learned, and kept it for at least W steps in a row, all of them
           after the step at which the death of the logged run was confirmed
undecided  the horizon came before either

The last condition of *alive* matters for runs that died after they had learned: a
branch that starts ten steps before such a collapse has learned already, and W steps
later its mean loss may still say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from diagnostics.detect.detector import Detector


class Fate(StrEnum):
    """What became of a branch."""

    DEAD = "dead"
    ALIVE = "alive"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Horizon:
    """When a branch is asked for its fate at the latest.

    branch_step: the first step of the branch.
    confirmed: the step at which the death of the logged run was confirmed.
    last_step: the last step that a branch may make.
    """

    branch_step: int
    confirmed: int
    last_step: int

    @classmethod
    def of(cls, detector: Detector, branch_step: int, confirmed: int, steps: int | None = None) -> Horizon:
        """Patience plus grace after the branch point and grace after the confirmation, or ``steps`` if asked for.

        detector: the detector that judges the branches; its thresholds give patience and grace.
        branch_step: the first step of the branches.
        confirmed: the step at which the death of the logged run was confirmed.
        steps: how many steps a branch may make; None for the default.
        """
        symptoms = detector.symptoms
        usual = max(branch_step + symptoms.patience + symptoms.grace, confirmed + symptoms.grace)
        return cls(branch_step, confirmed, usual if steps is None else branch_step + steps - 1)


class FateJudge:
    """Says the fate of one branch as soon as it is certain; ask it after every row.

    horizon: when the branch is asked at the latest.
    """

    def __init__(self, horizon: Horizon) -> None:
        self._horizon = horizon
        self._learned_since: int | None = None
        self.fate: Fate | None = None

    def decide(self, detector: Detector) -> str | None:
        """A reason to end the branch, once its fate is certain; ``detector`` has just seen a row of it."""
        self.fate = self._fate(detector)
        return None if self.fate is None else str(self.fate)

    def _fate(self, detector: Detector) -> Fate | None:
        symptoms = detector.symptoms
        step = symptoms.steps - 1
        if detector.is_beyond_recovery:
            return Fate.DEAD
        if not symptoms.is_learned:
            self._learned_since = None
        elif self._learned_since is None:
            self._learned_since = step
        if self._learned_since is not None:
            since = max(self._learned_since, self._horizon.confirmed + 1, self._horizon.branch_step)
            if step - since + 1 >= symptoms.window:
                return Fate.ALIVE
        return fate_at_the_end(detector) if step >= self._horizon.last_step else None


def fate_at_the_end(detector: Detector) -> Fate:
    """The fate of a branch that ends with the row that the detector saw last."""
    verdict = detector.verdict_at_the_end()
    if verdict.is_defect:
        return Fate.DEAD
    return Fate.ALIVE if verdict.is_survivor else Fate.UNDECIDED
