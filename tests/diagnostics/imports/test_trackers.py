"""What trackers and trainers leave behind besides one file: folders of a run, exports with a row a number, no steps."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, find_files, import_runs
from diagnostics.imports.counted_validations import with_validations_on_steps
from diagnostics.imports.metrics import LoggedMetrics, MetricSeries
from diagnostics.imports.same_step import without_same_step
from tests.helpers.tool_logs import PER_EPOCH, WRITERS, curve

TEN = ImportOptions(classes=10)
VERDICTS = [(200, Verdict.COLLAPSED), (None, Verdict.HEALTHY)]


def told(run):
    return " / ".join(run.info.environment["taken_as"])


@pytest.mark.parametrize("is_whole", [True, False])
def test_the_last_checkpoint_of_a_folder_of_the_trainer_is_its_run(tmp_path, is_whole):
    file, write = WRITERS["trainer state"]
    folder = tmp_path / "out"
    for steps in (50, 100, 300):
        (folder / f"checkpoint-{steps}").mkdir(parents=True)
        write(folder / f"checkpoint-{steps}" / file, curve(steps))
    (folder / "checkpoint-best").mkdir()
    if is_whole:
        shutil.copy(folder / "checkpoint-300" / file, folder / file)
    (folder / "config.json").write_text('{"loss": 1}')

    assert find_files([folder]) == ([folder], [])
    [run] = import_runs(folder, TEN)
    assert (run.name, len(run), run.verdict) == ("out", 60, Verdict.COLLAPSED)
    where = "trainer_state.json" if is_whole else "checkpoint-300/trainer_state.json"
    assert f"its history is that of {where}, the last one" in told(run)


def test_a_trainer_state_beside_logs_of_other_runs_is_one_of_them(tmp_path):
    file, write = WRITERS["trainer state"]
    write(tmp_path / file, curve())
    WRITERS["CSV"][1](tmp_path / "other.csv", curve())
    (tmp_path / "params.json").write_text('{"lr": [0.1]}')

    assert find_files([tmp_path]) == ([tmp_path / "other.csv", tmp_path / file], [])


@pytest.mark.parametrize(("dies_at", "verdict"), VERDICTS)
def test_the_epochs_of_allennlp_are_one_run(tmp_path, dies_at, verdict):
    for epoch, rows in curve(1200, dies_at).groupby("epoch"):
        numbers = {"training_loss": rows.loss.mean(), "training_accuracy": rows.accuracy.mean(), "best_epoch": 1,
                   "training_duration": "0:01:02", "validation_loss": 1.0, "epoch": epoch - 1}  # fmt: skip
        (tmp_path / f"metrics_epoch_{epoch - 1}.json").write_text(json.dumps(numbers))
    (tmp_path / "metrics.json").write_text(json.dumps(numbers))
    [run] = import_runs(tmp_path, ImportOptions(classes=10, steps_per_epoch=PER_EPOCH))

    assert run.verdict is verdict
    assert run.steps.index.tolist() == list(range(99, 1200, 100))
    assert len(run.validations) == 12
    with pytest.raises(LogError, match="holds the numbers of one epoch; name its folder"):
        import_runs(tmp_path / "metrics_epoch_3.json")


@pytest.mark.parametrize(
    "head",
    [
        "metric,variant,iter,value",
        "metric.name,context.subset,step,value",
        "metric,series,iteration,value",
        "metric,data,step,value",
    ],
)
@pytest.mark.parametrize(("dies_at", "verdict"), VERDICTS)
def test_rows_of_one_number_say_of_which_data_they_are(tmp_path, head, dies_at, verdict):
    run = curve(dies_at=dies_at)
    rows = [
        f"{name},{data},{row.step},{getattr(row, name)}"
        for name in ("loss", "accuracy")
        for data in ("train", "validation")
        for row in run[run.step % (1 if data == "train" else 50) == 0].itertuples()
    ]
    path = tmp_path / "scalars.csv"
    path.write_text("\n".join([head, *rows]))
    [read] = import_runs(path, TEN)

    assert (read.verdict, len(read), len(read.validations)) == (verdict, 300, 6)


@pytest.mark.parametrize(("dies_at", "verdict"), VERDICTS)
def test_values_that_mlflow_logged_without_a_step_follow_one_another(tmp_path, dies_at, verdict):
    run = curve(dies_at=dies_at)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "meta.yaml").write_text("")
    for name in ("loss", "accuracy"):
        lines = [f"{1700000000000 + k // 3} {value} 0\n" for k, value in enumerate(run[name])]
        (tmp_path / "metrics" / name).write_text("".join(lines))
    [read] = import_runs(tmp_path, TEN)

    assert read.verdict is verdict
    assert np.allclose(read.steps["loss"], run.loss)
    assert np.allclose(read.steps["accuracy"], run.accuracy)
    assert "its steps are left out, since all of them are 0" in told(read)


@pytest.mark.parametrize(("dies_at", "verdict"), VERDICTS)
def test_the_tables_of_dvclive_are_one_run(tmp_path, dies_at, verdict):
    run = curve(dies_at=dies_at)
    for name in ("loss", "acc"):
        file = tmp_path / "dvclive" / "plots" / "metrics" / "train" / f"{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        values = run.rename(columns={"accuracy": "acc"})[name]
        file.write_text(f"step\t{name}\n" + "".join(f"{step}\t{value}\n" for step, value in enumerate(values)))
    (tmp_path / "dvclive" / "metrics.json").write_text('{"step": 299, "train": {"loss": 0.1}}')
    [folder], _ = find_files([tmp_path])
    [read] = import_runs(folder, TEN)

    assert (read.name, read.verdict, len(read)) == ("dvclive", verdict, 300)
    assert np.allclose(read.steps["accuracy"], run.accuracy)


def same(count, step=0.0):
    return MetricSeries(np.full(count, step), np.full(count, np.nan), np.ones(count), np.arange(0.0, count))


def test_losses_of_one_step_with_a_validation_each_are_those_of_epochs():
    counted = without_same_step(LoggedMetrics({"loss": same(4), "val_loss": same(4), "lr": same(2)}))

    assert counted.series["loss"].epochs.tolist() == [1, 2, 3, 4]
    assert (counted.rows, list(counted.series)) == ("means", ["loss", "val_loss"])


@pytest.mark.parametrize(
    "series",
    [{"loss": same(1)}, {"loss": same(3), "lr": same(1, 7.0)}, {"loss": same(3, np.nan)}, {"val_loss": same(3)}, {}],
)
def test_other_steps_are_left_as_they_are(series):
    metrics = LoggedMetrics(series)

    assert without_same_step(metrics) is metrics


def counted(*steps):
    return MetricSeries(np.array(steps, np.float64), np.full(len(steps), np.nan), np.ones(len(steps)))


def test_validations_counted_by_epochs_stand_at_the_ends_of_epochs():
    training, validation = counted(*range(1, 401)), counted(0, 1, 2, 3, np.nan)
    metrics = LoggedMetrics({"train/loss": training, "val/loss": validation, "val/acc": validation})
    placed = with_validations_on_steps(metrics)

    for name in ("val/loss", "val/acc"):
        assert np.array_equal(placed.series[name].steps, [100, 200, 300, 400, np.nan], equal_nan=True)
    assert placed.series["train/loss"] is training
    assert placed.told == ("its 4 validations, counted by ones, are taken as those at the ends of 4 equal epochs",)


@pytest.mark.parametrize("steps", [(100, 200, 300, 400), (2, 3, 4), (0, 1), (0, 1, 2, 4), range(50), (0, np.nan, 1)])
def test_validations_counted_otherwise_are_left_where_they_are(steps):
    metrics = LoggedMetrics({"train/loss": counted(*range(401)), "val/loss": counted(*steps)})

    assert with_validations_on_steps(metrics) is metrics


def test_classes_are_guessed_from_a_validation_that_stands_still(tmp_path):
    history = []
    for n in range(1, 44):
        history += [{"step": 50 * n, "epoch": n / 3, "loss": 1.387 + 0.01 * (n % 4)}]
        history += [{"step": 50 * n, "epoch": n / 3, "eval_loss": 1.38629 + 1e-5 / n, "eval_accuracy": 0.27}]
    path = tmp_path / "trainer_state.json"
    path.write_text(json.dumps({"log_history": history}))
    [run] = import_runs(path)

    assert run.verdict is Verdict.NEVER_LEARNED
    assert "4 classes are guessed, since the loss of the validation stands still at ln 4" in told(run)
    learned = [{**one, "eval_loss": 1 / one["step"]} if "eval_loss" in one else one for one in history]
    path.write_text(json.dumps({"log_history": learned}))
    assert import_runs(path)[0].verdict is Verdict.UNDECIDED
