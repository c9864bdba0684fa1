"""Two logs of what must be one run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diagnostics.log.reader import open_run
from diagnostics.schema.tables import SNAPSHOT_ARRAYS


def assert_same_run(one: Path, other: Path) -> None:
    """Every column but times, every epoch, validation, snapshot; and the answer."""
    a, b = open_run(one), open_run(other)
    timeless = [i for i, c in enumerate(a.columns) if c.statistic != "seconds"]
    np.testing.assert_array_equal(a.block(timeless), b.block(timeless))
    np.testing.assert_array_equal(a.index["step"], b.index["step"])
    for frame in ("epochs", "validations"):
        columns = [c for c in getattr(a, frame) if "seconds" not in c and c != "wall"]
        assert getattr(a, frame)[columns].equals(getattr(b, frame)[columns])
    np.testing.assert_array_equal(a.snapshots.steps, b.snapshots.steps)
    for array in SNAPSHOT_ARRAYS:
        np.testing.assert_array_equal(a.source.array(array), b.source.array(array))
    said = [run.events[~run.events["event"].isin(["resume", "checkpoint"])] for run in (a, b)]
    assert said[0]["message"].tolist() == said[1]["message"].tolist()
    answers = [run.diagnosis.to_json() | {"run": ""} for run in (a, b)]
    assert answers[0] == answers[1]
