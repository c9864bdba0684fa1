"""From metrics to a run: names, resolution, what is assumed, and that nothing is guessed in silence."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError, LogExistsError
from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.columns import MetricMeaning, meaning_of
from diagnostics.imports.metrics import MetricSeries
from diagnostics.imports.resolution import are_running_means, ordinal, resolution_words, taken_apart
from diagnostics.log.reader import open_run
from diagnostics.statistics.arms import group_runs
from diagnostics.statistics.summarising import summarise
from reports.text.diagnosis import verdict_sentence
from tests.helpers.imported_runs import TEN, imported, told
from tests.helpers.tool_logs import PER_EPOCH, curve, running, write_csv


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("loss", MetricMeaning("loss")),
        ("train_loss", MetricMeaning("loss")),
        ("train/loss", MetricMeaning("loss")),
        ("Loss/train", MetricMeaning("loss")),
        ("train_loss_step", MetricMeaning("loss", over="step")),
        ("train_loss_epoch", MetricMeaning("loss", over="epoch")),
        ("acc", MetricMeaning("accuracy")),
        ("sparse_categorical_accuracy", MetricMeaning("accuracy")),
        ("lr", MetricMeaning("learning_rate")),
        ("lr-SGD", MetricMeaning("learning_rate")),
        ("val_loss", MetricMeaning("loss", data="validation")),
        ("eval/accuracy", MetricMeaning("accuracy", data="validation")),
        ("grad_conv1", MetricMeaning("gradient", "conv1")),
        ("conv1/grad_norm", MetricMeaning("gradient", "conv1")),
        ("grad_norm/fc.0", MetricMeaning("gradient", "fc.0")),
        ("wnorm_fc2", MetricMeaning("value", "fc2")),
        ("dead_relu1", MetricMeaning("dead", "relu1")),
        ("grad_norm/0", MetricMeaning("gradient", "0")),
        ("grad_2.0_norm/conv1.weight", MetricMeaning("gradient", "conv1.weight")),
        ("conv1/update_ratio", MetricMeaning("ratio", "conv1")),
        ("metrics/accuracy_top1", MetricMeaning("accuracy", data="validation")),
        ("lr/pg0", MetricMeaning("learning_rate")),
        ("epoch_loss", MetricMeaning("loss", over="epoch")),
        ("epoch_val_loss", MetricMeaning("loss", data="validation", over="epoch")),
        ("accuracy_top-1", MetricMeaning("accuracy")),
        ("Val. Loss", MetricMeaning("loss", data="validation")),
        ("step_time", MetricMeaning("seconds")),
        ("train/grad_norm", None),
        ("grad_2.0_norm_total", None),
        ("weight_decay", None),
        ("gradient_penalty", None),
        ("clip_ratio", None),
        ("metrics/mAP50(B)", None),
        ("box_loss", None),
        ("grad_norm", None),
        ("perplexity", None),
    ],
)
def test_the_usual_names_are_known(name, meaning):
    assert meaning_of(name) == meaning


def test_a_column_of_any_name_can_be_chosen(tmp_path):
    frame = curve().rename(columns={"loss": "my cost", "accuracy": "hits"})
    options = ImportOptions(classes=10, columns={"loss": "my cost", "accuracy": "hits"})

    assert imported(tmp_path, frame, options).verdict is Verdict.COLLAPSED
    with pytest.raises(LogError, match="found no cost; found hits, my cost"):
        imported(tmp_path, frame, ImportOptions(columns={"loss": "cost"}))
    with pytest.raises(LogError, match="speed is not known; known are loss"):
        imported(tmp_path, frame, ImportOptions(columns={"speed": "hits"}))


@pytest.mark.parametrize("every", [2, 10, 25])
def test_a_thinned_log_says_so_and_between_which_steps_the_onset_lies(every, tmp_path):
    run = imported(tmp_path, curve(400, 250)[::every])
    [stretch] = run.diagnosis.stretches

    assert f"every {ordinal(every)} step" in run.info.environment["resolution"]
    assert stretch.onset_between is not None
    assert stretch.onset_between[0] <= 253 <= stretch.onset_between[1] + 1


def test_random_rows_say_so(tmp_path):
    run = imported(tmp_path, curve(600, 400).sample(200, random_state=1))

    assert "at irregular distances" in run.info.environment["resolution"]
    assert run.verdict is Verdict.COLLAPSED


@pytest.mark.parametrize("every", [1, 10])
def test_running_means_of_the_epoch_are_recognised_and_taken_apart(every, tmp_path):
    means = running(curve(400, 250))
    run = imported(tmp_path, means[means.batch % every == every - 1])
    [stretch] = run.diagnosis.stretches
    first, last = stretch.onset_between or (stretch.onset, stretch.onset)

    assert "running means of the epoch, which were taken apart" in told(run)
    assert first <= 253 <= last + 1


@given(st.integers(0, 10_000), st.sampled_from([1, 2, 5, 10]), st.sampled_from([None, 150]))
def test_values_of_single_steps_are_never_taken_for_running_means(seed, every, dies_at):
    rows = curve(300, dies_at, seed=seed)[::every]
    steps, epochs = rows.step.to_numpy(float), rows.epoch.to_numpy(float)
    loss, accuracy = (MetricSeries(steps, epochs, rows[name].to_numpy()) for name in ("loss", "accuracy"))

    assert not are_running_means(loss, accuracy, PER_EPOCH)


def test_losses_that_hardly_differ_are_not_taken_for_running_means():
    step = np.arange(140.0)  # 14 rows an epoch of a language model, whose noise would not show taken apart
    loss = 5 + 2.6 * np.exp(-step / 6) + 0.09 * np.random.default_rng(0).normal(size=140)

    assert not are_running_means(MetricSeries(200 * step, 1 + step // 14, loss), None, 2800)


@given(st.lists(st.floats(0, 5), min_size=2, max_size=60), st.integers(1, 20))
def test_what_is_taken_apart_gives_the_means_between_the_rows(values, every):
    numbers = np.array(values)
    means = numbers.cumsum() / np.arange(1, len(numbers) + 1)
    kept = np.arange(len(numbers))[every - 1 :: every]
    parts = taken_apart(MetricSeries(kept.astype(float), np.ones(len(kept)), means[kept]), None).values
    expected = [numbers[end - every + 1 : end + 1].mean() for end in kept]

    assert np.allclose(parts, expected, atol=1e-9)


def test_epochs_without_a_number_of_steps_count_as_steps_and_say_so(tmp_path):
    means = curve(300, None).groupby("epoch", as_index=False)[["loss", "accuracy"]].mean()
    run = imported(tmp_path, means)

    assert run.verdict is Verdict.UNDECIDED
    assert "say them with --steps-per-epoch" in told(run)
    known = imported(tmp_path, means, ImportOptions(classes=10, steps_per_epoch=PER_EPOCH))
    assert known.verdict is Verdict.HEALTHY
    assert known.info.environment["resolution"].startswith("means over 100 steps each")


def test_a_last_epoch_that_is_worse_is_not_called_as_high_as_guessing(tmp_path):
    rows = pd.DataFrame({"epoch": range(4), "loss": [1.5, 0.4, 0.2, 0.9], "accuracy": [0.5, 0.9, 0.95, 0.8]})
    run = imported(tmp_path, rows, ImportOptions(classes=10, steps_per_epoch=PER_EPOCH))
    [finding] = [one for one in run.findings if one.rule == "undecided"]

    assert finding.message == "its last row, a mean over many steps, has a loss of 0.9, clearly above the one before"


def test_epochs_are_not_called_steps(tmp_path):
    rows = pd.DataFrame({"epoch": range(20), "loss": math.log(10), "accuracy": 0.1})
    run = imported(tmp_path, rows)
    [finding] = [one for one in run.findings if one.rule == "undecided"]

    assert "it made 20 epochs, whose number of steps the file does not say" in finding.message
    assert finding.message.endswith("say how many steps an epoch has with --steps-per-epoch")
    assert "After 20 epochs" in verdict_sentence(run)
    assert imported(tmp_path, rows, ImportOptions(classes=10, steps_per_epoch=PER_EPOCH)).verdict.is_dead
    short = imported(tmp_path, curve(10, None)[["step", "loss", "accuracy"]])
    [finding] = [one for one in short.findings if one.rule == "undecided"]
    assert "it made 10 of the 20 steps that are needed" in finding.message


def test_losses_only_without_a_number_of_classes_cannot_be_judged(tmp_path):
    run = imported(tmp_path, curve()[["step", "loss"]], ImportOptions())
    [finding] = [one for one in run.findings if one.rule == "undecided"]

    assert run.verdict is Verdict.UNDECIDED
    assert "cannot be judged: losses only, no number of classes" in finding.message
    assert imported(tmp_path, curve()[["step", "loss"]]).verdict is Verdict.COLLAPSED


def test_a_loss_that_became_not_finite_is_a_divergence_even_where_the_cell_is_empty(tmp_path):
    frame = curve(dies_at=None)
    frame.loc[frame.step >= 120, "loss"] = math.nan  # to_csv writes an empty cell
    run = imported(tmp_path, frame)
    text = frame.assign(loss=frame["loss"].map(lambda value: "nan" if math.isnan(value) else value))

    assert run.verdict is Verdict.DIVERGED
    assert run.diagnosis.onset == 120
    assert imported(tmp_path, text).diagnosis.onset == 120


def test_a_loss_that_was_never_finite_is_a_divergence_where_all_its_cells_are_empty(tmp_path):
    for name in ("loss", "train_loss"):
        run = imported(tmp_path, curve().rename(columns={"loss": name}).assign(**{name: math.nan, "val_loss": 2.3}))

        assert (run.verdict, run.diagnosis.onset) == (Verdict.DIVERGED, 0)
        assert "its losses, all empty or nan, are taken as not finite" in told(run)


def test_layers_are_read_and_their_rules_asked_while_others_say_what_they_miss(tmp_path):
    frame = curve(300, 200)
    frame["grad_conv1"], frame["grad_fc"] = np.where(frame.step < 200, 1.0, 0.0), 1.0
    frame["dead_conv1"] = np.where(frame.step < 200, 0.1, 1.0)
    run = imported(tmp_path, frame)

    assert run.columns.tensors == (("conv1", "weights"), ("fc", "weights"))
    assert run.diagnosis.blow is not None
    assert (run.diagnosis.blow.rule, run.diagnosis.blow.layer) == ("dead-units", "conv1")
    assert any("in this run" in check.message for check in run.diagnosis.checks)
    assert not any(check.outcome == "error" for check in run.diagnosis.checks)


def test_no_rule_fails_where_nothing_is_recorded_of_layers(tmp_path):
    for frame in (curve(), curve(dies_at=None), curve()[::10], curve()[["loss"]]):
        checks = imported(tmp_path, frame).diagnosis.checks
        assert [check.message for check in checks if check.outcome == "error"] == []


def test_an_imported_run_is_saved_as_a_log_and_is_the_same_run(tmp_path):
    frame = curve(300, 200)[::5]
    frame["grad_fc"], frame["lr"] = 1.0, 0.5
    for number, one in enumerate((frame, frame[["step", "loss"]])):
        run = imported(tmp_path, one)
        again = open_run(run.save(tmp_path / f"saved{number}.h5"))

        assert not again.notes
        pd.testing.assert_frame_equal(again.steps.drop(columns="wall"), run.steps.drop(columns="wall"))
        assert again.diagnosis.to_json() == {**run.diagnosis.to_json(), "run": again.name}
        assert again.info.environment == run.info.environment
        with pytest.raises(LogExistsError):
            run.save(tmp_path / f"saved{number}.h5")


def test_runs_of_different_learning_rates_are_no_arm_and_no_seed_is_invented(tmp_path):
    runs = [imported(tmp_path, curve(seed=i).assign(lr=rate), name=f"run{i}") for i, rate in enumerate((0.1, 0.1, 0.5))]
    summaries = [summarise(run) for run in runs]

    assert [len(group.runs) for group in group_runs(summaries)] == [2, 1]
    assert [summary.seed for summary in summaries] == [None] * 3
    assert [summary.threads for summary in summaries] == [None] * 3
    assert summaries[0].training_seconds is None


def test_columns_are_told_whose_names_do_not_say_what_they_are(tmp_path):
    run = curve().rename(columns={"loss": "train_loss"})
    [imported] = import_runs(write_csv(tmp_path / "run.csv", run.assign(val_loss=run["train_loss"])), TEN)

    assert told(imported).startswith("loss is train_loss, validation loss is val_loss / ")
    [plain] = import_runs(write_csv(tmp_path / "plain.csv", curve()), TEN)
    assert " is loss" not in told(plain)
    assert "accuracy is" not in told(plain)


def test_resolutions_in_words():
    assert resolution_words(np.arange(10), False) == "every step"
    assert resolution_words(np.arange(0, 100, 10), False) == "every 10th step; 10 rows of 91 steps"
    assert resolution_words(np.arange(9, 100, 10), True) == "means over 10 steps each; 10 rows of 100 steps"
    assert [ordinal(n) for n in (1, 2, 3, 11, 22, 103)] == ["1st", "2nd", "3rd", "11th", "22nd", "103rd"]
