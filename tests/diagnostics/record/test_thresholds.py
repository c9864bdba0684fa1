"""Thresholds and the window W: one of each for meter, detector and log, live and from the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.findings import Verdict
from diagnostics.detect.recorded import diagnose
from diagnostics.detect.thresholds import Thresholds
from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from diagnostics.statistics.summarising import summarise
from tests.helpers.command_line import typed
from tests.helpers.small_models import Call, raising
from tests.helpers.small_trainings import small_model, train

SHORT = DEFAULT_THRESHOLDS.changed({"verdict.window_steps": 6, "verdict.window_samples": 90})
"""W is 6 steps at the batch size 16 of the small trainings, where the default is 160."""


def recorded(path: Path, detector: bool | Thresholds, lr: float = 0.3, epochs: int = 10) -> Recorder:
    recorder = Recorder(path, detector=detector, histograms_every=0)
    train([recorder], small_model(lr=lr), epochs=epochs)
    return recorder


def test_a_run_judged_live_by_other_thresholds_is_judged_by_them_when_it_is_opened(tmp_path: Path) -> None:
    recorder = recorded(tmp_path / "run.h5", SHORT)

    run = open_run(tmp_path / "run.h5")

    assert recorder.diagnosis is not None
    assert run.diagnosis.to_json() == recorder.diagnosis.to_json()
    assert json.dumps(run.diagnosis.to_json()) == json.dumps(recorder.diagnosis.to_json())
    assert run.verdict is Verdict.HEALTHY
    assert diagnose(run, DEFAULT_THRESHOLDS).verdict is Verdict.UNDECIDED
    assert run.notes == ()


def test_meter_detector_and_log_have_the_same_window(tmp_path: Path) -> None:
    recorder = recorded(tmp_path / "run.h5", SHORT, lr=5.0)

    run = open_run(tmp_path / "run.h5")

    assert recorder.detector is not None
    assert recorder.detector.symptoms.window == run.info.window == 6
    activations = run.activations.drop("input", level="layer")
    dead = activations["dead_window_fraction"].unstack("layer")
    assert dead.iloc[:5].isna().all(axis=None)
    assert dead.iloc[5:].notna().all(axis=None)
    all_silent = activations["dead_fraction"].unstack("layer") == 1
    throughout = all_silent.rolling(6).min() == 1
    assert throughout.to_numpy().any()
    np.testing.assert_array_equal(dead.iloc[5:] == 1, throughout.iloc[5:])


def test_that_a_dead_run_cannot_learn_is_proven_within_the_window_that_was_set(tmp_path: Path) -> None:
    patient = SHORT.changed({"verdict.patience": 120})
    recorded(tmp_path / "run.h5", patient, lr=5.0)
    run = open_run(tmp_path / "run.h5")
    dead = run.activations["dead_fraction"].unstack("layer")[["conv1", "dense1"]].eq(1).any(axis=1)
    first = int(dead.idxmax())
    assert dead.loc[first:].all()

    longer = patient.changed({"verdict.window_steps": 20})

    assert run.diagnosis.confirmed == first + 6 - 1
    assert diagnose(run, longer).confirmed == first + 20 - 1


def test_a_recorder_that_does_not_judge_keeps_no_thresholds(tmp_path: Path) -> None:
    recorder = recorded(tmp_path / "run.h5", False)

    run = open_run(tmp_path / "run.h5")

    assert recorder.diagnosis is None
    assert (run.info.thresholds, run.info.window) == ({}, 160)
    assert run.diagnosis.changed_limits == {}


def test_the_log_keeps_every_threshold_and_their_defaults_are_no_change(tmp_path: Path) -> None:
    recorded(tmp_path / "run.h5", True)

    run = open_run(tmp_path / "run.h5")

    assert run.info.thresholds == dict(DEFAULT_THRESHOLDS)
    assert run.diagnosis.limits == dict(DEFAULT_THRESHOLDS)
    assert run.diagnosis.changed_limits == {}


@pytest.mark.parametrize("again", [True, SHORT.changed({"verdict.patience": 50})], ids=["as before", "others"])
def test_a_resumed_run_is_judged_by_the_thresholds_of_its_log_unless_told_otherwise(
    tmp_path: Path, again: bool | Thresholds
) -> None:
    model = small_model()
    first = Recorder(tmp_path / "run.h5", detector=SHORT, model=model, checkpoint_every=5)
    with pytest.raises(KeyboardInterrupt):
        train([first, Call("on_step_end", raising(KeyboardInterrupt()), 12)], model)

    model = small_model()
    second = Recorder(tmp_path / "run.h5", detector=again, model=model)
    second.resume(model)
    train([second], model, epochs=2)

    run = open_run(tmp_path / "run.h5")
    assert second.diagnosis is not None
    assert run.info.window == 6
    assert run.info.thresholds == dict(SHORT if again is True else again)
    assert run.diagnosis.to_json() == second.diagnosis.to_json()


@pytest.mark.usefixtures("no_pictures")
def test_every_reader_says_that_the_limits_are_not_the_defaults(tmp_path: Path) -> None:
    recorded(tmp_path / "run.h5", SHORT)
    log = str(tmp_path / "run.h5")
    changed = "verdict.window_steps 6 (default 20)"

    told = typed("diagnose", log).output
    as_json = json.loads(typed("diagnose", "--json", log).output)
    counted = typed("stats", log).output
    typed("report", log, "-o", tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text()

    assert changed in " ".join(told.split())
    assert as_json[0]["changed_limits"]["verdict.window_steps"] == {"value": 6, "default": 20}
    assert "1 run judged by limits that are not the defaults" in counted
    assert "verdict.window_steps" in counted
    assert "Limits (2 changed)" in page
    assert summarise(open_run(log)).changed_limits["verdict.window_samples"] == (90, 2560)


def test_other_limits_are_used_where_the_reader_is_told(tmp_path: Path) -> None:
    recorded(tmp_path / "run.h5", SHORT)
    (tmp_path / "limits.toml").write_text("[verdict]\nwindow_steps = 20\n")

    asked = ["diagnose", "--json", "--limits", str(tmp_path / "limits.toml"), str(tmp_path / "run.h5")]
    told = json.loads(typed(*asked).output)[0]

    assert told["verdict"] == "undecided"
    assert told["changed_limits"] == {}
    assert told["limits"]["verdict.window_samples"] == 2560
