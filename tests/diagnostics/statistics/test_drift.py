"""Drift before a collapse: how far parameters moved since step 0, against the range of the healthy runs."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.detect.findings import Diagnosis, Stretch, Verdict
from diagnostics.run.run import Run
from diagnostics.statistics.drift import drifts
from tests.helpers.small_runs import small_info

STEPS = np.arange(60)


def made(moves, onset: int | None = None, start: float = 0.0, steps: int = 60) -> Run:
    """A run whose norm of dense1 weights is start + moves(t), and whose other values are 0."""
    info = small_info()
    values = np.zeros((steps, len(info.columns)), dtype=np.float32)
    values[:, info.columns.tensor("dense1", "weights", "value", "norm")] = start + moves(STEPS[:steps])
    run = Run.from_rows(info, STEPS[:steps], 1 + STEPS[:steps] // 10, values)
    verdict = Verdict.HEALTHY if onset is None else Verdict.COLLAPSED
    stretches = () if onset is None else (Stretch(verdict, onset, onset + 5),)
    run._kept["diagnosis"] = Diagnosis(run.name, verdict, steps, onset, onset, stretches)
    return run


def healthy() -> list[Run]:
    """Two that move 1 and 2 a step, from different places."""
    return [made(lambda t: t, start=5), made(lambda t: 2 * t, start=70)]


def test_a_tensor_that_leaves_the_range_is_counted_on_its_side_with_its_lead():
    faster = made(lambda t: 1.5 * t + np.where(t >= 30, 50, 0), onset=40)
    slower = made(lambda t: np.zeros_like(t), onset=20)
    like = made(lambda t: 1.5 * t, onset=50)
    frame = drifts([faster, slower, like], healthy())
    row = frame.loc[("dense1", "weights", "norm")]

    assert frame.index[0] == ("dense1", "weights", "norm")
    assert (row["below"], row["above"], row["runs"]) == (1, 1, 3)
    assert row["lead"] == (10 + 19) / 2  # steps 30 to 39, and 1 to 19


def test_where_a_run_starts_is_no_drift():
    row = drifts([made(lambda t: 1.5 * t, onset=40, start=1000)], healthy()).iloc[0]

    assert (row["below"], row["above"]) == (0, 0)
    assert np.isnan(row["lead"])


def test_a_step_back_into_the_range_ends_the_lead_and_it_is_looked_for_no_further_than_asked():
    away = made(lambda t: np.where((t < 30) | (t >= 35), 9 * t, 1.5 * t), onset=40)

    assert drifts([away], healthy()).iloc[0]["lead"] == 5  # outside up to step 29, inside to 34, outside again
    assert drifts([made(lambda t: 9 * t, onset=40)], healthy(), before=7).iloc[0]["lead"] == 7


@pytest.mark.parametrize(
    ("defect", "peers"),
    [([], healthy()), ([made(lambda t: t, onset=0)], healthy()), ([made(lambda t: t, onset=9)], [])],
)
def test_with_nothing_to_compare_there_are_no_rows(defect, peers):
    assert drifts(defect, peers).empty


def test_steps_that_a_healthy_run_does_not_have_are_compared_with_the_others():
    short = made(lambda t: 100 * t, steps=10)
    row = drifts([made(lambda t: 9 * t, onset=40)], [*healthy(), short]).iloc[0]

    assert row["above"] == 1
    assert row["lead"] == 30  # up to step 9 the short run is above it


def test_logs_of_every_fifth_step_show_the_drift_too():
    def thinned(run: Run) -> Run:
        kept = np.arange(0, 60, 5)
        fewer = Run.from_rows(run.info, kept, 1 + kept // 10, run.block()[kept])
        fewer._kept["diagnosis"] = run.diagnosis
        return fewer

    runs = [thinned(made(lambda t: 9 * t, onset=onset)) for onset in (38, 40, 43)]
    row = drifts(runs, [thinned(run) for run in healthy()]).iloc[0]

    assert (row["below"], row["above"], row["runs"]) == (0, 3, 3)
    assert row["lead"] == 35  # from step 5 to the onset
