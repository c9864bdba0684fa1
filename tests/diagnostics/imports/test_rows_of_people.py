"""Rows as people and frameworks write them: of training and validation, of epochs, of one metric, and nested."""

from __future__ import annotations

import json

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs
from reports.text.end_numbers import end_of
from tests.helpers.tool_logs import curve


def read(path, text, options=None):
    path.write_text(text)
    [run] = import_runs(path, options)
    return run


def lines(records):
    return "".join(json.dumps(one) + "\n" for one in records)


def shares(run):
    return [(one.step, round(one.accuracy, 4)) for one in run.validations.itertuples()]


def test_a_column_tells_training_from_validation(tmp_path):
    run = read(tmp_path / "run.csv", "epoch,phase,loss,acc\n1,train,0.6,0.67\n1,val,0.2,0.88\n2,train,0.4,0.77\n"
               "2,val,0.1,0.90\n")  # fmt: skip

    assert run.steps["loss"].tolist() == pytest.approx([0.6, 0.4])
    assert shares(run) == [(0, 0.88), (1, 0.9)]


def test_the_kind_of_a_record_tells_training_from_validation(tmp_path):
    records = [{"type": "train_step", "step": n, "loss": 1 / n} for n in range(1, 9)]
    records[4:4] = [{"type": "eval", "step": 4, "loss": 3.0}]
    run = read(tmp_path / "run.jsonl", lines([{"type": "config", "lr": 0.1}, *records]))

    assert run.steps["loss"].tolist() == pytest.approx([1 / n for n in range(1, 9)])
    assert run.validations["loss"].tolist() == [3.0]


@pytest.mark.parametrize(
    ("names", "of_validation"),
    [
        ("epoch,train_loss,valid_loss,accuracy", True),
        ("Global Step,Training Loss,Validation Loss,Accuracy", True),
        ("epoch,loss,val_loss,accuracy", False),
        ("epoch,train_loss,valid_loss,train_acc", False),
    ],
)
def test_an_accuracy_beside_losses_that_say_their_data_is_that_of_the_validation(tmp_path, names, of_validation):
    path = tmp_path / "history.csv"
    run = read(path, f"{names}\n1,2.0,2.1,0.3\n2,1.0,1.4,0.6\n")
    named = read(path, path.read_text(), ImportOptions(columns={"accuracy": names.rpartition(",")[2]}))

    assert ("accuracy" in run.steps) is not of_validation
    assert [share for _, share in shares(run)][-1:] == pytest.approx([0.6 if of_validation else np.nan], nan_ok=True)
    assert named.steps["accuracy"].tolist() == pytest.approx([0.3, 0.6])


def test_losses_that_are_lost_beside_the_accuracy_of_the_validation_are_not_finite(tmp_path):
    rows = [f"{n},{'' if n > 30 else 2 / n},{'' if n > 30 else 2.0},0.5" for n in range(1, 41)]
    run = read(tmp_path / "run.csv", "\n".join(["epoch,train_loss,valid_loss,accuracy", *rows]))
    alone = read(tmp_path / "run.csv", "step,train_loss,valid_loss,accuracy\n1,2.0,,\n2,1.0,,\n3,,1.5,0.5\n")

    assert run.verdict is Verdict.DIVERGED
    assert len(run) == 40
    assert len(alone) == 2


@pytest.mark.parametrize("lines_within", [True, False])
def test_keras_that_counts_samples(tmp_path, lines_within):
    text = "Train on 320 samples, validate on 64 samples\n"
    for epoch in (1, 2):
        text += f"Epoch {epoch}/2\n"
        for done in range(32, 321, 32) if lines_within else (320,):
            text += f"{done}/320 [====>.....] - 1s 165us/sample - loss: {1 / epoch:.4f} - acc: 0.5000"
            text += "\r" if done < 320 else " - val_loss: 0.5000 - val_acc: 0.7500\n"
    run = read(tmp_path / "fit.txt", text)

    assert len(run) == (20 if lines_within else 2)
    assert run.steps["loss"].iloc[[0, -1]].tolist() == pytest.approx([1.0, 0.5])
    assert run.info.environment["resolution"] == ("every step" if lines_within else "every epoch")
    assert shares(run)[-1] == (len(run) - 1, 0.75)
    assert run.info.batch_size == (32 if lines_within else 128)


def test_the_first_line_of_a_sentence_names_no_columns(tmp_path):
    run = read(tmp_path / "log.txt", "[Epoch 0/2] [Batch 0/9] [loss: 0.690]\n[Epoch 0/2] [Batch 1/9] [loss: 0.590]\n")

    assert run.info.environment["format"] == "printed text"
    assert run.steps["loss"].tolist() == pytest.approx([0.69, 0.59])


def test_lines_of_mmcv(tmp_path):
    epochs = [
        [*({"mode": "train", "epoch": n, "iter": k, "lr": 0.1, "loss": 2 / n} for k in (100, 200, 300)),
         {"mode": "val", "epoch": n, "iter": 313, "accuracy_top-1": 50.0 + n}]
        for n in (1, 2)
    ]  # fmt: skip
    run = read(tmp_path / "run.log.json", lines([{"env_info": "x", "seed": None}, *epochs[0], *epochs[1]]))

    assert run.steps["loss"].tolist() == pytest.approx([2, 2, 2, 1, 1, 1])
    assert "accuracy" not in run.steps
    assert [share for _, share in shares(run)] == [0.51, 0.52]


def test_validations_of_mmengine_stand_at_the_last_step_of_their_epoch(tmp_path):
    records = [{"lr": 0.1, "loss": 2.0, "epoch": 1 + k // 3, "step": 100 * (k + 1)} for k in range(6)]
    records[3:3], records[7:] = [{"accuracy/top1": 23.98, "step": 1}], [{"accuracy/top1": 41.82, "step": 2}]
    run = read(tmp_path / "scalars.json", lines(records))

    assert shares(run) == [(300, 0.2398), (600, 0.4182)]


def test_rows_with_a_validation_each_are_epochs(tmp_path):
    run = read(tmp_path / "run.csv", ",loss,val_loss\n0,2.0,2.1\n1,1.0,1.1\n2,0.5,0.9\n")

    assert run.info.environment["resolution"] == "every epoch"
    assert "taken as epochs" in " ".join(run.info.environment["taken_as"])


def test_a_validation_stands_at_its_row_where_no_row_says_its_step(tmp_path):
    rows = [f"{1 / n},{0.5 if n % 5 == 0 else ''}" for n in range(1, 11)]
    run = read(tmp_path / "run.csv", "\n".join(["loss,val_acc", *rows]))

    assert shares(run) == [(4, 0.5), (9, 0.5)]


@pytest.mark.parametrize("many", [True, False])
def test_many_rows_of_an_epoch_are_those_of_steps(tmp_path, many):
    rows = [f"{1 + n // (10 if many else 2)},{1 / (n + 1)}" for n in range(30 if many else 6)]
    run = read(tmp_path / "run.csv", "\n".join(["epoch,loss", *rows]))

    assert len(run) == (30 if many else 3)
    assert ("repeat the epoch" in " ".join(run.info.environment["taken_as"])) is not many


def test_a_loss_of_0_beside_a_gradient_of_nan_is_a_loss_of_nan(tmp_path):
    history = [
        {"step": n, "epoch": n / 50, "loss": 1.9 if n < 30 else 0.0, "grad_norm": 2.0 if n < 30 else np.nan}
        for n in range(1, 61)
    ]
    run = read(tmp_path / "trainer_state.json", json.dumps({"log_history": history}), ImportOptions(classes=10))

    assert run.verdict is Verdict.DIVERGED
    assert "31 losses of 0 beside gradients that are not finite are taken as NaN" in run.info.environment["taken_as"]
    perfect = [{**one, "grad_norm": 0.1} for one in history]
    run = read(tmp_path / "trainer_state.json", json.dumps({"log_history": perfect}), ImportOptions(classes=10))
    assert not run.verdict.is_dead


@pytest.mark.parametrize(
    ("ends", "verdict", "words"),
    [
        (
            [1.0, np.nan, np.nan],
            Verdict.DIVERGED,
            "30 losses of 0 beside validations that are not finite are taken as NaN",
        ),
        ([1.0, np.nan, 0.2], Verdict.HEALTHY, None),
        ([1.0, 0.0, 0.0], Verdict.HEALTHY, None),
        ([], Verdict.HEALTHY, "its last 30 losses are 0, right after 0.5: some trainers write 0 for a loss of NaN"),
    ],
)
def test_losses_of_0_to_the_end_are_told_by_the_validations(tmp_path, ends, verdict, words):
    history = [{"step": n, "loss": 0.5 + 2 * np.exp(-n / 5) if n < 30 else 0.0} for n in range(60)]
    history[29]["loss"] = 0.5
    history += [{"step": at, "eval_loss": end} for at, end in zip((20, 40, 59), ends, strict=False)]
    run = read(tmp_path / "trainer_state.json", json.dumps({"log_history": history}), ImportOptions(classes=10))

    assert run.verdict is verdict
    told = " ".join(run.info.environment["taken_as"])
    assert words in told if words else "losses" not in told


@pytest.mark.parametrize(
    "document",
    [
        {"history": {"loss": [2.0, 1.0], "val_loss": [2.1, 1.1]}, "params": {"epochs": 2}},
        {"train": {"loss": [2.0, 1.0]}, "val": {"loss": [2.1, 1.1]}},
        {"config": {"lr": 0.1}, "log": [{"epoch": 1, "loss": 2.0, "val_loss": 2.1}, {"epoch": 2, "loss": 1.0}]},
        {"training.loss": {"steps": [0, 1], "timestamps": ["a", "b"], "values": [2.0, 1.0]}},
        {
            "config": {"betas": [0.9, 0.99]},
            "epochs": [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}],
            "confusion": [[1, 2], [3, 4]],
            "files": [{"name": "a"}],
        },
        {"train": [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}], "val": [{"epoch": 1, "loss": 2.1}]},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_nested_documents(tmp_path, document, indent):
    run = read(tmp_path / "history.json", json.dumps(document, indent=indent))

    assert run.steps["loss"].tolist() == [2.0, 1.0]


def test_lines_of_json_may_hold_lists(tmp_path):
    run = read(tmp_path / "run.jsonl", lines([{"step": n, "loss": 2.0 / (n + 1), "parts": [1, 2]} for n in range(3)]))

    assert run.info.environment["format"] == "JSON lines"
    assert run.steps["loss"].tolist() == pytest.approx([2, 1, 2 / 3])


@pytest.mark.parametrize(
    "text",
    [
        '{"loss": {"0": 2.3, "1": 1.9, "2": NaN}, "val_loss": {"0": 2.2, "1": 1.8, "2": 1.5}}',
        "{'loss': [2.3, np.float64(1.9), nan], 'val_loss': [2.2, 1.8, 1.5]}",
    ],
)
def test_a_history_that_pandas_or_python_wrote(tmp_path, text):
    run = read(tmp_path / "history.txt", text)

    assert run.verdict is Verdict.DIVERGED
    assert run.steps["loss"].tolist()[:2] == pytest.approx([2.3, 1.9])
    assert len(run.validations) == 3


def test_a_log_of_chainer(tmp_path):
    records = [{"main/loss": 1 / n, "main/accuracy": 0.5, "validation/main/loss": 2.0, "iteration": n} for n in (1, 2)]
    run = read(tmp_path / "log", json.dumps(records, indent=4))

    assert run.steps["loss"].tolist() == [1.0, 0.5]
    assert run.validations["loss"].tolist() == [2.0, 2.0]


def test_parts_of_epochs_that_were_rounded_are_all_taken(tmp_path):
    records = [{"loss": 2.0 - 0.1 * n, "epoch": round(n / 200, 2)} for n in range(1, 12)]
    run = read(tmp_path / "out.log", "".join(f"{one}\n" for one in records))

    assert len(run) == 11
    assert "repeat the epoch" not in " ".join(run.info.environment["taken_as"])


def test_the_last_batch_of_keras_may_go_beyond_its_epoch(tmp_path):
    line = "{}/300 [======] - 5s - loss: {} - acc: 0.5000 - val_loss: 0.5000 - val_acc: 0.7500\n"
    run = read(tmp_path / "fit.txt", f"Epoch 1/2\n{line.format(304, 0.8)}Epoch 2/2\n{line.format(312, 0.6)}")

    assert run.steps["loss"].tolist() == pytest.approx([0.8, 0.6])
    assert [share for _, share in shares(run)] == [0.75, 0.75]


def test_the_steps_of_an_epoch_that_the_largest_one_tells_are_told(tmp_path):
    text = "".join(f"Epoch: [{n}][{k}] Loss {1 / (k + 1)} (0.5)\n" for n in (0, 1) for k in (0, 50, 100))
    run = read(tmp_path / "out.log", text)

    assert run.steps.index.tolist() == [0, 50, 100, 101, 151, 201]
    assert "an epoch is taken to have 101 steps" in " ".join(run.info.environment["taken_as"])


def test_the_only_metric_of_a_file_is_named_in_the_cure(tmp_path):
    text = "Wall time,Step,Value\n1654943296.2,0,2.3\n1654943313.7,1,1.7\n"
    with pytest.raises(LogError, match="no loss of a training among Value; name it with --columns loss=Value"):
        read(tmp_path / "tag.csv", text)
    assert len(read(tmp_path / "tag.csv", text, ImportOptions(columns={"loss": "Value"}))) == 2


def test_what_is_taken_is_told(tmp_path):
    run = read(tmp_path / "run.csv", "lr,val_acc,step,Train Loss\n0.1,0.2,0,2.3\n0.1,0.5,1,1.1\n")

    assert run.info.environment["taken_as"][0] == (
        "loss is Train Loss, learning rate is lr, validation accuracy is val_acc"
    )


def test_a_validation_without_a_loss_shows_none(tmp_path):
    without = read(tmp_path / "run.csv", "epoch,loss,test_acc\n1,2.0,0.3\n2,1.0,0.6\n")
    lost = read(tmp_path / "run.csv", "epoch,loss,val_loss,val_acc\n1,2.0,2.1,0.3\n2,1.0,nan,0.6\n")

    assert end_of(without).facts[1] == ("validation:", "accuracy 60.00 %")
    assert end_of(lost).facts[1] == ("validation:", "accuracy 60.00 %, loss NaN")


def test_samples_since_the_beginning_are_no_batch(tmp_path):
    frame = curve()
    frame["samples"] = 64 * (frame.step + 1)
    run = read(tmp_path / "run.csv", frame.to_csv(index=False))

    assert run.info.batch_size == 128
