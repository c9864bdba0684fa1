"""Bands of healthy and of defect runs, against quantiles worked out by NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.detect.findings import Diagnosis, Stretch, Verdict
from diagnostics.run.run import Run
from diagnostics.statistics.bands import parameter_bands
from tests.helpers.small_runs import lenet_info, small_info


def made(verdict: str, level: float, onset: int | None = None, steps: int = 30, info=None) -> Run:
    """A run whose every value at step t is level + t, judged as told."""
    info = info or small_info()
    values = np.repeat(level + np.arange(steps, dtype=np.float32)[:, None], len(info.columns), axis=1)
    run = Run.from_rows(info, np.arange(steps), 1 + np.arange(steps) // 10, values, name=f"{verdict} {level}")
    stretches = () if onset is None else (Stretch(Verdict(verdict), onset, onset + 5),)
    run._kept["diagnosis"] = Diagnosis(run.name, Verdict(verdict), steps, onset, onset, stretches)
    return run


def cells(frame, fate: str, statistic: str = "norm"):
    return frame.loc[(fate, "dense1", "weights", "value", statistic)]


def test_healthy_and_defect_runs_are_kept_apart_and_undecided_ones_left_out():
    good = [made("healthy", 0), made("recovered", 10), made("healthy", 20)]
    runs = [*good, made("collapsed", 500, 12), made("undecided", 9e6)]
    frame = parameter_bands(runs)
    healthy, defect = cells(frame, "healthy").loc[5], cells(frame, "defect").loc[5]

    assert list(healthy[["low", "median", "high", "n"]]) == pytest.approx([7, 15, 23, 3])
    assert (defect["median"], defect["n"]) == (505, 1)


def test_at_the_onset_every_defect_run_counts_from_its_own():
    runs = [made("collapsed", 0, 12), made("collapsed", 100, 20), made("healthy", 1000)]
    frame = parameter_bands(runs, align="onset", window=(-15, 10))
    defect, healthy = cells(frame, "defect"), cells(frame, "healthy")

    assert defect.loc[0, "median"] == (12 + 120) / 2
    assert healthy.loc[0, "median"] == (1012 + 1020) / 2
    assert list(defect.loc[[-15, -12, 0, 10], "n"]) == [1, 2, 2, 1]


def test_the_quantiles_agree_with_numpy_where_values_are_missing():
    rng = np.random.default_rng(3)
    runs = [made("healthy", rng.normal(), steps=length) for length in (30, 30, 25, 20, 30, 10, 30)]
    frame = cells(parameter_bands(runs), "healthy")
    stack = np.full((7, 30), np.nan)
    for i, run in enumerate(runs):
        stack[i, : len(run)] = run.block(["loss"])[:, 0]
    expected = np.nanpercentile(stack, [10, 50, 90], axis=0)

    np.testing.assert_allclose(frame[["low", "median", "high"]].to_numpy().T, expected, rtol=1e-5)


def test_long_runs_are_thinned_and_the_onset_stays():
    runs = [made("collapsed", 0, 15), made("healthy", 1)]
    frame = cells(parameter_bands(runs, align="onset", window=(-15, 14), points=10), "defect")

    assert len(frame) <= 10
    assert 0 in frame.index


def test_without_judged_runs_the_frame_is_empty_and_has_its_columns():
    frame = parameter_bands([made("undecided", 0)])

    assert frame.empty
    assert list(frame.columns) == ["median", "low", "high", "n"]


def test_runs_of_different_networks_are_refused():
    with pytest.raises(ValueError, match="other tensors"):
        parameter_bands([made("healthy", 0), made("healthy", 0, info=lenet_info())])
