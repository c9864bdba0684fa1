"""What a recorder measures, judges and logs of a training, which it does not change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogExistsError
from diagnostics.log.reader import open_run
from diagnostics.measure.tensors import exact_statistics
from diagnostics.record.recorder import Recorder
from diagnostics.schema.columns import KINDS
from diagnostics.schema.tables import BINS, EVENT_KINDS
from diagnostics.statistics.summarising import summarise
from lenet.errors import SettingsError
from lenet.hooks import Hook
from tests.helpers.rollback_trainings import turned_back
from tests.helpers.small_trainings import CtrlC, digits, small_model, train


class Copies(Hook):
    """Keeps plain copies of all that a step announces."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []

    def on_activations_ready(self, event: Any) -> None:
        outputs = {name: np.concatenate([np.array(x) for x in parts]) for name, parts in event.outputs.items()}
        self.steps.append({"outputs": outputs})

    def on_gradients_ready(self, event: Any) -> None:
        self.steps[-1] |= {"value": event.values.copy(), "gradient": event.gradients.copy(), "event": event}

    def on_update_done(self, event: Any) -> None:
        self.steps[-1]["update"] = event.values - self.steps[-1]["value"]


def test_every_row_says_what_a_plain_second_measurement_says(tmp_path: Path) -> None:
    copies, recorder = Copies(), Recorder(tmp_path / "run.h5")
    train([copies, recorder])

    run = open_run(tmp_path / "run.h5")

    tensors, steps = run.tensors, run.block(["loss", "accuracy", "learning_rate"])
    assert len(run) == len(copies.steps) == 26
    for step in (0, 7, 25):
        seen = copies.steps[step]
        expected = [seen["event"].loss, seen["event"].accuracy, seen["event"].learning_rate]
        np.testing.assert_allclose(steps[step], expected, rtol=1e-6)
        for tensor in run.info.tensors:
            for kind in KINDS:
                plain = exact_statistics(seen[kind][tensor.offset : tensor.offset + tensor.size])
                row = tensors.loc[(step, tensor.layer, tensor.tensor, kind)]
                np.testing.assert_allclose(row[:7], plain, rtol=1e-4, atol=1e-7)
        for layer in run.info.layers:
            outputs = seen["outputs"][layer.name]
            silent = ~outputs.reshape(-1, outputs.shape[-1]).any(axis=0)
            assert run.activations.loc[(step, layer.name), "dead_fraction"] == np.float32(silent.mean())


def test_ratio_is_the_norm_of_the_update_over_that_of_the_value(tmp_path: Path) -> None:
    train([Recorder(tmp_path / "run.h5")])

    norms = open_run(tmp_path / "run.h5").tensors

    updates = norms.xs("update", level="kind")
    values = norms.xs("value", level="kind")["norm"]
    expected = (updates["norm"] / values).where(values > 0)
    np.testing.assert_allclose(updates["ratio"], expected, rtol=1e-6)


def test_recording_changes_nothing_about_training(tmp_path: Path) -> None:
    alone = train([]).digest()

    model = small_model()
    watched = train([Recorder(tmp_path / "run.h5", model=model, checkpoint_every=5)], model).digest()
    in_memory = train([Recorder()]).digest()

    assert watched == alone == in_memory


def test_the_answer_while_training_is_the_answer_from_the_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.h5")
    train([recorder], epochs=6)

    assert recorder.diagnosis is not None
    assert open_run(tmp_path / "run.h5").diagnosis.to_json() == recorder.diagnosis.to_json()


def test_without_a_path_it_measures_and_judges_only() -> None:
    recorder = Recorder()

    train([recorder])

    assert recorder.path is None
    assert recorder.step == 25
    assert recorder.latest is not None
    assert recorder.latest.dtype == np.float32
    assert recorder.cost > 0
    assert recorder.diagnosis is not None


def test_epochs_validations_and_the_end_are_recorded(tmp_path: Path) -> None:
    train([Recorder(tmp_path / "run.h5")])

    run = open_run(tmp_path / "run.h5")

    assert run.status == "completed"
    assert run.epochs["last_step"].tolist() == [12, 25]
    assert run.epochs["validation_accuracy"].between(0, 1).all()
    assert run.events["event"].tolist()[-1] == "end"
    assert (run.events["event"] == "validation").sum() == 2


def test_a_validation_after_the_run_reaches_no_log_that_is_closed_and_harms_none(tmp_path: Path) -> None:
    path, model = tmp_path / "run.h5", small_model()
    recorder = Recorder(path)
    train([recorder], model=model)
    before, diagnosis = path.read_bytes(), recorder.diagnosis
    model.validate(digits(10), print_every=0)

    assert path.read_bytes() == before
    assert recorder.diagnosis is diagnosis


def test_every_kind_of_event_is_written(tmp_path: Path) -> None:
    model = small_model(lr=60.0)
    with pytest.raises(KeyboardInterrupt):
        train([Recorder(tmp_path / "dead.h5", model=model, checkpoint_every=20), CtrlC(45)], model, epochs=4)
    model = small_model(lr=60.0)
    recorder = Recorder(tmp_path / "dead.h5", model=model)
    recorder.resume(model)
    train([recorder], model, epochs=4)
    turned_back(tmp_path / "back.h5")
    names = ("dead.before-resume-1.h5", "dead.h5", "back.h5")

    assert {kind for name in names for kind in open_run(tmp_path / name).events["event"]} == set(EVENT_KINDS)


def test_an_event_says_when_a_run_has_learned(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.h5", histograms_every=1000)
    train([recorder], small_model(lr=0.3), epochs=30)

    run = open_run(tmp_path / "run.h5")
    verdicts = run.events.query("event == 'verdict'")

    assert run.verdict is Verdict.HEALTHY
    assert recorder.detector is not None
    learned = recorder.detector.symptoms.first_learned
    assert verdicts["message"].tolist() == [f"learned at step {learned}", "verdict at the end: healthy"]
    assert not run.snapshots.extra[run.snapshots.steps == learned].any()


def test_the_header_says_what_was_trained_with_what(tmp_path: Path) -> None:
    model = train([Recorder(tmp_path / "run.h5", settings={"lr": 0.1}, environment={"data_checksum": "abc"})])

    header = open_run(tmp_path / "run.h5").header

    assert header.info.settings == {"lr": 0.1}
    assert header.info.environment["data_checksum"] == "abc"
    assert {"python", "numpy", "h5py", "threads", "pid", "machine"} <= set(header.info.environment)
    assert header.digest_end == model.digest() != header.digest_start
    assert header.seconds > header.cost_seconds > 0


def test_rows_every_k_steps_are_the_rows_of_the_whole_log(tmp_path: Path) -> None:
    train([Recorder(tmp_path / "all.h5")])
    train([Recorder(tmp_path / "some.h5", log_every=5)])

    every, some = open_run(tmp_path / "all.h5"), open_run(tmp_path / "some.h5")

    assert some.index["step"].tolist() == [0, 5, 10, 15, 20, 25]
    np.testing.assert_array_equal(some.tensors.to_numpy(), every.tensors.loc[some.index["step"].tolist()].to_numpy())


def test_snapshots_hold_histograms_silent_units_and_kernels(tmp_path: Path) -> None:
    copies = Copies()
    train([copies, Recorder(tmp_path / "run.h5", histograms_every=10, detector=False)])

    run = open_run(tmp_path / "run.h5")

    snapshots = run.snapshots
    assert snapshots.steps.tolist() == [0, 10, 20]
    first = run.info.tensors[0]
    weights = copies.steps[10]["value"][: first.size]
    histogram = snapshots.histogram("conv1", "weights", "value")
    assert histogram.counts[1].sum() == first.size
    assert histogram.counts.shape == (3, BINS)
    assert (histogram.low[1], histogram.high[1]) == (weights.min(), weights.max())
    np.testing.assert_array_equal(snapshots.kernels[1].ravel(), weights)
    outputs = copies.steps[20]["outputs"]["dense1"]
    np.testing.assert_array_equal(snapshots.silent("dense1")[2], ~outputs.any(axis=0))


def test_a_rule_that_fires_brings_snapshots_of_the_next_steps(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.h5", histograms_every=1000)
    train([recorder], small_model(lr=60.0), epochs=4)

    run = open_run(tmp_path / "run.h5")

    fired = run.events.query("event in ('rule', 'verdict') and severity != 'info'")["step"].iloc[0]
    assert {fired + 1, fired + 2, fired + 3} <= set(run.snapshots.steps)
    assert run.snapshots.extra[run.snapshots.steps == fired + 1].all()


def test_a_confirmed_defect_stops_training_with_on_defect_stop(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.h5", on_defect="stop")

    train([recorder], small_model(lr=1e20), epochs=20)

    run = open_run(tmp_path / "run.h5")
    assert run.status == "stopped"
    assert run.verdict is Verdict.DIVERGED
    assert len(run) < 20 * 13
    assert "confirmed" in run.events["message"].iloc[-1]


def test_dead_fraction_over_the_window_counts_units_silent_at_each_of_its_steps(tmp_path: Path) -> None:
    train([Recorder(tmp_path / "run.h5")], small_model(lr=5.0), epochs=16)

    activations = open_run(tmp_path / "run.h5").activations
    dead = activations["dead_window_fraction"].unstack("layer").drop(columns="input")
    silent = activations["dead_fraction"].unstack("layer").drop(columns="input")
    window = 160

    assert dead.iloc[: window - 1].isna().all().all()
    assert dead.iloc[window - 1 :].notna().all().all()
    assert (dead.iloc[window - 1 :] <= silent.rolling(window).min().iloc[window - 1 :]).all().all()


@pytest.mark.parametrize(("name", "value"), [("log_every", 0), ("histograms_every", -1), ("checkpoint_every", 5)])
def test_impossible_arguments_are_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=r"expected|need"):
        Recorder(**{name: value})


def test_a_run_counts_all_its_steps_where_every_fifth_is_logged(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.h5", log_every=5)
    train([recorder], batch_size=17)
    run = open_run(tmp_path / "run.h5")
    summary = summarise(run)

    assert int(run.steps.index[-1]) < 23
    assert recorder.diagnosis is not None
    assert (recorder.diagnosis.steps, run.diagnosis.steps, summary.steps) == (24, 24, 24)
    assert not summary.is_cut_short


def test_a_recorder_may_be_used_again_and_begins_anew(tmp_path: Path) -> None:
    model = small_model()
    recorder = Recorder(tmp_path / "run.h5", overwrite=True, model=model, checkpoint_every=7)
    train([recorder], model)
    first = open_run(tmp_path / "run.h5")
    cost = recorder.cost

    train([recorder], model)

    again = open_run(tmp_path / "run.h5")
    assert again.checkpoints["step"].tolist() == first.checkpoints["step"].tolist() == [0, 7, 14, 21]
    assert again.snapshots.steps.tolist() == first.snapshots.steps.tolist()
    assert sorted(p.suffix for p in (tmp_path / "run.checkpoints").iterdir()) != []
    assert 0 < recorder.cost < 10 * cost
    assert recorder.step == 25


def test_a_second_training_that_cannot_begin_does_not_end_the_log_of_the_first(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.h5")
    train([recorder])

    with pytest.raises(LogExistsError, match="exists already"):
        train([recorder])

    assert recorder.diagnosis is None
    assert open_run(tmp_path / "run.h5").status == "completed"


def test_settings_of_any_kind_can_be_read_again(tmp_path: Path) -> None:
    mine = {"layers": [64, 32], "lr": np.float32(0.5), "seed": np.int64(3), "half": True, "plan": {"a": Path("b")}}
    train([Recorder(tmp_path / "run.h5", settings=mine)])

    settings = open_run(tmp_path / "run.h5").info.settings

    assert settings == {"layers": "[64, 32]", "lr": 0.5, "seed": 3, "half": True, "plan": '{"a": "b"}'}


def test_a_setting_of_the_command_line_with_an_impossible_value_is_refused_before_training() -> None:
    with pytest.raises(SettingsError, match=r"settings: received '0.1 at first' for lr"):
        Recorder(settings={"lr": "0.1 at first"})
    with pytest.raises(SettingsError, match=r"settings: received 'lr=0.1', expected a dictionary"):
        Recorder(settings="lr=0.1")  # type: ignore[arg-type]
