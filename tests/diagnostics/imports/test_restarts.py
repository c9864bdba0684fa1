"""Files whose steps go back: a second run, a resumed training, or rows out of order."""

from __future__ import annotations

import math
from pathlib import Path
from shutil import copy

import numpy as np
import pandas as pd
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.metrics import SeriesBuilder
from tests.helpers.tool_logs import PER_EPOCH, WRITERS, curve, write_csv, write_keras_progress

SAMPLES = Path(__file__).parent / "samples"
TEN = ImportOptions(classes=10, steps_per_epoch=PER_EPOCH)


def good(steps=300, seed=0):
    return curve(steps, None, seed=seed)


def dead(steps=300, seed=1):
    """A run that stays at guessing."""
    generator = np.random.default_rng(seed)
    loss = math.log(10) * (1 + 0.01 * generator.normal(size=steps))
    return good(steps).assign(loss=loss, accuracy=generator.binomial(128, 0.1, steps) / 128)


def told(run):
    return " / ".join(run.info.environment["taken_as"])


def of_file(frame, tmp_path, name="CSV"):
    file, write = WRITERS[name]
    return import_runs(write(tmp_path / file, frame), TEN)


def test_the_folds_of_a_cross_validation_are_runs(tmp_path):
    folds = 4 * [(1, 2.0), (2, 1.5), (3, 1.0)]
    path = tmp_path / "folds.csv"
    path.write_text("epoch,loss\n" + "".join(f"{epoch},{loss + n / 100}\n" for n, (epoch, loss) in enumerate(folds)))
    runs = import_runs(path)

    assert [len(run) for run in runs] == [3, 3, 3, 3]
    assert runs[1].steps["loss"].iloc[0] == pytest.approx(2.03)
    assert "the file holds 4 runs, one after the other" in told(runs[3])


@pytest.mark.parametrize("name", ["CSV", "JSON lines", "Parquet"])
@pytest.mark.parametrize("lengths", [(300, 240), (240, 300)])
def test_two_runs_of_one_file_are_judged_each_by_itself(name, lengths, tmp_path):
    first, second = of_file(pd.concat([good(lengths[0]), dead(lengths[1])]), tmp_path, name)

    assert (first.verdict, second.verdict) == (Verdict.HEALTHY, Verdict.NEVER_LEARNED)
    assert (len(first), len(second)) == lengths
    assert (first.name, second.name) == ("run-1", "run-2")
    assert f"the file holds 2 runs, one after the other, since its steps go back from {lengths[0] - 1} to 0" in told(
        first
    )
    assert "this is run 1" in told(first)
    assert "this is run 2" in told(second)


def test_the_line_in_which_a_run_begins_is_named(tmp_path):
    first, _ = of_file(pd.concat([good(300), dead(240)]), tmp_path)

    assert "go back from 299 to 0 at line 302" in told(first)
    assert (tmp_path / "run.csv").read_text().splitlines()[301].startswith("0,")


def test_two_runs_that_log_other_steps_are_told_apart(tmp_path):
    first, second = of_file(pd.concat([good(300)[::10], dead(300)[3::4]]), tmp_path)

    assert (len(first), len(second)) == (30, 75)
    assert second.verdict is Verdict.NEVER_LEARNED


def test_two_runs_that_count_the_steps_of_each_epoch_anew_are_told_apart(tmp_path):
    frame = pd.concat([good(300), dead(300)])
    frame["batch"] = frame.pop("step") % PER_EPOCH
    first, second = of_file(frame, tmp_path)

    assert (first.verdict, second.verdict) == (Verdict.HEALTHY, Verdict.NEVER_LEARNED)
    assert (len(first), len(second)) == (300, 300)


def test_two_runs_of_keras_csvlogger_are_told_apart(tmp_path):
    _, write = WRITERS["Keras CSVLogger"]
    rows = [pd.read_csv(write(tmp_path / "one.csv", one)) for one in (good(1000), dead(1000))]
    first, second = import_runs(write_csv(tmp_path / "both.csv", pd.concat(rows)), TEN)

    assert (first.verdict, second.verdict) == (Verdict.HEALTHY, Verdict.NEVER_LEARNED)
    assert "since its epochs go back from 9 to 0 at line 12" in told(first)


def test_two_runs_that_keras_printed_into_one_text_are_told_apart(tmp_path):
    texts = [write_keras_progress(tmp_path / "fit.txt", one).read_text() for one in (good(), dead())]
    (tmp_path / "fit.txt").write_text("".join(texts))
    first, second = import_runs(tmp_path / "fit.txt", TEN)

    assert (first.verdict, second.verdict) == (Verdict.HEALTHY, Verdict.NEVER_LEARNED)
    assert (first.name, second.name) == ("fit-1", "fit-2")


def test_two_runs_in_a_folder_of_mlflow_are_told_apart_by_their_times(tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "meta.yaml").write_text("run_id: 1\n")
    rows = pd.concat([good(200), dead(150)]).reset_index(drop=True)
    for name in ("loss", "accuracy"):
        lines = [f"{1_700_000_000_000 + place} {row[name]} {row.step:.0f}" for place, row in rows.iterrows()]
        (tmp_path / "metrics" / name).write_text("\n".join(lines))
    first, second = import_runs(tmp_path, TEN)

    assert [len(run) for run in (first, second)] == [200, 150]
    assert first.steps["accuracy"].iloc[-1] > 0.8
    assert second.steps["accuracy"].iloc[0] < 0.3
    assert f"at value {201} of loss" in told(first)


def test_each_run_keeps_its_own_validations(tmp_path):
    frame = pd.concat([good(300).assign(val_loss=0.2), dead(240).assign(val_loss=2.3)]).reset_index(drop=True)
    frame.loc[frame.step % PER_EPOCH != PER_EPOCH - 1, "val_loss"] = np.nan
    first, second = of_file(frame, tmp_path)

    assert first.validations["loss"].tolist() == pytest.approx([0.2, 0.2, 0.2])
    assert second.validations["loss"].tolist() == pytest.approx([2.3, 2.3])


def test_a_resumed_training_takes_the_later_rows_and_says_so(tmp_path):
    frame = pd.concat([good(220), good(300, seed=5)[200:]])
    [run] = of_file(frame, tmp_path)

    assert run.verdict is Verdict.HEALTHY
    assert run.steps.index.tolist() == list(range(300))
    assert np.allclose(run.steps["loss"].loc[200:], good(300, seed=5).loss[200:], rtol=1e-6)
    assert "its steps go back from 219 to 200 at line 222, as where a training was resumed" in told(run)
    assert "the later rows are taken, and 20 before them left out" in told(run)


def test_what_a_resumed_training_did_not_reach_again_is_left_out(tmp_path):
    [run] = of_file(pd.concat([curve(300, 150), good(250, seed=5)[100:]]), tmp_path)

    assert run.verdict is Verdict.HEALTHY
    assert len(run) == 250


def test_a_training_that_soon_began_again_is_one_run(tmp_path):
    [run] = of_file(pd.concat([dead(4), dead(3), good(300)]), tmp_path)

    assert (run.verdict, len(run)) == (Verdict.HEALTHY, 300)
    assert np.allclose(run.steps["loss"], good(300).loss, rtol=1e-6)


@pytest.mark.parametrize(
    "order",
    [
        np.random.default_rng(0).permutation(300),
        np.r_[100:200, 0:100, 200:300],
        np.r_[200:300, 0:200],
        np.r_[1, 0, 2:150, 151, 150, 152:300],
        np.r_[1:300, 0],
    ],
    ids=["shuffled", "parts", "later part first", "neighbours", "first row last"],
)
def test_rows_out_of_order_are_sorted(order, tmp_path):
    frame = curve(300, 200)
    [run] = of_file(frame.iloc[order], tmp_path)

    assert run.verdict is Verdict.COLLAPSED
    assert np.allclose(run.steps["loss"], frame.loss, rtol=1e-6)
    assert "rows repeat" not in told(run)
    assert "go back" not in told(run)


def test_rows_that_repeat_a_step_are_told(tmp_path):
    frame = good(300)
    [run] = of_file(frame.assign(step=frame.step // 2), tmp_path)

    assert len(run) == 150
    assert "150 of 300 rows repeat the step of another one; the last one of each is taken" in told(run)
    [last] = of_file(pd.concat([frame, frame[:3]]), tmp_path)
    assert len(last) == 300
    assert "3 of 303 rows repeat the step of another one" in told(last)


def test_two_runs_written_at_the_same_time_get_one_line_with_the_cure(tmp_path):
    late = dead(300)
    rows = pd.concat([good(300).assign(time=lambda f: f.step), late.assign(time=lambda f: f.step + 20.5)])
    with pytest.raises(LogError, match="two runs were written at the same time; put each run") as error:
        of_file(rows.sort_values("time").drop(columns="time"), tmp_path)

    assert str(error.value).startswith(f"{tmp_path / 'run.csv'}: line 23: its steps jump back and forth")
    assert "\n" not in str(error.value)


def test_places_are_those_of_the_file():
    builder = SeriesBuilder()
    for step in range(3):
        builder.add("loss", 1.0, step)
        builder.add("accuracy", 0.5, step)

    assert builder.build()["accuracy"].in_file.tolist() == [1, 3, 5]


def test_two_event_files_of_tensorboard_in_one_folder_are_two_runs(tmp_path):
    for number in (1, 2):
        copy(SAMPLES / "tensorboard-simple.tfevents", tmp_path / f"events.out.tfevents.{number}.host")
    runs = import_runs(tmp_path, TEN)

    assert [len(run) for run in runs] == [120, 120]
    assert "go back from 119 to 0 at value 121 of train/loss; this is run 2" in told(runs[1])
