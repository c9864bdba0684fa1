"""Tables as people keep them: other signs in numbers, units, comments, several runs, and cells without a number."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs, open_runs
from diagnostics.imports.cells import count_of, number_of
from tests.helpers.tool_logs import curve

TEN = ImportOptions(classes=10)
WANTED = curve()
ROWS = [(int(row.step), f"{row.loss:.5f}", f"{row.accuracy:.5f}") for row in WANTED.itertuples()]
HEAD, LONG = ("step", "loss", "accuracy"), ("step", "metric", "value")


def table(rows=ROWS, head=HEAD, separator=","):
    return "".join(separator.join(map(str, row)) + "\n" for row in [head, *rows])


def commas(text):
    return text.replace(".", ",")


def read(path, text, options=TEN):
    path.write_text(text)
    return import_runs(path, options)


def told(run):
    return " / ".join(run.info.environment["taken_as"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tab.tsv", table([(a, commas(b), commas(c)) for a, b, c in ROWS], separator="\t")),
        ("quoted.csv", table([(a, f'"{commas(b)}"', f'"{commas(c)}"') for a, b, c in ROWS])),
        ("pipe.csv", table(separator="|")),
        ("blanks.txt", table(separator="   ")),
        ("comments.csv", f"# run of Monday\n# rate 0.1\n{table()}"),
        ("savetxt.csv", f"# {table()}"),
        ("excel.csv", f"sep=;\r\n{commas(table(separator=';'))}"),
        ("wide.log",
         table([[f"{one:>12}" for one in row] for row in ROWS], ("  Step", "Train Loss", "Train Acc"), "  ")),
        ("counters.csv", table([("", a, b, c) if a % 9 else (a, a, b, c) for a, b, c in ROWS], ("iter", *HEAD))),
        ("comet.csv", table([row for a, b, c in ROWS for row in ((a, "loss", b), (a, "accuracy", c))],
                            ("step", "metricName", "metricValue"))),
        ("savetxt.txt", f"# {table(separator=' ')}"),
        ("units.csv", table(head=("step (#)", "loss [nats]", "accuracy (share)"))),
        ("signs.csv", table([(a, b, f"{100 * float(c):.3f}%") for a, b, c in ROWS])),
        ("percent.csv", table([(a, b, f"{100 * float(c):.3f}") for a, b, c in ROWS], ("step", "loss", "accuracy [%]"))),
        ("signs.jsonl", "\n".join(json.dumps({"step": a, "loss": b, "acc": f"{float(c):.3%}"}) for a, b, c in ROWS)),
        ("long.csv", table([row for a, b, c in ROWS for row in ((a, "loss", b), (a, "accuracy", c))], LONG)),
    ],
)  # fmt: skip
def test_the_numbers_are_read_however_they_are_written(tmp_path, name, text):
    [run] = read(tmp_path / name, text)

    assert run.verdict is Verdict.COLLAPSED
    assert run.steps.index.tolist() == WANTED.step.tolist()
    assert np.allclose(run.steps["loss"], WANTED.loss, atol=1e-4)
    assert np.allclose(run.steps["accuracy"], WANTED.accuracy, atol=1e-4)
    assert "left out" not in told(run)


def test_steps_in_groups_of_three_digits_are_steps(tmp_path):
    [run] = read(tmp_path / "run.csv", table([(f'"{10 * a:,}"', b, c) for a, b, c in ROWS]))

    assert run.steps.index.tolist() == [10 * step for step in WANTED.step]
    assert run.verdict is Verdict.COLLAPSED


def test_epochs_of_how_many_are_epochs(tmp_path):
    [run] = read(tmp_path / "run.csv", "epoch,loss,accuracy\n1/3,2.3,0.1\n2/3,1.5,0.4\n3/3,1.0,0.7\n")

    assert run.info.environment["resolution"] == "every epoch"
    assert len(run) == 3


@pytest.mark.parametrize(("most", "words"), [((3, 9), "found 4 rows"), ((4, 1), "found 2 columns")])
def test_a_table_larger_than_that_of_any_training_is_one_line(tmp_path, monkeypatch, most, words):
    monkeypatch.setattr("diagnostics.imports.tabular.MOST", most)
    (tmp_path / "run.csv").write_text("step,loss\n0,2\n1,1\n2,1\n3,1\n")

    with pytest.raises(LogError, match=rf"run\.csv: cannot be read as CSV: {words}, expected at most \d; keep those"):
        import_runs(tmp_path / "run.csv")


def test_how_many_epochs_there_are_is_no_count_of_them(tmp_path):
    [run] = read(tmp_path / "run.csv", "epochs,epoch,loss\n3,1,2.3\n3,2,1.5\n3,3,1.0\n")

    assert run.info.environment["resolution"] == "every epoch"


def test_parts_of_epochs_are_steps(tmp_path):
    text = table([(a / 100, b, c) for a, b, c in ROWS], ("epoch", "loss", "accuracy"))
    [without] = read(tmp_path / "run.csv", text)
    [known] = read(tmp_path / "run.csv", text, ImportOptions(classes=10, steps_per_epoch=100))

    for run in (without, known):
        assert len(run) == len(ROWS)
        assert run.verdict is Verdict.COLLAPSED
    assert known.info.steps_per_epoch == 100
    assert known.info.environment["resolution"] == "every step"
    assert without.info.environment["resolution"] == "300 rows without steps"


def test_a_column_names_the_run_of_each_row(tmp_path):
    alive = curve(dies_at=None, seed=1)
    pairs = zip(WANTED.itertuples(), alive.itertuples(), strict=True)
    rows = [(name, one.step, one.loss, one.accuracy) for two in pairs for name, one in zip("ab", two, strict=True)]
    for column in ("run", "seed"):
        names = {"a": "7", "b": "8"} if column == "seed" else {"a": "a", "b": "b"}
        text = table([(names[name], *more) for name, *more in rows], (column, *HEAD))
        dead, living = read(tmp_path / "runs.csv", text)

        assert [dead.name, living.name] == [f"runs-{name}" for name in names.values()]
        assert (dead.verdict, living.verdict) == (Verdict.COLLAPSED, Verdict.HEALTHY)
        assert len(dead) == len(living) == len(ROWS)


def test_a_column_that_differs_in_every_row_names_no_runs(tmp_path):
    assert len(read(tmp_path / "run.csv", table([(a, *row) for a, *row in ROWS], ("trial", *HEAD[1:])))) == 1


def test_cells_without_a_number_are_told(tmp_path):
    [half] = read(tmp_path / "half.csv", table([(a, b, "broken" if a % 2 else c) for a, b, c in ROWS]))
    [none] = read(tmp_path / "none.csv", table([(a, b, "broken") for a, b, _ in ROWS]))
    [empty] = read(tmp_path / "empty.csv", table([(a, b, ("", "NA", "-", "null")[a % 4]) for a, b, _ in ROWS]))

    assert "150 cells of accuracy are left out, where no number can be read, such as in 'broken'" in told(half)
    assert "300 cells of accuracy are left out" in told(none)
    assert "left out" not in told(empty)


@pytest.mark.parametrize(("name", "separator"), [("run.csv", ","), ("run.txt", " ")])
def test_the_names_that_r_gives_to_rows_are_left_out(tmp_path, name, separator):
    lines = ['"epoch" "loss" "acc"', *(f'"{n}" {n} {2 / n} 0.25' for n in (1, 2, 3))]
    [run] = read(tmp_path / name, "\n".join(lines).replace(" ", separator))

    assert run.steps["loss"].tolist() == pytest.approx([2, 1, 2 / 3])
    assert run.steps["accuracy"].tolist() == [0.25] * 3


@pytest.mark.parametrize(("extra", "is_told"), [("", False), (",", False), (",0.5", True)])
def test_rows_with_more_cells_than_names_are_told(tmp_path, extra, is_told):
    [run] = read(tmp_path / "run.csv", "epoch,loss,acc\n" + "".join(f"{n},{2 / n},0.25{extra}\n" for n in (1, 2, 3)))

    assert ("its rows have up to 4 cells, its first line 3 names" in told(run)) is is_told
    assert len(run) == 3


def test_steps_and_epochs_of_any_name_can_be_named(tmp_path):
    path = tmp_path / "run.csv"
    columns = {"loss": "Verlust", "accuracy": "Genauigkeit"}
    text = table([(10 * a, b, c) for a, b, c in ROWS], ("Schritt", "Verlust", "Genauigkeit"))
    [run] = read(path, text, ImportOptions(classes=10, columns={**columns, "step": "Schritt"}))

    assert run.steps.index.tolist() == [10 * step for step in WANTED.step]
    [run] = read(path, text, ImportOptions(classes=10, columns={**columns, "epoch": "Schritt"}))
    assert run.info.environment["resolution"].startswith("every 10th epoch")
    with pytest.raises(LogError, match="--columns step=Step: found no Step; found Genauigkeit, Schritt, Verlust"):
        read(path, text, ImportOptions(classes=10, columns={**columns, "step": "Step"}))


@pytest.mark.parametrize("text", ["", "\n \n"])
@pytest.mark.parametrize("name", ["run.csv", "run.jsonl", "run.txt"])
def test_a_file_without_content_is_empty(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(LogError, match=f"{name}: is empty"):
        import_runs(path)
    with pytest.raises(LogError, match=f"{name}: is empty"):
        open_runs(path)


@pytest.mark.parametrize(
    "line", ["[2024-01-01 12:00:00] server started on port 80\n", "1: 830.37, 829.1 avg, 64 images\n"]
)
def test_a_text_that_names_no_loss_is_of_no_format(tmp_path, line):
    path = tmp_path / "log.txt"
    path.write_text(20 * line)
    for read_it in (import_runs, open_runs):
        with pytest.raises(LogError, match=re.escape(f"{path}: is of no format that is known: MLflow")):
            read_it(path)


def test_a_table_without_names_says_so(tmp_path):
    with pytest.raises(LogError, match="its first line holds numbers, expected the names of the columns"):
        read(tmp_path / "run.csv", table(head=("0", "2.3", "0.1")))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.5%", 0.125), ("12,5 %", 0.125), ("0,25", 0.25), ("-1,5e-3", -0.0015), ("1,234.5", 1234.5),
        ("1,234,567", 1234567), ("12 345", 12345), ("2,303", 2.303), (" inf ", np.inf), ("", None), ("a", None),
        ("1,2,3", None), ("%", None),
    ],
)  # fmt: skip
def test_a_number_has_the_signs_that_people_use(text, number):
    assert number_of(text) == (None if number is None else pytest.approx(number))


@pytest.mark.parametrize(
    ("text", "count"), [("1,000", 1000), ("1’000", 1000), ("3/10", 3), ("0,500", 0.5), ("7", 7), ("x", None)]
)
def test_a_count_may_have_groups_of_digits(text, count):
    assert count_of(text) == count
