"""Measures whether the verdict is the same from a CSV file with loss and accuracy of each step alone.

Many tools keep no more than that. The rows of a log are written as such a file, read again, and judged.
"""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd

from diagnostics.detect.detector import DEFAULT_THRESHOLDS, Detector
from diagnostics.detect.findings import Verdict
from diagnostics.run.run import Run

KEPT = ("data_loss", "accuracy", "samples")


def as_csv(run: Run) -> str:
    """Step, epoch, loss, accuracy and samples of every row, with six digits."""
    scalars = run.block([run.columns.scalar(name) for name in KEPT])
    frame = pd.DataFrame(scalars, columns=list(KEPT), index=pd.Index(run.index["step"], name="step"))
    frame.insert(0, "epoch", run.index["epoch"])
    return frame.to_csv(float_format="%.6g")


def verdict_of(text: str, run: Run) -> Verdict:
    """The verdict on the rows of a CSV file, given classes, batches and length of ``run``."""
    info = replace(run.info, tensors=(), layers=(), recorded_columns=None)
    detector = Detector(info, limits=DEFAULT_THRESHOLDS)
    frame = pd.read_csv(StringIO(text))
    rows = np.full((len(frame), len(info.columns)), np.nan, np.float32)
    for name in KEPT:
        rows[:, info.columns.scalar(name)] = frame[name]
    rows[:, info.columns.scalar("loss")] = frame["data_loss"]
    for step, epoch, row in zip(frame["step"].tolist(), frame["epoch"].tolist(), rows, strict=True):
        detector.observe(step, epoch, row)
    return detector.finish(run.status, run.steps_made).verdict
