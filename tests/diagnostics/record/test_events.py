"""The judge of a recorder: rows that wait until they are judged together bring the same events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diagnostics.detect.findings import Severity
from diagnostics.record import events
from diagnostics.record.events import AT_ONCE, Judge
from tests.helpers.judged_rows import H, info, piecewise, rows

LOSSES = {
    "collapsed": piecewise((100, 2.2), (150, 0.3), (120, H)),
    "recovered": piecewise((100, 1.0), (60, H), (150, 0.3)),
    "never learned": piecewise((300, H)),
    "diverged": np.append(np.full(203, 0.3), np.full(20, np.nan)),
    "healthy": np.linspace(2.3, 0.1, 301),
}


def told(loss: Any) -> tuple[list[dict[str, Any]], list[int], Any]:
    """The events of a run, the step at which each was told, and the diagnosis."""
    judge, found, at = Judge(info(), "run"), [], []
    values = rows(loss)
    for step, row in enumerate(values):
        notes = judge.observe(step, 1, row)
        row[:] = -1  # the meter overwrites its row
        found += notes
        at += [step] * len(notes)
    found += judge.judge_waiting()
    return found, at, judge.finish("completed", len(values))[0]


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_rows_that_are_judged_together_bring_the_same_events(loss: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    together, at, diagnosis = told(loss)
    monkeypatch.setattr(events, "AT_ONCE", 1)
    alone, _, expected = told(loss)

    assert repr(together) == repr(alone)
    assert repr(diagnosis) == repr(expected)
    assert all(note["step"] <= step < note["step"] + AT_ONCE for note, step in zip(together, at, strict=False))


def test_a_run_that_has_stopped_learning_is_judged_row_by_row() -> None:
    found, at, _ = told(LOSSES["collapsed"])

    confirmed = next(i for i, note in enumerate(found) if note["severity"] == str(Severity.ERROR))
    assert found[confirmed]["rule"] == "collapsed"
    assert at[confirmed] == found[confirmed]["step"]
