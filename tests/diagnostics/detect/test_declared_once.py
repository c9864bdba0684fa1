"""A new rule is its file and its place in the list, a new remedy one entry: each shows everywhere by itself."""

from __future__ import annotations

import pytest

from diagnostics.detect.remedies import LIVE, REMEDIES, Dose, Remedy, suggestion, suggestions
from diagnostics.detect.rules import ENDING, MECHANISMS, OF_LOSSES, SYMPTOMS
from lenet.settings import Settings
from reports.text.remedies import command_for
from tests.helpers.forked import run
from tests.helpers.judged_rows import info

DUMMY_RULE = '''
"""What a dummy looks for."""
import numpy as np
from diagnostics.detect.link import Origin
from diagnostics.detect.examples import example
from diagnostics.detect.rule import Case, Rule
from diagnostics.detect.thresholds import Threshold
from diagnostics.detect import rules

class Dummy(Rule):
    name, title, rank, origin = "dummy", "a dummy sees step 7", 1, Origin.LUCK
    is_fault = is_about_the_start = True
    thresholds = (Threshold("dummy", "size", 3, "steps", "how much of a dummy", "choice"),)
    remedies = ("smaller-rate",)
    def check(self, window):
        size = self.threshold(window, "size")
        return [self.finding(window, None, 7, 8, 5.0, size, "a dummy was here")] if len(window) > 100 else []
    def cases(self, thresholds):
        return (Case("few rows", example(thresholds)), Case("many", example(thresholds, steps=200), (None,)))

rules.MECHANISMS += (Dummy(),)

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from reports.text.diagnosis import diagnosis_text
from reports.text.rules_manual import manual, overview
from tests.helpers.judged_rows import H, judge, piecewise, rows

assert DEFAULT_THRESHOLDS["dummy.size"] == 3
assert "a dummy sees step 7" in overview() and "What a dummy looks for" in manual()
diagnosis = judge(rows(piecewise((300, H)), 0.1)).diagnosis
assert diagnosis.first_link.rule == "dummy" and diagnosis.first_link.origin == "luck", diagnosis.first_link
assert diagnosis.remedies == ("a smaller learning rate",)
assert any(check.rule == "dummy" for check in diagnosis.checks)
assert "a dummy was here" in diagnosis_text(diagnosis)
'''


def test_a_new_rule_is_asked_explained_in_the_manual_and_in_the_thresholds():
    done = run("-c", DUMMY_RULE, project=False)

    assert done.returncode == 0, done.stderr


def test_a_new_remedy_is_suggested_dosed_and_typed(monkeypatch):
    dummy = Remedy(
        "nap",
        "a nap of {dose} steps",
        "everybody needs one",
        lambda settings, dose: {"warmup": int(dose)},
        dose=Dose("steps", 30.0),
    )
    monkeypatch.setattr("diagnostics.detect.remedies.REMEDIES", {**REMEDIES, "nap": dummy})
    [one] = suggestions(["nap", "nap"], info())

    assert one.title == "a nap of 30 steps"
    assert command_for({"seed": 3}, one) == "lenet-diag train --seed 3 --warmup 30"
    assert suggestion("nap", dose=70).title == "a nap of 70 steps"
    assert dummy.is_live({})


def test_rules_name_remedies_and_rules_that_exist():
    rules = (*MECHANISMS, *SYMPTOMS, *ENDING, *OF_LOSSES)
    names = {rule.name for rule in rules}

    assert all(key in REMEDIES for rule in rules for key in rule.remedies)
    assert all(name in names for rule in rules for name in rule.includes)


@pytest.mark.parametrize("key", REMEDIES)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "momentum", "momentum": 0.5, "nesterov": True, "lr": 0.05},
        {"lr_decay": "step", "decay_rate": 0.5, "decay_every": 10, "warmup": 5},
        {"network": "feedforward", "activation": "sigmoid", "optimizer": "adam", "lr": 0.001, "init": "he"},
    ],
)
def test_what_a_remedy_changes_makes_settings_again_at_every_strength(key, settings):
    remedy, before = REMEDIES[key], Settings(**settings).to_dict()
    for dose in (None, *(remedy.dose.others if remedy.dose else ())):
        changed = remedy.changed(before, dose)
        assert Settings.from_dict({**before, **changed}).to_dict().items() >= changed.items()
        assert remedy.is_live(before) == (bool(changed) and set(changed) <= LIVE)


def test_with_adaptive_steps_clipping_is_not_suggested():
    keys = ("clip", "smaller-rate")
    plain, adam = info(), info(description={"optimizer": "OptimizerAdam"})

    assert [one.remedy.key for one in suggestions(keys, plain)] == ["clip", "smaller-rate"]
    assert [one.remedy.key for one in suggestions(keys, adam)] == ["smaller-rate"]


def test_a_command_stands_in_a_title_only_where_the_run_has_settings_of_the_command_line():
    assert suggestion("gradient-check", info()).title == "a gradient check"
    assert suggestion("gradient-check", info(settings={"lr": 0.5})).title == "a gradient check (lenet-diag gradcheck)"
