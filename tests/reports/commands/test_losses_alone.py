"""Logs that have losses and no accuracy, through every command that takes them."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from diagnostics import Recorder, open_run
from diagnostics.imports import ImportOptions, import_runs
from lenet import PrintProgress
from reports.figures.loss import captioned, prepare
from reports.notebook.cards import content
from tests.helpers.command_line import typed
from tests.helpers.scratch_network import ScratchNetwork
from tests.helpers.small_models import Call
from tests.helpers.tool_logs import curve, write_csv


def losses(**columns):
    """Steps and losses of a run that learns, with further columns and without an accuracy."""
    run = curve(240, None)
    return pd.DataFrame({"step": run.step, "loss": run.loss, **columns})


@pytest.fixture
def good(tmp_path):
    return write_csv(tmp_path / "good.csv", losses())


@pytest.fixture
def dead(tmp_path):
    """Losses that never leave those of guessing among ten classes."""
    still = math.log(10) + 0.02 * np.random.default_rng(1).normal(size=240)
    return write_csv(tmp_path / "dead.csv", losses().assign(loss=still))


def test_diagnose_judges_a_run_by_its_losses(good, dead):
    result = typed("diagnose", good, dead, "--classes", 10)

    assert result.exit_code == 0
    assert "good: healthy" in result.stdout
    assert "dead: a defect run, never learned" in result.stdout
    assert "training:   loss 0.149 (mean of its last 20 steps)" in result.stdout
    assert "accuracy –" not in result.stdout
    as_json = typed("diagnose", good, dead, "--classes", 10, "--json")
    assert [one["verdict"] for one in json.loads(as_json.stdout)] == ["healthy", "never-learned"]


def test_diagnose_takes_the_losses_of_a_regression(tmp_path):
    result = typed("diagnose", write_csv(tmp_path / "regression.csv", losses(mse=1.0)))

    assert result.exit_code == 0
    assert "regression: undecided" in result.stdout
    assert "training:   loss 0.149" in result.stdout


def test_diagnose_tells_the_losses_of_epochs_and_validations(tmp_path):
    run = losses(epoch=1 + np.arange(240) // 60, val_loss=np.where(np.arange(240) % 60 == 59, 0.2, np.nan))
    result = typed("diagnose", write_csv(tmp_path / "epochs.csv", run), "--classes", 10)

    assert "training:   loss 0.15 (mean of epoch 4)" in result.stdout
    assert "validation: loss 0.2\n" in result.stdout


def test_an_imported_log_without_accuracies_is_diagnosed_and_watched(tmp_path):
    run = losses(epoch=1 + np.arange(240) // 60, val_loss=np.where(np.arange(240) % 60 == 59, 0.2, np.nan))
    typed("import", write_csv(tmp_path / "run.csv", run), "--classes", 10, "--out", tmp_path)
    log = tmp_path / "run.h5"

    assert "training:   loss 0.15" in typed("diagnose", log).stdout
    watched = typed("watch", log)
    assert watched.exit_code == 0
    assert "epoch 4 ended: loss 0.150" in watched.output
    assert "validation: loss 0.200" in watched.output
    assert "nan" not in watched.output


def test_the_live_view_gives_the_curve_of_the_losses_the_whole_width(good, tmp_path):
    typed("import", good, "--classes", 10, "--out", tmp_path)
    watched = typed("watch", tmp_path / "good.h5")

    assert "loss 0.1" in watched.output
    assert "accuracy" not in watched.output
    assert max(len(line.rstrip()) for line in watched.output.splitlines() if "guess" in line) > 70


def test_a_page_of_losses_says_how_low_they_are_and_draws_no_empty_curve(tmp_path):
    run = losses(val_loss=np.where(np.arange(240) % 60 == 59, 0.2, np.nan))
    result = typed("report", write_csv(tmp_path / "good.csv", run), "--classes", 10, "-o", tmp_path / "page")
    page = (tmp_path / "page" / "report.html").read_text()

    assert result.exit_code == 0
    assert "loss 0.2" in page
    assert "validation loss" in page
    assert "validation accuracy" not in page
    assert "A curve of the loss over steps 0 to 239" in page


def test_a_figure_of_losses_shows_the_accuracies_of_validations(tmp_path):
    run = losses(val_acc=np.where(np.arange(240) % 60 == 59, 0.9, np.nan))
    [read] = import_runs(write_csv(tmp_path / "good.csv", run), ImportOptions(classes=10))
    [figure] = captioned(read)

    assert prepare(read).has_accuracy
    assert figure.alt.startswith("A curve of the loss over steps 0 to 239, and below it the accuracies of the")
    assert "the last validation has an accuracy of 90.0 %" in figure.alt


def test_statistics_list_no_accuracy_that_no_run_has(good, dead):
    result = typed("stats", good, dead, "--classes", 10)

    assert result.exit_code == 0
    assert "1 of 2" in result.stdout
    assert "epoch 1 accuracy" not in result.stdout
    assert "ended early" not in result.stdout


@pytest.mark.usefixtures("blank_pictures")
def test_a_folder_of_runs_without_tensors_has_a_page(good, dead, tmp_path):
    typed("import", good, dead, "--classes", 10, "--out", tmp_path / "runs")
    result = typed("report", tmp_path / "runs", "--runs", "none", "--jobs", 1, "-o", tmp_path / "page")

    assert result.exit_code == 0
    assert "1 of 2" in (tmp_path / "page" / "report.html").read_text()


def test_a_loop_of_ones_own_without_accuracies_tells_its_losses(tmp_path, capsys):
    network, cards = ScratchNetwork(), []
    recorder = Recorder(tmp_path / "own.h5", not_recorded=("accuracy",))
    looking = Call("on_step_end", lambda event: cards.append(content(recorder).sentence))
    with network.training([recorder, PrintProgress(1), looking]) as training:
        for rows in network.batches():
            loss, _ = network.gradients(rows)
            training.before_update(network.images[rows], loss, None, 0.1)
            network.update()
            training.after_update()
        training.validated(0.5, None, 50)

    assert "step:1, loss:" in capsys.readouterr().out
    assert cards[-1].startswith("Step 5 of 6: loss ")
    assert cards[-1].count("accuracy") == 0
    assert "validation loss 0.5000" in set(open_run(tmp_path / "own.h5").events["message"])
    result = typed("diagnose", tmp_path / "own.h5")
    assert "validation: loss 0.5\n" in result.stdout
    assert "accuracy –" not in result.stdout
