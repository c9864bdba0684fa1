"""Tables that trainings print: skorch's, MATLAB's, Markdown's and those of boxes."""

from __future__ import annotations

import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs
from tests.helpers.imported_runs import told

SKORCH = """INFO: fitting
  epoch    train_loss    valid_acc    valid_loss    cp     dur
-------  ------------  -----------  ------------  ----  ------
      1        0.9000       0.5000        0.8000     +  0.0100
      2        0.6000       0.6000        0.7000        0.0100
Stopping since valid_loss has not improved.
"""
MARKDOWN = """# Training

| Epoch | Train Loss | Val Loss | Acc |
|-------|:----------:|---------:|-----|
| 1 | 0.9 | 0.8 | 0.5 |
| 2 | 0.6 | 0.7 | 0.6 |
"""
SPACY = """E    #       LOSS TOK2VEC  LOSS TEXTCAT  SCORE
---  ------  ------------  ------------  ------
  0     100          0.00          0.90    0.50
  1     200          0.00          0.60    0.60
"""
NOLEARN = """# Neural Network with 160362 learnable parameters

  epoch    train loss    valid loss    valid acc  dur
-------  ------------  ------------  -----------  -----
      1       \x1b[36m0.90000\x1b[0m       \x1b[32m0.80000\x1b[0m      0.50000  2.10s
      2       \x1b[36m0.60000\x1b[0m       \x1b[32m0.70000\x1b[0m      0.60000  2.10s
"""
TRAINNET = """    Iteration    Epoch    LearnRate    TrainingLoss    ValidationLoss
    _________    _____    _________    ____________    ______________
           50        1         0.01             0.9               0.8
          100        2         0.01             0.6               0.7
"""
BOXES = """┏━━━━━━━┳━━━━━━┳━━━━━━━━━━┓
┃ Epoch ┃ Loss ┃ Val Loss ┃
┡━━━━━━━╇━━━━━━╇━━━━━━━━━━┩
│ 1     │ 0.9  │ 0.8      │
│ 2     │ 0.6  │ 0.7      │
└───────┴──────┴──────────┘
"""
MATLAB = """|=======================================================|
|  Epoch  |  Iteration  |  Mini-batch  |  Mini-batch  |  Base Learning  |
|         |             |   Accuracy   |     Loss     |      Rate       |
|=======================================================|
"""


def read(tmp_path, text):
    path = tmp_path / "train.log"
    path.write_text(text)
    return import_runs(path)


@pytest.mark.parametrize("text", [SKORCH, MARKDOWN, BOXES, NOLEARN])
def test_a_table_in_a_text_is_read(tmp_path, text):
    [run] = read(tmp_path, text)

    assert run.info.environment["format"] == "printed table"
    assert run.info.environment["resolution"] == "every epoch"
    assert run.steps["loss"].tolist() == pytest.approx([0.9, 0.6])
    assert run.validations["loss"].tolist() == pytest.approx([0.8, 0.7])


def test_a_table_with_a_step_and_a_rule_of_underscores_is_read(tmp_path):
    [run] = read(tmp_path, TRAINNET)

    assert run.steps.index.tolist() == [50, 100]
    assert run.steps["loss"].tolist() == pytest.approx([0.9, 0.6])
    assert run.validations["loss"].tolist() == pytest.approx([0.8, 0.7])


def test_the_losses_of_a_table_that_only_the_user_can_tell_apart_are_named(tmp_path):
    with pytest.raises(LogError, match=r"among LOSS TEXTCAT, LOSS TOK2VEC, .*; name it with --columns loss=NAME"):
        read(tmp_path, SPACY)
    [run] = import_runs(tmp_path / "train.log", ImportOptions(columns={"loss": "LOSS TEXTCAT", "step": "#"}))

    assert run.steps["loss"].to_dict() == pytest.approx({100: 0.9, 200: 0.6})


def test_a_table_of_losses_that_are_not_known_gives_way_to_printed_lines(tmp_path):
    [run] = read(tmp_path, SPACY + "step 1 loss 0.5\nstep 2 loss 0.4\n")

    assert run.steps["loss"].tolist() == pytest.approx([0.5, 0.4])


def test_names_of_two_lines_are_joined(tmp_path):
    shares = (13, 15, 12, 11, 9, 12, 14, 15)
    row = "| {} | {} | {:.2f}% | 2.3026 | 0.0010 |\n"
    rows = [row.format(1 + n // 4, 50 * n, share / 1.28) for n, share in enumerate(2 * shares)]
    [run] = read(tmp_path, MATLAB + "".join(rows))

    assert run.verdict is Verdict.NEVER_LEARNED
    assert run.steps["accuracy"].iloc[0] == pytest.approx(0.1016)
    assert run.steps["learning_rate"].iloc[0] == pytest.approx(0.001)
    assert "10 classes are guessed, since the loss stands still at ln 10" in told(run)


def test_a_table_that_is_printed_again_is_that_of_a_second_training(tmp_path):
    rows = "".join(f"| {n} | {2 / n} | 1.0 | 0.5 |\n" for n in range(1, 7))
    table = "\n".join(MARKDOWN.splitlines()[2:4]) + f"\n{rows}"

    assert [len(run) for run in read(tmp_path, f"{table}\nagain\n\n{table}")] == [6, 6]


@pytest.mark.parametrize("text", [SKORCH.replace("loss", "mse"), "| Loss |\n|---|\n| none |\n", "--- ---\n1 2\n"])
def test_a_table_without_a_loss_or_a_number_is_none(tmp_path, text):
    with pytest.raises(LogError, match=r"is of no format|has no numbers"):
        read(tmp_path, text)
