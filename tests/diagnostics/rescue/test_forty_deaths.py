"""Forty lenets that die within their first steps: the branch in which nothing is changed is the log, bit for bit."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from diagnostics.record.training import run_training
from diagnostics.replay import training_set
from diagnostics.rescue.experiment import BranchWork
from diagnostics.rescue.fate import Fate
from diagnostics.rescue.natural_deaths import RECORDING
from diagnostics.rescue.patient import Patient, examine
from diagnostics.rescue.plan import CONTROL, UNCHANGED, make_plan
from lenet.data import load_dataset
from lenet.hooks import Hook, StepEnd, StopTraining
from lenet.settings import Settings

DEATHS, MOST_SEEDS = 40, 120
LR, LATEST = 1.4, 100
"""Nearly three times the paper's learning rate: most seeds are dead within a hundred steps."""


class EndWhenKnown(Hook):
    """Ends a training that has learned, that nothing can save any more, or whose fate takes long to be known.

    ``recorder``: what judges it.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def on_step_end(self, event: StepEnd) -> None:
        detector = self._recorder.detector
        assert detector is not None
        if detector.is_beyond_recovery or detector.symptoms.is_learned or event.step == LATEST:
            raise StopTraining("its fate is known, or takes long to be known")


def death(seed: int, path: Path) -> Patient | None:
    """A lenet with the paper's settings at a larger rate; None where it does not die soon."""
    settings = Settings(seed=seed, lr=LR, epochs=1, threads=1)
    dataset = training_set.load_dataset(None, None)
    run_training(settings, path, RECORDING, dataset=dataset, hooks=lambda recorder: [EndWhenKnown(recorder)])
    run = open_run(path)
    return examine(run) if run.verdict.is_defect and len(run) <= LATEST else None


@pytest.mark.slow
def test_the_unchanged_branch_reproduces_forty_of_forty_deaths_of_lenet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_set, "load_dataset", cache(load_dataset))  # the same data for each log
    fates, late = [], 0
    for seed in range(MOST_SEEDS):
        log = tmp_path / f"{seed}.h5"
        patient = death(seed, log)
        if patient is None:
            continue
        (branch, *_) = make_plan(patient, arms=[CONTROL], runs=1).branches
        assert branch.arm == UNCHANGED
        late += branch.step > 0
        fates.append(BranchWork(log, None, patient.confirmed, None, None)(branch).fate)  # raises where a bit differs
        log.unlink()
        if len(fates) == DEATHS:
            break

    assert fates == [Fate.DEAD] * DEATHS
    assert late > DEATHS / 8, "branches from the first step alone show no replayed state"
