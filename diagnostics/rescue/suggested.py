"""The order in which to try suggestions once a rescue has tried some of them on the run."""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.detect.remedies import Suggestion
from diagnostics.rescue.evidence import PROVEN
from diagnostics.rescue.results import RescueResult


def by_evidence(suggestions: Iterable[Suggestion], result: RescueResult | None) -> tuple[Suggestion, ...]:
    """Proven remedies first, those that saved most in front; then the untried ones; last those tried without proof.

    While branches of the rescue are missing, all remedies count as untried. So does one whose branches all lived
    without a proof, as where nearly all of the control lived too. Otherwise the order stays.
    """

    def place(suggestion: Suggestion) -> tuple[int, float]:
        arm = None if result is None else result.arm_of(suggestion.remedy.key)
        if arm is None or not arm.word:
            return 1, 0.0
        if arm.word == PROVEN:
            return 0, -arm.share
        return (1 if arm.lived == arm.runs else 2), 0.0

    return tuple(sorted(suggestions, key=place))
