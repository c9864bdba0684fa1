"""Texts that loops print: which number is which, and where in the training it stands."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.formats.epochs_below import BY_LINES_BELOW
from diagnostics.imports.formats.printed_line import PrintedLine
from tests.helpers.imported_runs import told

SAMPLES = Path(__file__).parent / "samples"


def read(tmp_path, text, options=None):
    path = tmp_path / "train.log"
    path.write_text(text)
    [run] = import_runs(path, options)
    return run


def validations(run):
    return [(one.step, round(one.accuracy, 4), round(one.loss, 4)) for one in run.validations.itertuples()]


@pytest.mark.parametrize(
    ("line", "epoch", "step", "numbers"),
    [
        ("Epoch 3 step 120 loss 0.43 acc 0.88", 3, 120, {"loss": 0.43, "acc": 0.88}),
        ("iter 425: loss nan, time 1440.31ms, mfu 0.01%", None, 425, {"loss": np.nan, "mfu": 0.0001}),
        ("Epoch [1/5], Step [100/600], Loss: 0.5133", 1, 100, {"Loss": 0.5133}),
        ("[2,  4000] loss: 1.363", 2, 4000, {"loss": 1.363}),
        ("2025-03-02 05:16:20,962 - INFO - Epoch 1 - Batch loss: 12.1336", 1, None, {"loss": 12.1336}),
        ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.2135", 1, 640, {"Loss": 2.2135}),
        ("Epoch: [0][ 10/391]\tLoss 2.32e+00 (2.37e+00)\tAcc@1  12.50 ( 10.59)", 0, 10, {"Loss": 2.32, "Acc@1": 12.5}),
        ("Test: [70/79]\tLoss 1.62 (1.72)\tAcc@1 35.81 ( 34.81)", None, None, {"val Loss": 1.72, "val Acc@1": 34.81}),
        ("Train: 0 [  50/1251 (  4%)]  Loss: 6.91 (6.93)", 0, 50, {"Loss": 6.91}),
        ("Test set: Average loss: 0.0474, Accuracy: 9844/10000 (98%)", None, None,
         {"val loss": 0.0474, "val Accuracy": 0.9844}),
        ("mmengine - INFO - Epoch(train)  [1][100/391]  lr: 1.0e-01  loss: 2.1", 1, 100, {"lr": 0.1, "loss": 2.1}),
        ("mmengine - INFO - Epoch(val) [1][79/79]    accuracy/top1: 45.12", 1, None, {"val accuracy/top1": 45.12}),
        ("\tTrain Loss: 0.695 | Train Acc: 50.00%", None, None, {"Train Loss": 0.695, "Train Acc": 0.5}),
        ("\t Val. Loss: 0.393 |  Val. Acc: 83.12%", None, None, {"Val. Loss": 0.393, "Val. Acc": 0.8312}),
        ("{'loss': 1.8998, 'learning_rate': 1.6e-05, 'epoch': 0.4}", 0.4, None,
         {"loss": 1.8998, "learning_rate": 1.6e-05}),
        ("solver.cpp:218] Iteration 100 (4.7 iter/s, 21.213s/100 iters), loss = 0.224371", None, 100,
         {"loss": 0.224371}),
        ("Epoch 0:  50%|███  | 50/100 [00:05<00:05,  9.00it/s, loss=1.9, v_num=0]", 0, 50, {"loss": 1.9}),
        ("step 2/1000 | loss 10.9 (+nanz)| norm 14.0 (+nanz)| lr 1.71e-06 | 170000 tok/s", None, 2,
         {"loss": 10.9, "lr": 1.71e-06}),
        ("epoch=0 i=30/530 total_loss=4.6 vocoder_loss=3.8", 0, 30, {"total_loss": 4.6, "vocoder_loss": 3.8}),
        ("epoch:1/300,batch:6/67,lr:0.000100,train loss:7.98,train acc:1.56%", 1, 6,
         {"lr": 0.0001, "train loss": 7.98, "train acc": 0.0156}),
        ("Cost after iteration 100: 0.6931", None, 100, {"Cost": 0.6931}),
        ("Training loss (for one batch) at step 200: 0.5", None, 200, {"Training loss": 0.5}),
        ("Validation accuracy after epoch 3: 0.9", 3, None, {"Validation accuracy": 0.9}),
        ("box loss after epoch 3: 0.9", 3, None, {}),
        ("INFO:tensorflow:loss = 2.3, step = 100 (0.5 sec)", None, 100, {"loss": 2.3}),
        ("Iteration 1, loss = 0.69314718", 1, None, {"loss": 0.69314718}),
        ("Iteration 1, loss = 0.693", None, 1, {"loss": 0.693}),
        ("Validation score: 0.91", None, None, {"val accuracy": 0.91}),
        ("Epoch: [1/60][350/404] Time 0.190 (0.203)\tLoss 1.0596 (1.0721)", 1, 350, {"Loss": 1.0596}),
        ("Epoch: [0][350]\tTime 0.6 (0.5)\tLoss 0.51 (0.62)", 0, 350, {"Loss": 0.51}),
        ("Epoch: [2/9][10/281] Batch 0.812 (0.909) Loss 4.6 Accuracy 0.18.", 2, 10, {"Loss": 4.6, "Accuracy": 0.18}),
        ("Epoch 3/10 (5/20) loss: 0.5", 3, 5, {"loss": 0.5}),
        ("Epoch 3/10, 2024/05/01, loss: 0.5", 3, None, {"loss": 0.5}),
        ("Epoch 5: loss 0.3 (best 0.2 at epoch 3), acc 0.9", 5, None, {"loss": 0.3, "acc": 0.9}),
        ("Best loss 0.2 at step 30", None, None, {"Best loss": 0.2}),
        (f" [=>..]  Step: 6ms | Tot: 5s | Loss: 1.5 | Acc: 43.75% (56/128){9 * chr(8)} 7/39 ", None, 7,
         {"Loss": 1.5, "Acc": 0.4375}),
        ("s:1 trl:10.814 lr:0.1", None, 1, {"loss": 10.814, "lr": 0.1}),
        ("s:0 tel:10.986", None, 0, {"val loss": 10.986}),
        ("863: 10.84, 12.36 avg, 0.0010 rate, 3.09 seconds, 55232 images", None, 863, {"loss": 10.84, "lr": 0.001}),
        (" (next mAP at 900 iterations) \t 864: -nan, nan avg loss, 0.01 rate, 3.8 seconds, 55296 images", None, 864,
         {"loss": np.nan, "lr": 0.01}),
        ("[05:21:33] Ep. 1 : Up. 500 : Sen. 66,406 : Cost 91.6 : Time 704.9s : 8907.9 words/s : L.r. 9.3e-06", 1, 500,
         {"Cost": 91.6, "lr": 9.3e-06}),
        ("iteration  25/ 900 | elapsed time per iteration (ms): 87 | lm loss: 1.08E+01 |", None, 25, {"lm loss": 10.8}),
        ("Epoch 2/5 - Loss: 0,5432 - Acc: 20,5%", 2, None, {"Loss": 0.5432, "Acc": 0.205}),
        ("Step 1,000/10,000 loss: 2.3", None, 1000, {"loss": 2.3}),
        ("Test set: Average loss: 0,0474, Accuracy: 9,844/10,000 (98%)", None, None,
         {"val loss": 0.0474, "val Accuracy": 0.9844}),
        ("| epoch   1 |   200/ 2983 batches | lr 20.00 | loss  7.63 | ppl 2057.02", 1, 200, {"lr": 20, "loss": 7.63}),
        ('[inner] - {"epoch": 1, "update": 0.2, "loss": "4.65", "lr": "0.1"}', 1, None, {"loss": 4.65, "lr": 0.1}),
        ("loss: 1, acc: 0.5, step: 3", None, 3, {"loss": 1, "acc": 0.5}),
        ("Best epoch: 12, box loss 0.5, stop loss: 3", None, None, {}),
        ("I0811 metric_logger.py:226] completed step: 3, seconds: 0.6, loss: 2.979, perplexity: 19.6", None, 3,
         {"loss": 2.979}),
        ("Finished Epoch[2 of 40]: [Training] loss = 0.5 * 60000, metric = 9.87% * 60000", 2, None, {"loss": 0.5}),
        ("2024-01-01 10:01:01.2: val_loss -0.8123", None, None, {"val_loss": -0.8123}),
        ("│   test_acc = 0.25", None, None, {"test_acc": 0.25}),
        ("INFO:tensorflow:Saving dict for global step 90: accuracy = 0.9, global_step = 90, loss = 0.3", None, 90,
         {"val accuracy": 0.9, "val loss": 0.3}),
        ("Epoch: 3   Train: (loss = 0.25f0, acc = 50.0)   Test: (loss = 1.5f-2, acc = 90.5)", 3, None,
         {"loss": 0.25, "acc": 50, "val loss": 0.015, "val acc": 90.5}),
        ("o.d.o.l.ScoreIterationListener - Score at iteration 120 is 2.31", None, 120, {"loss": 2.31}),
        ("[7]\ttrain-mlogloss:1.5\teval-mlogloss:1.75", None, 7, {"train-mlogloss": 1.5, "eval-mlogloss": 1.75}),
        ("[7]\ttraining's multi_logloss: 1.5\tvalid_1's multi_logloss: 1.75", None, 7,
         {"training multi_logloss": 1.5, "valid multi_logloss": 1.75}),
        ("7:\tlearn: 1.5\ttest: 1.75\tbest: 1.75 (7)\ttotal: 30.1ms\tremaining: 3s", None, 7,
         {"loss": 1.5, "val loss": 1.75}),
        (" * Acc@1 34.900 Acc@5 87.500", None, None, {}),
    ],
)  # fmt: skip
def test_a_line_names_its_numbers(line, epoch, step, numbers):
    found = PrintedLine.read(line)
    known = {name: found.numbers[name] for name in found.numbers if name in numbers or name.lower().endswith("loss")}
    unknown = {"box loss", "stop loss"}

    assert (found.epoch, found.step) == (epoch, step)
    assert {name: one for name, one in known.items() if name not in unknown} == pytest.approx(numbers, nan_ok=True)


@pytest.mark.parametrize("line", ["loss{}", "epoch 3{}", "loss ({}"])
def test_a_line_of_many_blanks_takes_no_time(line):
    began = time.process_time()
    assert PrintedLine.read(line.format(1000 * " ")).numbers == {}
    assert time.process_time() - began < 1


def test_the_log_of_nanogpt_diverged():
    [run] = import_runs(SAMPLES / "printed-nanogpt.log")

    assert run.verdict is Verdict.DIVERGED
    assert run.diagnosis.stretches[0].onset_between == (421, 425)
    assert validations(run)[0][0] == 0
    assert len(run) == 31


def test_steps_that_begin_anew_in_each_epoch_are_counted_on(tmp_path):
    lines = [f"Epoch [{n}/2], Step [{k}/600], Loss: {1 / k}" for n in (1, 2) for k in range(100, 601, 100)]
    run = read(tmp_path, "\n".join(lines))

    assert run.steps.index.tolist() == list(range(99, 1200, 100))
    assert run.info.steps_per_epoch == 600


def test_steps_are_of_the_epoch_that_a_line_below_them_names_as_the_paper_prints_it(tmp_path):
    losses = [[1.9, 0.9, 0.29, 0.25, 0.29, 0.34, 0.1], [0.3, 0.13, 2.315, 2.307, 2.312, 2.293, 2.303]]
    text = ""
    for n, epoch in enumerate(losses, 1):
        for k, loss in enumerate(epoch, 1):
            text += f"step:{64 * k}, acc:{0.11 if loss > 2 else 0.9}, loss:{loss}\nstep took 2.12 seconds\n"
        text += f"epoch:{n}, acc:0.841, loss:0.5\nepoch took 837.35 seconds\n\n" if n < 2 else ""
    text += "validation, step:64, acc:0.1, loss:2.3\nfinal validation - acc:0.113, loss:2.302\n"
    run = read(tmp_path, text, ImportOptions(classes=10, steps_per_epoch=469))

    assert run.steps.index.tolist() == [*range(64, 449, 64), *range(533, 918, 64)]
    assert run.steps["epoch"].tolist() == [1] * 7 + [2] * 7
    assert run.steps["loss"].tolist() == pytest.approx([loss for epoch in losses for loss in epoch])
    assert validations(run) == [(917, 0.113, 2.302)]
    assert run.verdict is Verdict.COLLAPSED
    first, last = run.diagnosis.stretches[0].onset_between
    assert first <= 469 + 192 <= last
    assert BY_LINES_BELOW in run.info.environment["taken_as"]


def test_a_bar_that_was_saved_at_the_end_of_each_epoch_is_a_row_an_epoch(tmp_path):
    bar = "Epoch {0}/3: 100%|####| 100/100 [00:10<00:00, 9.9it/s, loss={1}, acc=31.2]\nEpoch {0} | Val Acc: 40%\n"
    run = read(tmp_path, "".join(bar.format(n, 2 / n) for n in (1, 2, 3)))

    assert run.steps.index.tolist() == [99, 199, 299]
    assert run.steps["loss"].tolist() == pytest.approx([2, 1, 2 / 3])
    assert [(one.epoch, one.step) for one in run.validations.itertuples()] == [(1, 99), (2, 199), (3, 299)]


def test_bars_that_begin_anew_are_those_of_epochs(tmp_path):
    bar = "\r{0:3.0f}%|####| {0}/100 [00:10<00:00, 9.9it/s, loss={1}]"
    full = bar.format(100, 0.5)
    test = "\nTest set: Average loss: 0.4, Accuracy: 90/100 (90%)\n"
    read_again = read(tmp_path, "".join(bar.format(50, 2.0) + full + full + "\n" for _ in range(3)))
    validated = read(tmp_path, 3 * (full + full + test))

    assert read_again.steps.index.tolist() == [49, 99, 149, 199, 249, 299]
    assert validated.steps.index.tolist() == [99, 199, 299]
    assert "no line names an epoch: a new one is counted where a bar begins anew" in told(validated)
    assert "begins anew" not in told(read(tmp_path, "".join(bar.format(n, 2 / n) for n in (1, 1, 2, 2, 3, 3))))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_log_that_was_rotated_is_one_run(tmp_path, encoding):
    lines = [f"step {step} loss {1 / (1 + step)}\n" for step in range(30)]
    for name, part in (("train.log.2", lines[:10]), ("train.log.1", lines[10:20]), ("train.log", lines[20:])):
        (tmp_path / name).write_text("".join(part), encoding)
    [run] = import_runs(tmp_path / "train.log")

    assert run.steps.index.tolist() == list(range(30))
    assert "the log begins in train.log.2, train.log.1, which train.log continues" in told(run)


def test_a_second_bar_of_an_epoch_is_that_of_the_validation(tmp_path):
    bar = "100%|####| {0}/{0} [00:10<00:00, 9.9it/s, loss={1}, acc={2}]\n"
    epoch = "Epoch {0}\n" + bar.format(40, "2.0", "0.5") + bar.format(10, "3.0", "0.25")
    run = read(tmp_path, "".join(epoch.format(n) for n in (1, 2, 3)))

    assert run.steps["loss"].tolist() == [2.0] * 3
    assert validations(run) == [(39, 0.25, 3.0), (79, 0.25, 3.0), (119, 0.25, 3.0)]
    assert "a second bar of an epoch, with another number of batches, is taken as that of the validation" in told(run)


@pytest.mark.parametrize(
    "line",
    [
        "[ ({0} ) Loss: {1}, valid_Loss: 0.5, valid_Acc: 0.9]\n",
        "Training loss: {1}\nValidation loss: 0.5, accuracy: 0.9\n",
    ],
)
def test_losses_that_each_have_a_validation_are_those_of_epochs(tmp_path, line):
    run = read(tmp_path, "".join(line.format(n, 1 / n) for n in (1, 2, 3, 4)))

    assert run.info.environment["resolution"] == "every epoch"
    assert run.steps["loss"].tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert [one[1:] for one in validations(run)] == [(0.9, 0.5)] * 4
    assert "each loss, with a validation, is taken as that of an epoch" in told(run)


def test_headings_say_of_which_data_the_lines_below_are(tmp_path):
    text = "Epoch {0}\nTrain:\n loss {1} acc 0.8\nValidation results:\n loss 5.0 acc 0.1\n"
    run = read(tmp_path, "".join(text.format(n, 1 / n) for n in (1, 2, 3)))

    assert run.steps["loss"].tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert [one[1:] for one in validations(run)] == [(0.1, 5.0)] * 3


def test_a_line_that_names_a_step_alone_is_a_heading(tmp_path):
    text = "".join(f"Step {n} per-step time 1.9s\n{{'Loss/box_loss': 0.5,\n 'Loss/total_loss': {n}}}\n" for n in (1, 2))
    run = read(tmp_path, text)

    assert run.steps["loss"].tolist() == [1, 2]
    assert len(run.steps) == 2


def test_notes_are_no_log(tmp_path):
    with pytest.raises(LogError, match="is of no format that is known"):
        read(tmp_path, "With dropout: loss 0.28 acc 0.91\nWithout: loss 0.35 acc 0.89\n")
    assert len(read(tmp_path, "".join(f"loss: {1 / n}\n" for n in range(1, 12)))) == 11


def test_a_mean_of_an_epoch_stands_beside_its_steps(tmp_path):
    text = "Epoch 1 step 10 loss 2.0\nEpoch 1 step 20 loss 1.0\nEpoch 1: loss 1.5\nval loss 1.2 val acc 0.5\n"
    run = read(tmp_path, f"{text}Epoch 2 step 30 loss 0.5\n")

    assert run.steps["loss"].tolist() == [2.0, 1.0, 0.5]
    assert validations(run) == [(20, 0.5, 1.2)]


def test_lines_of_an_epoch_below_its_heading_belong_to_it(tmp_path):
    text = "".join(
        f"Epoch {n}/24\n----------\ntrain Loss: {1 / (n + 1)} Acc: 0.6762\nval Loss: 0.2 Acc: 0.88\n" for n in range(3)
    )
    run = read(tmp_path, text)

    assert run.info.environment["resolution"] == "every epoch"
    assert run.steps["accuracy"].tolist() == pytest.approx([0.6762] * 3)
    assert [one[1:] for one in validations(run)] == [(0.88, 0.2)] * 3


@pytest.mark.parametrize(("known", "steps"), [(None, [0, 1, 2, 3]), (938, [0, 469, 938, 1407])])
def test_samples_are_not_taken_for_steps(tmp_path, known, steps):
    lines = [f"Train Epoch: {n} [{k}/60000 ({k // 600}%)]\tLoss: 0.5" for n in (1, 2) for k in (0, 30000)]
    run = read(tmp_path, "\n".join([*lines, "Test set: Average loss: 0.1, Accuracy: 9563/10000 (96%)"]),
               ImportOptions(steps_per_epoch=known))  # fmt: skip

    assert run.steps.index.tolist() == steps
    assert validations(run) == [(steps[-1], 0.9563, 0.1)]


def test_many_lines_of_an_epoch_are_rows_of_steps(tmp_path):
    run = read(tmp_path, "".join(f"Epoch {1 + n // 10} - Batch loss: {2 / (n + 1)}\n" for n in range(30)))

    assert len(run) == 30
    assert run.info.environment["resolution"] == "30 rows without steps"
    assert not any("repeat" in one for one in run.info.environment["taken_as"])


def test_settings_are_no_numbers_of_the_training(tmp_path):
    run = read(tmp_path, "Namespace(epoch=100, lr=0.5)\nepochs: 90\n" + "step 1 loss 2.0\nstep 2 loss 1.5\n")

    assert run.info.total_steps == 2
    assert run.info.epochs == 1


def test_the_loss_of_a_text_can_be_named(tmp_path):
    text = "epoch 1 box_loss 0.5\nepoch 2 box_loss 0.4\n"
    with pytest.raises(LogError, match="no loss of a training among box_loss; name it with --columns loss=box_loss"):
        read(tmp_path, text)
    run = read(tmp_path, text, ImportOptions(columns={"loss": "box_loss"}))

    assert run.steps["loss"].tolist() == pytest.approx([0.5, 0.4])
    assert run.info.environment["resolution"] == "every epoch"


def test_epochs_of_how_many_are_no_progress_of_keras(tmp_path):
    run = read(tmp_path, "".join(f"Epoch {n}/3 - Loss: {1 / n} - Acc: 0.5\n" for n in (1, 2, 3)))

    assert run.info.environment["format"] == "printed text"
    assert run.info.environment["resolution"] == "every epoch"


def test_parts_of_epochs_do_not_count_steps_anew(tmp_path):
    path = tmp_path / "out.log"
    bars = [
        f" 1%| | {max(10, 10 * n)}/600 [00:01<00:10]{{'loss': {2 / (n + 1)}, 'epoch': {n / 10}}}\n" for n in range(9)
    ]
    path.write_text("".join(bars))
    [run] = import_runs(path)

    assert run.steps.index[-1] < 100
