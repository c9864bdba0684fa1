"""The detector on whole runs: what it says of them, and that it says the same live and from a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnostics.detect import causes
from diagnostics.detect.detector import DEFAULT_THRESHOLDS, Detector
from diagnostics.detect.findings import RuleOutcome, Stretch, Verdict
from diagnostics.detect.recorded import diagnose
from diagnostics.detect.rule import Rule
from diagnostics.errors import DiagnosticsError
from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from diagnostics.schema.columns import Columns
from lenet.hooks import Hook, StopTraining
from tests.helpers.judged_rows import H, P, info, judge, piecewise, rows
from tests.helpers.small_trainings import small_model, train

# ---- the paper's own trace

PRINTED = {
    320: (0.292, 0.891),
    384: (0.340, 0.891),
    448: (0.096, 0.969),
    469 + 64: (0.297, 0.906),
    469 + 128: (0.134, 0.938),
    469 + 192: (2.315, 0.086),
    469 + 256: (2.307, 0.078),
    469 + 320: (2.312, 0.117),
    469 + 384: (2.293, 0.109),
}


def test_the_trace_in_the_report_is_a_collapse_that_began_between_its_two_lines():
    steps = np.arange(469 + 385)
    known = np.array(list(PRINTED))
    loss = np.interp(steps, [0, *known], [2.3, *(line[0] for line in PRINTED.values())])
    accuracy = np.interp(steps, [0, *known], [0.1, *(line[1] for line in PRINTED.values())])

    told = judge(rows(loss, accuracy))

    assert told.diagnosis.verdict is Verdict.COLLAPSED
    assert 469 + 129 <= told.diagnosis.onset <= 469 + 192
    assert told.diagnosis.confirmed - told.diagnosis.onset <= 40


# ---- live and from a file


class Events(Hook):
    """What the detector of a recorder knows after each step."""

    def __init__(self, recorder):
        self.recorder, self.known = recorder, []

    def on_step_end(self, event):
        detector = self.recorder.detector
        stretches = tuple(detector.symptoms.stretches)
        self.known.append((event.step, detector.verdict_so_far, stretches, dict(detector.suspects)))


def known_from_file(path):
    run = open_run(path)
    detector = Detector(run.info)
    known = []
    for step, epoch, row in run.rows():
        detector.observe(step, epoch, row)
        stretches = tuple(detector.symptoms.stretches)
        known.append((step, detector.verdict_so_far, stretches, dict(detector.suspects)))
    return known


@pytest.mark.parametrize("lr", [0.1, 40.0])
def test_a_log_gets_step_for_step_the_answers_the_run_got_live(tmp_path, lr):
    recorder = Recorder(tmp_path / "run.h5", histograms_every=0)
    events = Events(recorder)

    train([recorder, events], small_model(lr=lr), epochs=16)

    assert known_from_file(tmp_path / "run.h5") == events.known
    assert open_run(tmp_path / "run.h5").diagnosis.to_json() == recorder.diagnosis.to_json()


@pytest.mark.parametrize("lr", [0.1, 40.0])
def test_a_log_of_every_fifth_step_gets_the_answers_too(tmp_path, lr):
    recorder = Recorder(tmp_path / "run.h5", log_every=5, histograms_every=0)

    train([recorder], small_model(lr=lr), epochs=20)

    run = open_run(tmp_path / "run.h5")
    assert len(run) == 52
    assert run.diagnosis.to_json() == recorder.diagnosis.to_json()
    assert run.verdict.is_defect == (lr == 40.0)


class StopAt(Hook):
    """Ends the training after a step."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, event):
        if event.step == self.step:
            raise StopTraining("on purpose")


def test_a_resumed_run_gets_the_answers_of_one_that_was_not_interrupted(tmp_path):
    whole = Recorder(tmp_path / "whole.h5", histograms_every=0)
    train([whole], small_model(lr=40.0), epochs=16)
    model = small_model(lr=40.0)
    first = Recorder(tmp_path / "two.h5", histograms_every=0, model=model, checkpoint_every=13)
    train([first, StopAt(150)], model, epochs=16)
    again = small_model(lr=40.0)
    second = Recorder(tmp_path / "two.h5", histograms_every=0, model=again, checkpoint_every=13)
    second.resume(again)
    train([second], again, epochs=16)

    expected, received = whole.diagnosis.to_json(), second.diagnosis.to_json()
    assert {**received, "run": None} == {**expected, "run": None}


@pytest.mark.parametrize("every", [1, 5, 10, 25])
def test_sparse_logs_find_the_same_collapse(every):
    loss = piecewise((400, 0.3), (400, H))
    steps = range(0, 800, every)

    told = judge(rows(loss)[::every], steps=steps)

    assert told.diagnosis.verdict is Verdict.COLLAPSED
    assert abs(told.diagnosis.onset - 400) <= 3 * every
    assert told.diagnosis.confirmed - 400 <= max(20, 5 * every)


# ---- what is told, and when


def test_a_stretch_is_told_when_it_is_confirmed_and_again_when_it_ends():
    told = judge(rows(piecewise((60, 0.3), (60, H), (60, 0.3))))

    said = [(step, e.recovery) for step, found in enumerate(told.events) for e in found if isinstance(e, Stretch)]
    (stretch,) = told.diagnosis.stretches
    assert said == [(stretch.confirmed, None), (stretch.recovery, stretch.recovery)]


def test_a_run_that_goes_on_is_not_judged_by_grace():
    guessing = rows(piecewise((P - 10, H)))

    assert judge(guessing, status="running").diagnosis.verdict is Verdict.UNDECIDED
    assert judge(guessing, status="completed").diagnosis.verdict is Verdict.NEVER_LEARNED
    assert judge(guessing, status="interrupted").diagnosis.verdict is Verdict.NEVER_LEARNED


def test_memory_stays_flat_and_the_chain_reaches_back_far_enough():
    told = judge(rows(piecewise((3000, 0.3), (60, H))))

    assert len(told.detector._history.ordered()[0]) == 1024
    assert told.diagnosis.onset == pytest.approx(3000, abs=5)


def test_the_limits_a_run_was_judged_by_stand_in_its_diagnosis():
    limits = DEFAULT_THRESHOLDS.changed({"verdict.patience": 60})

    told = judge(rows(piecewise((370, H))), limits=limits)

    assert told.diagnosis.limits["verdict.patience"] == 60
    assert told.diagnosis.confirmed == 360


# ---- proof


def silent(count, begin, layer="dense1", gradient=0.0):
    zeros = {
        f"{one}/{tensor}/gradient/norm": (begin, gradient)
        for one in ("conv1", layer)
        for tensor in ("weights", "biases")
    }
    return {f"{layer}/dead_fraction": (begin, 1.0), f"{layer}/dead_window_fraction": (begin + 19, 1.0), **zeros}


def test_a_wholly_dead_layer_without_a_gradient_is_proof_at_once():
    told = judge(rows(piecewise((80, H)), changes=silent(80, 30)))

    assert told.stretches == [("never-learned", 0, 49, None)]


@pytest.mark.parametrize(
    "changes",
    [silent(80, 30, gradient=1e-12), {**silent(80, 30), "dense1/dead_fraction": 0.99}],
    ids=["a faint gradient", "one unit alive"],
)
def test_less_than_that_is_no_proof(changes):
    assert judge(rows(piecewise((80, H)), changes=changes), status="running").stretches == []


def test_weight_decay_can_revive_a_dead_layer_so_there_is_no_proof():
    decaying = info(description={"weight_decay": 0.01})

    assert judge(rows(piecewise((80, H)), changes=silent(80, 30)), decaying, status="running").stretches == []


def test_a_tanh_layer_stuck_at_the_same_numbers_is_proof():
    from diagnostics.detect.examples import example_info

    stuck = {"dense1/std": (30, 0.0), **{k: v for k, v in silent(80, 30).items() if "gradient" in k}}
    values = rows(piecewise((80, H)), changes=stuck, function="tanh")

    assert judge(values, example_info("tanh")).stretches == [("never-learned", 0, 49, None)]
    assert judge(values, example_info("relu"), status="running").stretches == []


# ---- rules that fail, columns that are missing


class Crashing(Rule):
    name = "crashing"
    title = "always crashes"
    is_lasting = True

    def check(self, window):
        raise ZeroDivisionError("on purpose")


def test_a_crashing_rule_is_one_error_entry_and_the_diagnosis_stands(monkeypatch):
    monkeypatch.setattr(causes, "MECHANISMS", (*causes.MECHANISMS, Crashing()))

    for loss in (piecewise((60, 0.3), (60, H)), piecewise((90, 0.3))):
        diagnosis = judge(rows(loss)).diagnosis
        errors = [check for check in diagnosis.checks if check.outcome is RuleOutcome.ERROR]

        assert diagnosis.verdict in (Verdict.COLLAPSED, Verdict.HEALTHY)
        assert [(e.rule, e.message) for e in errors] == [("crashing", "the rule failed: ZeroDivisionError: on purpose")]
        assert not any(f.rule == "crashing" for f in diagnosis.findings)


def without(values, *names):
    about = info()
    keep = [i for i, name in enumerate(about.columns.names) if name not in names]
    columns = Columns([about.columns[i] for i in keep])
    return Detector(replace(about, recorded_columns=columns)), values[:, keep]


def test_a_rule_whose_column_is_missing_is_not_run_and_says_so():
    detector, values = without(rows(piecewise((60, 0.3), (60, H))), "dense1/dead_fraction")
    for step, row in enumerate(values):
        detector.observe(step, 1, row)

    diagnosis = detector.finish()

    missing = [check for check in diagnosis.checks if check.rule == "dead-units"]
    assert diagnosis.verdict is Verdict.COLLAPSED
    words = "not asked: no dead fraction of the activations of dense1 in this run"
    assert [(c.outcome, c.message) for c in missing] == [(RuleOutcome.NOT_RUN, words)]


def test_any_mechanism_column_may_be_missing():
    about = info()
    columns = Columns([column for column in about.columns if column.group == "scalar"])
    detector = Detector(replace(about, recorded_columns=columns))
    values = rows(piecewise((60, 0.3), (P, H)))[:, : len(columns)]
    for step, row in enumerate(values):
        detector.observe(step, 1, row)

    assert detector.finish().verdict is Verdict.COLLAPSED


def test_without_a_loss_there_is_nothing_to_judge():
    with pytest.raises(DiagnosticsError, match="lack data_loss"):
        without(rows(piecewise((5, H))), "data_loss")


def test_a_run_from_memory_and_its_replay_agree():
    from diagnostics.run.run import Run

    values = rows(piecewise((60, 0.3), (60, H)))
    told = judge(values)
    run = Run.from_rows(info(), range(120), [1] * 120, values)

    assert diagnose(run).to_json() == replace(told.diagnosis, run="run").to_json()


def test_some_rows_of_a_run_without_any_are_undecided():
    diagnosis = judge(rows(np.zeros(0))).diagnosis

    assert diagnosis.verdict is Verdict.UNDECIDED
    assert [f.rule for f in diagnosis.findings] == ["undecided"]
