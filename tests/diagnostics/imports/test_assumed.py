"""What is assumed of a log that does not say it: the batch size, the classes and their shares, and per cent."""

from __future__ import annotations

import gzip
import io
import math
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.assumed import are_per_cent, batch_size_of, classes_of_frozen_loss
from diagnostics.imports.cells import whole_number_of
from diagnostics.imports.options import even_prior, prior_of_labels
from tests.helpers.imported_runs import TEN, imported, told
from tests.helpers.tool_logs import curve


@pytest.mark.parametrize(
    ("name", "accuracies", "loss", "answer"),
    [
        ("accuracy", [0.1, 12.0], 2.3, True),
        ("accuracy", [0.1, 0.2], 2.3, False),
        ("Acc@1", [0.0, 0.39, 0.0], 6.9, True),  # 1,000 classes, and one sample of 256 is right at times
        ("Acc@1", [0.1, 0.8, 0.9], 0.5, False),
        ("Acc@1", [0.1, 0.2], math.nan, False),
    ],
)
def test_accuracies_are_per_cent_where_guessing_would_be_right_less_often(name, accuracies, loss, answer):
    assert are_per_cent(np.array(accuracies), name, np.array([loss, loss])) is answer


def test_the_number_of_classes_is_guessed_from_a_frozen_loss_and_the_guess_is_told(tmp_path):
    run = imported(tmp_path, curve(), ImportOptions())

    assert run.verdict is Verdict.COLLAPSED
    assert "10 classes are guessed, since the loss stands still at ln 10" in told(run)
    alive = imported(tmp_path, curve(dies_at=None), ImportOptions())
    assert alive.verdict is Verdict.UNDECIDED
    assert "guessed" not in told(alive)


def test_accuracies_in_per_cent_are_shares(tmp_path):
    run = imported(tmp_path, curve().assign(accuracy=lambda frame: 100 * frame.accuracy))

    assert run.steps["accuracy"].max() <= 1
    assert "per cent" in told(run)


@given(st.integers(2, 512), st.integers(0, 1000))
def test_the_batch_size_is_found_from_the_accuracies(batch, seed):
    right = np.random.default_rng(seed).binomial(batch, 0.6, 200)
    found = batch_size_of(right / batch)

    assert found is None or (batch % found == 0 and (right * found % batch == 0).mean() >= 0.99)


@pytest.mark.parametrize("digits", [1, 2, 3])
def test_accuracies_that_may_be_rounded_tell_no_batch_size(digits):
    right = np.random.default_rng(digits).binomial(64, 0.6, 200)

    assert batch_size_of(right / 64) == 64
    assert batch_size_of(np.round(right / 64, digits)) is None


def test_accuracies_of_epochs_tell_no_batch_size(tmp_path):
    table = tmp_path / "epochs.csv"
    table.write_text("epoch,loss,accuracy\n" + "".join(f"{e},0.5,{0.5 + 0.0625 * (e % 5)}\n" for e in range(1, 41)))
    [run] = import_runs(table, TEN)

    assert "batches are taken to have 128 samples; say their size with --batch-size" in told(run)


@pytest.mark.parametrize("value", [math.nan, math.inf, "inf", -1, 0.5, True, None, "many", []])
def test_a_setting_that_is_no_count_is_not_taken_as_one(value: object) -> None:
    assert whole_number_of(value) is None
    assert whole_number_of(" 64 ") == 64


def test_the_prior_is_counted_in_labels(tmp_path):
    np.save(tmp_path / "y.npy", np.array([0, 0, 0, 1]))
    (tmp_path / "y.txt").write_text("0\n1\n1\n1\n")

    assert prior_of_labels(tmp_path / "y.npy") == (0.75, 0.25)
    assert prior_of_labels(tmp_path / "y.txt") == (0.25, 0.75)
    (tmp_path / "y.txt").write_text("cat dog")
    with pytest.raises(LogError, match=r"y\.txt: cannot be read as labels"):
        prior_of_labels(tmp_path / "y.txt")


def npy(shape: object, kind: str = "<f8") -> bytes:
    """The header of an array, without its numbers."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


def saved(write: Callable[..., None], *arrays: object) -> bytes:
    file = io.BytesIO()
    write(file, *arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("y.npy", npy((10**11,)), "cannot be read as labels: "),
        ("y.npy", npy("(" * 50), "cannot be read as labels: "),
        ("y.npy", b"", "cannot be read as labels: "),
        ("y.npy", saved(np.save, np.ones(3, complex)), "found complex128, expected whole numbers"),
        ("y.npy", saved(np.save, np.zeros(3, "M8[D]")), "found datetime64[D], expected whole numbers"),
        ("y.npy", saved(np.savez, np.arange(3)), "the magic string is not correct"),
        ("y.npy", saved(np.save, np.zeros(4)), "found one class in all its 4 labels"),
        ("y.npy", saved(np.save, np.array([1, np.nan])), "found labels that are no whole numbers"),
        ("y.txt", b"3", "found one class in all its 1 labels"),
        ("y.gz", gzip.compress(b"0\n1\n" * 999, mtime=0)[:-9], "cannot be read as labels: "),
        ("y.gz", b"\x1f\x8b\x08" + b"\xff" * 99, "cannot be read as labels: "),
        ("y.gz", None, "cannot be read as labels: no such file or directory"),
    ],
)
def test_files_that_hold_no_labels_are_one_line(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(LogError) as error:
        prior_of_labels(tmp_path / name)

    assert str(error.value).startswith(f"{tmp_path / name}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_more_classes_than_a_run_has_are_refused_and_not_believed_in_a_file(tmp_path):
    shutil.copytree(Path(__file__).parent / "samples" / "mlflow-run", tmp_path / "run")
    for name in ("classes", "num_classes"):
        (tmp_path / "run" / "params" / name).write_text(str(10**12))

    [run] = import_runs(tmp_path / "run")

    assert len(run.info.prior) <= 10
    with pytest.raises(LogError, match="classes: received 1000001, expected at most 1,000,000"):
        ImportOptions(classes=1_000_001)


@pytest.mark.parametrize(
    ("name", "value"),
    [("classes", "10"), ("classes", [10]), ("batch_size", 6.5), ("steps_per_epoch", np.zeros(0)), ("prior", 3),
     ("prior", "0.5,0.5"), ("prior", [None, 1])],
)  # fmt: skip
def test_options_of_other_kinds_are_named_in_one_line(name, value):
    with pytest.raises(LogError, match=f"^{name}: received [^\n]*, expected (a whole number|the shares)"):
        ImportOptions(**{name: value})


def test_losses_whose_sum_is_too_large_raise_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert classes_of_frozen_loss(np.full(9, 1e308), np.full(9, 0.1)) is None


@given(st.integers(2, 1000))
def test_even_priors_are_shares(classes):
    prior = even_prior(classes)

    assert len(prior) == classes
    assert math.isclose(sum(prior), 1)
    assert min(prior) > 0
