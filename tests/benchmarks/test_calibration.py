"""Calibration: when runs learn, how long to wait, and the page that says so."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibrate import patience, starts
from benchmarks.calibrate.bands import STATISTICS, band_rows, measured
from benchmarks.calibrate.calibration import CalibrationRun, prepare
from benchmarks.calibrate.candidates import CANDIDATES, candidate_rows, replayed
from benchmarks.calibrate.starts import LearningStart, first_learned, name_of, wanted
from benchmarks.common import render
from diagnostics.detect.findings import Stretch, Verdict
from diagnostics.detect.recorded import diagnose
from tests.helpers.judged_rows import H, info, rows
from tests.helpers.judged_zoo import judged
from tests.helpers.synthetic_runs import healthy

PRIOR = [0.1] * 10


def start(learned, last_guess=-1, name="run", validation=0.9):
    return LearningStart(name, "lenet", 469, learned, last_guess, validation)


def calibration_run(*fired, **changes):
    run = judged(**changes)
    by_candidate = [[Stretch(Verdict(kind), *steps) for kind, *steps in run.stretches]] * len(CANDIDATES)
    found = start(50, 30, run.name, run.accuracies[-1])
    return CalibrationRun(run, found, [1.0] * len(STATISTICS), frozenset(fired), by_candidate)


def test_a_run_has_learned_once_its_loss_is_low_and_was_guessing_as_long_as_it_was_at_chance():
    loss = np.r_[np.full(60, 2.3026), np.full(60, 0.3)].astype(np.float32)
    accuracy = np.r_[np.full(60, 0.1), np.full(60, 0.9)].astype(np.float32)

    learned, last_guess = first_learned(PRIOR, loss, accuracy)
    assert 59 <= last_guess < learned < 80


def test_a_run_that_stays_at_chance_never_learns():
    learned, last_guess = first_learned(PRIOR, np.full(100, 2.3026, np.float32), np.full(100, 0.1, np.float32))

    assert (learned, last_guess) == (None, 99)


def test_patience_lets_at_most_one_in_a_hundred_learners_be_called_too_early():
    found = [start(last + 10, last) for last in range(200)] + [start(None, 468)]
    waited = patience.patience(found)

    assert patience.share_guessing(found, waited) == (2, 200)
    assert patience.share_guessing(found, waited - 1) == (3, 200)


def test_nine_of_ten_learners_have_learned_when_grace_is_over():
    found = [start(step) for step in range(100)] + [start(None)]

    assert patience.grace(found) == 90
    assert patience.at_chance(found, patience.grace(found) - 1) == 10


def test_every_run_that_is_wanted_has_a_name_of_its_own_and_a_seed_of_the_calibration():
    names = [name_of(settings) for settings in wanted()]

    assert len(set(names)) == len(names)
    assert all(settings["seed"] < 10_000 for settings in wanted())


def test_what_was_kept_of_a_run_is_read_back(tmp_path):
    settings = {"network": "feedforward", "lr": 0.1, "epochs": 1, "seed": 1000}
    with (tmp_path / f"{name_of(settings)}.npz").open("wb") as file:
        np.savez(file, loss=np.full(30, 2.3026, np.float32), acc=np.full(30, 0.1, np.float32), val=0.1)

    assert starts.starts(tmp_path) == [LearningStart(name_of(settings), "feedforward", 30, None, 29, 0.1)]


def test_a_band_says_its_statistic_once_and_takes_the_bad_side_of_each():
    values = {network: [[float(i)] * len(STATISTICS) for i in range(1, 6)] for network in ("conv", "lenet")}
    rows = band_rows(values, [[9.0] * len(STATISTICS)])

    assert [bool(row[0]) for row in rows] == [True, False] * len(STATISTICS)
    assert {row[7] for row in rows} == {"9 (1)"}
    for statistic, row in zip(STATISTICS, rows[::2], strict=True):
        assert row[6] == ("1" if statistic.is_low_bad else "5")


def test_every_statistic_is_measured_on_a_healthy_run():
    assert len(measured(healthy())) == len(STATISTICS)


def test_the_page_counts_verdicts_causes_and_warnings():
    dead = calibration_run(
        accuracies=(0.1,),
        verdict="collapsed",
        stretches=(("collapsed", 300, 320, None),),
        cause=("dead-units", "conv2", 299),
        warned=(280,),
    )
    alive = [calibration_run("stall"), calibration_run(group="clean")]
    content = prepare([*alive, dead], [start(20, 10)], "patience.png")

    assert (content["logged"], content["alive"], content["dead"], content["short"]) == (3, 2, 1, 1)
    assert content["verdicts"] == "2 healthy"
    assert content["causes"] == [("dead-units", 1)]
    assert [value[:6] for _, value in content["warnings"]] == ["1 of 1", "1 of 1", "0 of 1", "0 of 1"]
    assert [row[1:3] for row in content["leads"]] == [("1", "40"), ("1", "20")]
    page = render("calibration.md.j2", content)
    assert "- dead-units: 1 of 1\n" in page
    assert "Rules that fired:\n\n- stall: in 1 of 2 runs\n" in page
    assert "\n\n\n" not in page


def collapse_with_a_dead_layer():
    """A run that learns, and whose first layer is dead without a gradient from step 200 on."""
    t = np.arange(260)
    silent = {f"conv1/{tensor}/gradient/norm": np.where(t < 200, 1.0, 0.0) for tensor in ("weights", "biases")}
    changes = {"conv1/dead_fraction": np.where(t < 200, 0.1, 1.0), **silent}
    right = np.where(t < 200, 0.9, np.where(t < 230, 0.18, 0.1))
    values = rows(np.where(t < 200, 0.3, H), right, changes=changes)
    return SimpleNamespace(
        name="fall",
        info=info(),
        status="completed",
        steps_made=len(values),
        validations=pd.DataFrame({"epoch": [], "loss": [], "accuracy": []}),
        rollbacks=(),
        rows=lambda: ((step, 1, row) for step, row in enumerate(values)),
    )


def test_a_candidate_confirms_no_later_than_the_detector_and_as_it_is_where_it_adds_nothing():
    run = collapse_with_a_dead_layer()
    as_it_is, *others = replayed(run)
    diagnosis = diagnose(run)

    assert [(s.kind, s.onset, s.confirmed) for s in as_it_is] == [
        (s.kind, s.onset, s.confirmed) for s in diagnosis.stretches
    ]
    assert all(found[0].confirmed <= as_it_is[0].confirmed for found in others)


def test_a_proof_over_few_rows_and_a_lenient_accuracy_confirm_a_slow_fall_earlier():
    by_form = replayed(collapse_with_a_dead_layer())
    confirmed = {form.words: found[0].confirmed for form, found in zip(CANDIDATES, by_form, strict=True)}

    [few] = [step for words, step in confirmed.items() if "over 5 rows" in words]
    [lenient] = [step for words, step in confirmed.items() if "A + 0.1" in words]
    assert few < lenient < confirmed["as it is"]


def test_the_table_of_candidates_counts_what_is_won_and_which_living_runs_are_called_dead():
    down, sooner = Stretch(Verdict.COLLAPSED, 100, 140), Stretch(Verdict.COLLAPSED, 100, 120)
    false = Stretch(Verdict.COLLAPSED, 50, 60, 70)
    others = len(CANDIDATES) - 2
    found = [("dead", [[down], [sooner], *[[down]] * others]), ("alive", [[], [false], *[[]] * others])]
    first, second, third, *_ = candidate_rows(found)

    assert first[1:] == ("-", "-", "0 of 1", "0")
    assert second[1:] == ("1 of 1", "20 in the median, up to 20", "1 of 1", "1")
    assert third[1:] == ("0 of 1", "-", "0 of 1", "0")


def test_a_page_without_what_it_needs_is_an_error():
    with pytest.raises(Exception, match="undefined"):
        render("calibration.md.j2", {})
