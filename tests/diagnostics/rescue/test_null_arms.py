"""Forty small networks that die: arms that change nothing that matters are proven to save in none.

Their learning rate lies at the edge, so that luck saves some orders. Images of 14 x 14 pixels and a
detector that needs few steps make 2,400 branches affordable.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from diagnostics.log.reader import open_run
from diagnostics.record.options import RecordingOptions
from diagnostics.record.training import run_training
from diagnostics.rescue.experiment import BranchWork
from diagnostics.rescue.patient import Patient, Treatment, examine
from diagnostics.rescue.plan import UNCHANGED, RescuePlan, make_plan
from diagnostics.rescue.results import RescueResult, read_results
from lenet.data import load_dataset
from lenet.settings import Settings
from tests.helpers.rollback_trainings import QUICK

EDGE = Settings(network="feedforward", lr=1.2, batch_size=32, epochs=3, threads=1)
RECORDING = RecordingOptions(histograms_every=0, checkpoint_every=0, detector=QUICK)
NULL_ARMS = (
    Treatment("rate-1", "the rate times 1.0000001", {"lr": EDGE.lr * 1.0000001}),
    Treatment("rate-2", "the rate times 0.9999999", {"lr": EDGE.lr * 0.9999999}),
    Treatment("rate-3", "the rate times 1.0000005", {"lr": EDGE.lr * 1.0000005}),
    Treatment("clip", "a limit of the norm that is never reached", {"clip_norm": 1e9}),
    Treatment("clip-value", "a limit of the entries that is never reached", {"clip_value": 1e9}),
)
ORDERS, HORIZON, RESCUES = 8, 80, 40


def small_images(folder: Path) -> Path:
    """The first images of MNIST at half their width and height, as IDX files."""
    full = load_dataset(None, 2000)
    for part, X, y in (("train", full.X_train, full.y_train), ("t10k", full.X_test[:64], full.y_test[:64])):
        halved = X.reshape(len(X), 14, 2, 14, 2).mean(axis=(2, 4)) > 0.4
        _write(folder / f"{part}-images-idx3-ubyte", halved * 255)
        _write(folder / f"{part}-labels-idx1-ubyte", y)
    return folder


def _write(path: Path, values: NDArray[np.generic]) -> None:
    sizes = struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(struct.pack(">HBB", 0, 8, values.ndim) + sizes + values.astype(np.uint8).tobytes())


def dead_logs(folder: Path, wanted: int) -> Iterator[tuple[Path, Patient]]:
    """The first so many seeds that die, with what a rescue has to know of them."""
    settings = replace(EDGE, data=str(small_images(folder)))
    seed = 0
    while wanted:
        path = folder / f"{seed}.h5"
        if run_training(replace(settings, seed=seed), path, RECORDING).diagnosis.verdict.is_defect:
            wanted -= 1
            yield path, examine(open_run(path))
        seed += 1


def null_rescue(log: Path, patient: Patient) -> RescueResult:
    """A rescue of nothing but arms that change nothing that matters."""
    nothing = replace(patient, remedies=NULL_ARMS)
    plan: RescuePlan = make_plan(nothing, arms=[one.key for one in NULL_ARMS], runs=ORDERS, horizon=HORIZON)
    work = BranchWork(log, None, patient.confirmed, HORIZON, None)
    return read_results(plan, {b.key: work(b) for b in plan.branches if b.arm != UNCHANGED})


@pytest.mark.slow
def test_null_arms_are_proven_in_none_of_forty_rescues_and_worse_in_few(tmp_path: Path) -> None:
    rescues = [null_rescue(log, patient) for log, patient in dead_logs(tmp_path, RESCUES)]

    words = [arm.word for rescue in rescues for arm in rescue.arms]
    lucky = [rescue.control.lived for rescue in rescues]
    assert len(words) == RESCUES * len(NULL_ARMS) == 200
    assert words.count("proven") == 0
    assert words.count("worse") <= 0.05 * len(words)
    assert sum(0 < lived < ORDERS for lived in lucky) > RESCUES / 4, "luck has to decide, or nothing is shown"
