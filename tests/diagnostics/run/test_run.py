"""A run as frames: its tensors, activations, steps, epochs and events."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from diagnostics.detect.findings import Diagnosis, Stretch, Verdict
from diagnostics.run.run import Run
from diagnostics.run.source import MemorySource, index_rows
from diagnostics.schema.header import Header
from diagnostics.schema.tables import COUNTS, KERNELS, RANGES, SILENT, SNAPSHOTS
from tests.helpers.small_runs import numbered_run, small_info


def test_a_run_in_memory_needs_no_h5py() -> None:
    code = "import sys, diagnostics.run.run; sys.exit('h5py' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tensors_have_one_row_for_each_step_layer_tensor_and_kind() -> None:
    run = numbered_run()

    frame = run.tensors

    assert frame.index.names == ["step", "layer", "tensor", "kind"]
    assert len(frame) == 30 * 6 * 3
    place = run.columns.tensor("dense1", "biases", "gradient", "norm")
    assert frame.loc[(17, "dense1", "biases", "gradient"), "norm"] == 17_000 + place


def test_ratio_stands_on_the_rows_of_updates_only() -> None:
    ratio = numbered_run().tensors["ratio"].unstack("kind")

    assert ratio["value"].isna().all()
    assert ratio["gradient"].isna().all()
    assert ratio["update"].notna().all()


def test_part_of_the_tensors_equals_the_same_part_of_the_whole_frame() -> None:
    run = numbered_run()

    part = run.tensor_frame(["norm"], kind="update", layer="dense2")

    whole = run.tensors.query("kind == 'update' and layer == 'dense2'")[["norm"]]
    np.testing.assert_array_equal(part.to_numpy(), whole.to_numpy())
    assert list(part.index) == list(whole.index)


def test_activations_have_one_row_for_each_step_and_layer_input_first() -> None:
    run = numbered_run()

    frame = run.activations

    assert list(frame.loc[3].index) == ["input", "conv1", "dense1", "dense2"]
    place = run.columns.activation("dense1", "dead_fraction")
    assert frame.loc[(3, "dense1"), "dead_fraction"] == 3000 + place


def test_a_range_of_steps_includes_both_ends() -> None:
    run = numbered_run()

    part = run.between(5, 9)

    assert list(part.index["step"]) == [5, 6, 7, 8, 9]
    assert part.block(["loss"]).ravel().tolist() == [5000, 6000, 7000, 8000, 9000]
    assert list(part.between(8, 20).index["step"]) == [8, 9]
    assert list(part.tensors.index.unique("step")) == [5, 6, 7, 8, 9]


def test_parts_together_are_the_run() -> None:
    run = numbered_run()

    blocks = [part.block() for part in run.parts(7)]

    assert [len(b) for b in blocks] == [7, 7, 7, 7, 2]
    np.testing.assert_array_equal(np.concatenate(blocks), run.block())


def test_rows_come_one_by_one_with_step_and_epoch() -> None:
    rows = list(numbered_run().rows())

    assert [(s, e) for s, e, _ in rows[9:11]] == [(9, 1), (10, 2)]
    assert rows[11][2][0] == 11_000


def test_rows_may_be_sparse() -> None:
    info = small_info()
    values = np.zeros((3, len(info.columns)), np.float32)
    values[:, 0] = [1, 2, 3]

    run = Run.from_rows(info, [0, 10, 20], [1, 2, 3], values)

    assert run.block(["loss"], first=5, last=20).ravel().tolist() == [2, 3]


def test_steps_say_which_are_defect_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    run = numbered_run()
    stretches = (Stretch(Verdict.COLLAPSED, 4, 6, recovery=7), Stretch(Verdict.COLLAPSED, 28, 29))
    diagnosis = Diagnosis("run", Verdict.COLLAPSED, 30, stretches=stretches)
    monkeypatch.setattr("diagnostics.run.run.diagnose", lambda run: diagnosis)

    steps = run.steps

    assert list(steps.index[steps["defect"]]) == [4, 5, 6, 28, 29]
    assert steps["epoch"].dtype == np.int64
    assert steps.loc[3, "loss"] == 3000
    assert run.between(28, 29).steps["defect"].all()


def test_epochs_are_joined_with_the_validation_that_followed() -> None:
    run = numbered_run(
        epoch_rows=[{"epoch": 1, "loss": 0.5, "accuracy": 0.8}, {"epoch": 2, "loss": 0.25, "accuracy": 0.9}],
        validations=[{"epoch": 2, "loss": 0.3, "accuracy": 0.85}, {"epoch": -1, "accuracy": 0.9}],
    )

    epochs = run.epochs

    assert epochs["accuracy"].tolist() == [0.8, 0.9]
    assert np.isnan(epochs.loc[1, "validation_accuracy"])
    assert epochs.loc[2, "validation_accuracy"] == 0.85
    assert len(run.validations) == 2


def test_events_are_decoded_to_text() -> None:
    events = numbered_run(events=[{"step": 3, "event": "rule", "message": "größer"}]).events

    assert events.loc[0, "message"] == "größer"
    assert "crc" not in events


def test_values_of_the_wrong_width_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        Run.from_rows(small_info(), [0], [1], np.zeros((1, 3), np.float32))


def test_config_is_the_settings_or_else_the_description() -> None:
    assert numbered_run().config["learning_rate"] == 0.5
    assert numbered_run(small_info(settings={"lr": 0.1})).config["lr"] == 0.1


def test_snapshots_give_histograms_silent_units_and_kernels() -> None:
    info = small_info()
    counts = np.zeros((2, 3, 6, 32), np.uint32)
    counts[1, 0, 2, 16:] = 1
    ranges = np.zeros((2, 3, 6, 2), np.float32)
    ranges[1, 0, 2] = -1, 1
    silent = np.zeros((2, 10), np.uint8)
    silent[1, 3] = 1
    index = np.zeros(2, SNAPSHOTS.dtype)
    index["step"] = 0, 25
    arrays = {COUNTS.path: counts, RANGES.path: ranges, SILENT.path: silent}
    arrays[KERNELS.path] = np.arange(36, dtype=np.float32).reshape(2, 18)
    source = MemorySource(Header(info), index_rows([], []), np.zeros((0, len(info.columns)), np.float32))
    source.tables, source.arrays = {SNAPSHOTS.path: index}, arrays

    snapshots = Run(source, "x").snapshots

    histogram = snapshots.histogram("dense1", "weights", "value")
    np.testing.assert_allclose(histogram.quantiles((0.0, 0.5, 1.0))[1], [0.0, 0.5, 1.0], atol=0.07)
    assert np.isnan(histogram.quantiles((0.5,))[0, 0])
    assert snapshots.silent("dense1").tolist() == [[False] * 5, [False, True, False, False, False]]
    assert snapshots.kernels.shape == (2, 3, 3, 1, 2)
    with pytest.raises(KeyError, match="expected one of conv1"):
        snapshots.silent("conv9")
