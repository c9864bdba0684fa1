"""Texts that loops print: which number is which, and where in the training it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.formats.epochs_below import BY_LINES_BELOW
from tests.helpers.imported_runs import told

SAMPLES = Path(__file__).parent / "samples"


def read(tmp_path, text, options=None):
    path = tmp_path / "train.log"
    path.write_text(text)
    [run] = import_runs(path, options)
    return run


def validations(run):
    return [(one.step, round(one.accuracy, 4), round(one.loss, 4)) for one in run.validations.itertuples()]


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


@pytest.mark.parametrize(("known", "steps"), [(None, [0, 1, 2, 3]), (938, [0, 469, 938, 1407])])
def test_what_the_first_tutorial_of_pytorch_prints_is_read(tmp_path, known, steps):
    lines = "Epoch {0}\n-----------\nloss: {1}  [    0/60000]\nloss: {2}  [30000/60000]\nTest Error: \n "
    lines += "Accuracy: 50.5%, Avg loss: 1.500000 \n\n"
    text = lines.format(1, 2.3, 2.0) + lines.format(2, 1.9, 1.8)
    run = read(tmp_path, f"{text}Done!\nSaved PyTorch Model State to model.pth\n", ImportOptions(steps_per_epoch=known))

    assert run.steps["loss"].tolist() == pytest.approx([2.3, 2.0, 1.9, 1.8])
    assert run.steps.index.tolist() == steps
    assert [one[1:] for one in validations(run)] == [(0.505, 1.5)] * 2


def test_places_at_the_ends_of_some_lines_are_no_steps(tmp_path):
    text = "".join(f"Epoch {n} step {10 * n + k} loss {1 / (n + k)}\n" for n in (1, 2) for k in range(5))
    run = read(tmp_path, f"{text}Epoch 2 loss 0.5 [2/90]\n")

    assert run.steps.index.tolist() == [*range(10, 15), *range(20, 25)]


def test_a_heading_of_a_validation_alone_that_is_far_above_is_none(tmp_path):
    run = read(tmp_path, "Test set\n" + "".join(f"step {n} loss {1 / (n + 1)}\n" for n in range(9)))

    assert len(run) == 9


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
