"""Forty small networks that die: what changes nothing reproduces every death, and is proven to save in none.

Their learning rate lies at the edge, so that about half of the seeds die, and luck saves some orders.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.log.reader import open_run
from diagnostics.record.options import RecordingOptions
from diagnostics.record.training import run_training
from diagnostics.rescue.experiment import BranchWork
from diagnostics.rescue.fate import Fate
from diagnostics.rescue.patient import Patient, Treatment, examine
from diagnostics.rescue.plan import CONTROL, UNCHANGED, RescuePlan, make_plan
from diagnostics.rescue.results import RescueResult, read_results
from lenet.settings import Settings

EDGE = Settings(network="feedforward", lr=1.0, batch_size=64, limit=2000, epochs=7, threads=1)
RECORDING = RecordingOptions(histograms_every=0, checkpoint_every=0)
NULL_ARMS = (
    Treatment("rate-1", "the rate times 1.0000001", {"lr": EDGE.lr * 1.0000001}),
    Treatment("rate-2", "the rate times 0.9999999", {"lr": EDGE.lr * 0.9999999}),
    Treatment("rate-3", "the rate times 1.0000005", {"lr": EDGE.lr * 1.0000005}),
    Treatment("clip", "a limit of the norm that is never reached", {"clip_norm": 1e9}),
    Treatment("clip-value", "a limit of the entries that is never reached", {"clip_value": 1e9}),
)
ORDERS, HORIZON, RESCUES = 10, 150, 40


def dead_logs(folder: Path, wanted: int) -> Iterator[tuple[Path, Patient]]:
    """The first so many seeds that die, with what a rescue has to know of them."""
    seed = 0
    while wanted:
        path = folder / f"{seed}.h5"
        if run_training(replace(EDGE, seed=seed), path, RECORDING).diagnosis.verdict.is_defect:
            wanted -= 1
            yield path, examine(open_run(path))
        seed += 1


def unchanged_fate(log: Path, patient: Patient) -> Fate:
    """What becomes of the branch without a change, whose rows are compared with the log bit for bit."""
    (branch, *_) = make_plan(patient, arms=[CONTROL], runs=1).branches
    assert branch.arm == UNCHANGED
    return BranchWork(log, None, patient.confirmed, None, None)(branch).fate


def null_rescue(log: Path, patient: Patient) -> RescueResult:
    """A rescue of nothing but arms that change nothing that matters."""
    nothing = replace(patient, remedies=NULL_ARMS)
    plan: RescuePlan = make_plan(nothing, arms=[one.key for one in NULL_ARMS], runs=ORDERS, horizon=HORIZON)
    work = BranchWork(log, None, patient.confirmed, HORIZON, None)
    return read_results(plan, {b.key: work(b) for b in plan.branches if b.arm != UNCHANGED})


def test_the_unchanged_branch_reproduces_two_deaths(tmp_path: Path) -> None:
    assert [unchanged_fate(log, patient) for log, patient in dead_logs(tmp_path, 2)] == [Fate.DEAD] * 2


@pytest.mark.slow
def test_the_unchanged_branch_reproduces_forty_deaths_and_null_arms_are_proven_in_none(tmp_path: Path) -> None:
    fates, rescues = [], []
    for log, patient in dead_logs(tmp_path, RESCUES):
        fates.append(unchanged_fate(log, patient))
        rescues.append(null_rescue(log, patient))

    words = [arm.word for rescue in rescues for arm in rescue.arms]
    lucky = [rescue.control.lived for rescue in rescues]
    assert fates == [Fate.DEAD] * RESCUES
    assert len(words) == RESCUES * len(NULL_ARMS) == 200
    assert words.count("proven") == 0
    assert words.count("worse") <= 0.05 * len(words)
    assert sum(0 < lived < ORDERS for lived in lucky) > RESCUES / 4, "luck has to decide, or nothing is shown"
