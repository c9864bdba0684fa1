"""Rows that were measured elsewhere: what they lack is declared, and rules that need it are not asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from diagnostics.detect.findings import RuleOutcome
from diagnostics.log.reader import open_run
from diagnostics.record.row_recorder import RowRecorder
from diagnostics.schema.columns import Column, Columns
from diagnostics.schema.run_info import RunInfo
from lenet.hooks import LayerInfo, RunEnd, RunStart, StepEnd, TensorInfo
from reports.terminal.layout import lines
from reports.terminal.model import LiveModel

TENSORS = (TensorInfo("frozen", "weights", (4, 4), 0, 16), TensorInfo("dense", "weights", (4, 2), 16, 8))
LAYERS = (LayerInfo("dense", "Linear", None, (2,), 2),)
LOST = ("frozen/weights/gradient", "frozen/weights/update", "input/", "accuracy")


class RowsOfOnes:
    """A meter whose rows hold 1 everywhere, but for the numbers of entries that are not finite, which are 0."""

    def __init__(self, info: RunInfo) -> None:
        self.row = np.array(["nonfinite" not in name for name in info.columns.names], np.float32)

    def finish(self, event: StepEnd) -> Any:
        return self.row

    def ignore(self, *event: Any) -> Any:
        return {}

    activations = gradients = update = snapshot = state = restore = ignore


def columns(start: RunStart) -> Columns:
    declared = Columns.declare(start.tensors, start.layers)
    own_rate = Column("tensor", "dense", "weights", "update", "rate", "1")
    return Columns([*(one for one in declared if not one.name.startswith(LOST)), own_rate])


def recorded(path: Path, steps: int = 3) -> RowRecorder:
    """A run of which neither the number of steps nor the accuracy nor the frozen layer's gradient is known."""
    lacks = {"not_recorded": ["accuracy"], "without_gradient": ["frozen/weights"]}
    recorder = RowRecorder(path, columns=columns, meter=RowsOfOnes, histograms_every=0)
    recorder.on_run_start(
        RunStart(TENSORS, LAYERS, np.zeros(0), 0, 0, 0, 1, 8, 8, (0.5, 0.5), lacks, seed=-1, threads=1, digest="")
    )
    for step in range(steps):
        recorder.on_step_end(StepEnd(step, 1, step, 1.0, 1.0, 0.0, 0.5, 1.0, 0.1, 8))
    recorder.on_run_end(RunEnd("completed", "", steps, "", 1.0))
    return recorder


def test_what_a_log_lacks_is_declared_and_no_column_of_it_is_there(tmp_path: Path) -> None:
    recorded(tmp_path / "run.h5")

    run = open_run(tmp_path / "run.h5")
    assert run.info.not_recorded == ("accuracy",)
    assert len(run) == 3
    assert not [name for name in run.columns.names if name.startswith(LOST)]
    assert run.tensors.loc[(0, "dense", "weights", "update"), "rate"] == 1
    assert np.isnan(run.tensors.loc[(0, "frozen", "weights", "gradient"), "norm"])


def test_rules_are_asked_of_the_layers_that_have_a_gradient(tmp_path: Path) -> None:
    recorder = recorded(tmp_path / "run.h5", steps=40)

    assert recorder.diagnosis is not None
    answers = {one.rule: one for one in recorder.diagnosis.checks}
    assert answers["frozen-layer"].outcome is RuleOutcome.PASSED
    assert answers["input-scale"].message == "not asked: no inputs in this run"
    assert not [one for one in recorder.diagnosis.checks if one.outcome is RuleOutcome.ERROR]


def test_the_live_view_shows_a_run_of_unknown_length_and_leaves_out_what_is_not_measured(tmp_path: Path) -> None:
    recorder = recorded(tmp_path / "run.h5")
    assert recorder.info is not None
    assert recorder.latest is not None
    model = LiveModel(recorder.info, "run")
    model.take(2, 1, recorder.latest)

    state = model.state(rate=5.0)
    frozen, dense = state.layers
    assert np.isnan([frozen.gradient, frozen.ratio, frozen.dead]).all()
    assert (dense.gradient, dense.ratio, dense.dead) == (1, 1, 1)
    assert (state.total, state.seconds_left) == (0, None)
    assert any(line.plain.endswith("step 3  5 steps/s") for line in lines(state, 100, 30))
