"""Fates: dead as soon as that is certain, alive only past the death of the logged run, undecided at the horizon."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from diagnostics.detect.detector import Detector
from diagnostics.detect.findings import Verdict
from diagnostics.rescue.fate import Fate, FateJudge, Horizon

W = 20


class ScriptedDetector:
    """Says what a test wants it to say of each step."""

    def __init__(self, learned: Callable[[int], bool], dead_from: int | None = None, verdict: str = "undecided"):
        self._learned, self._dead_from, self._verdict = learned, dead_from, verdict
        self.symptoms = SimpleNamespace(steps=0, window=W, is_learned=False, patience=166, grace=101)

    def see(self, step: int) -> Detector:
        self.symptoms.steps, self.symptoms.is_learned = step + 1, self._learned(step)
        return cast("Detector", self)

    @property
    def is_beyond_recovery(self) -> bool:
        return self._dead_from is not None and self.symptoms.steps - 1 >= self._dead_from

    def verdict_at_the_end(self) -> Verdict:
        return Verdict(self._verdict)


def fate_of(detector: ScriptedDetector, horizon: Horizon) -> tuple[Fate | None, int]:
    judge = FateJudge(horizon)
    for step in range(horizon.branch_step, horizon.last_step + 1):
        if judge.decide(detector.see(step)) is not None:
            return judge.fate, step
    return None, horizon.last_step


def test_a_branch_is_dead_as_soon_as_nothing_can_end_its_defect() -> None:
    assert fate_of(ScriptedDetector(lambda step: False, dead_from=80), Horizon(24, 73, 300)) == (Fate.DEAD, 80)


def test_a_branch_that_learns_is_alive_after_a_window_of_it() -> None:
    assert fate_of(ScriptedDetector(lambda step: step >= 100), Horizon(24, 73, 300)) == (Fate.ALIVE, 100 + W - 1)


def test_what_a_branch_has_learned_before_the_death_of_the_logged_run_does_not_count() -> None:
    horizon = Horizon(590, 640, 900)

    assert fate_of(ScriptedDetector(lambda step: True), horizon) == (Fate.ALIVE, 640 + W)
    assert fate_of(ScriptedDetector(lambda step: step < 630, verdict="collapsed"), horizon) == (Fate.DEAD, 900)


def test_learning_has_to_be_kept_without_a_break() -> None:
    assert fate_of(ScriptedDetector(lambda step: step >= 100 and step != 110), Horizon(24, 73, 300)) == (
        Fate.ALIVE,
        111 + W - 1,
    )


@pytest.mark.parametrize(
    ("verdict", "fate"),
    [("never-learned", Fate.DEAD), ("healthy", Fate.ALIVE), ("recovered", Fate.ALIVE), ("undecided", Fate.UNDECIDED)],
)
def test_at_the_horizon_the_verdict_decides(verdict: str, fate: Fate) -> None:
    assert fate_of(ScriptedDetector(lambda step: False, verdict=verdict), Horizon(24, 73, 300)) == (fate, 300)


def test_the_horizon_leaves_patience_and_grace_after_the_branch_point_and_grace_after_the_death() -> None:
    detector = ScriptedDetector(lambda step: False).see(0)

    assert Horizon.of(detector, 24, 73).last_step == 24 + 166 + 101
    assert Horizon.of(detector, 24, 700).last_step == 700 + 101
    assert Horizon.of(detector, 24, 73, steps=50).last_step == 24 + 50 - 1
