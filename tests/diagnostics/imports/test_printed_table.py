"""Tables that trainings print: skorch's, MATLAB's, Markdown's and those of boxes."""

from __future__ import annotations

import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import import_runs
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


@pytest.mark.parametrize("text", [SKORCH, MARKDOWN, BOXES])
def test_a_table_in_a_text_is_read(tmp_path, text):
    [run] = read(tmp_path, text)

    assert run.info.environment["format"] == "printed table"
    assert run.info.environment["resolution"] == "every epoch"
    assert run.steps["loss"].tolist() == pytest.approx([0.9, 0.6])
    assert run.validations["loss"].tolist() == pytest.approx([0.8, 0.7])


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
