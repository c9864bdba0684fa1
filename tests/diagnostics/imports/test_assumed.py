"""What is assumed of a log that does not say it: the batch size, the classes and their shares, and per cent."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.detect.findings import Verdict
from diagnostics.errors import LogError
from diagnostics.imports import ImportOptions, import_runs
from diagnostics.imports.assumed import are_per_cent, batch_size_of
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


@given(st.integers(2, 1000))
def test_even_priors_are_shares(classes):
    prior = even_prior(classes)

    assert len(prior) == classes
    assert math.isclose(sum(prior), 1)
    assert min(prior) > 0
