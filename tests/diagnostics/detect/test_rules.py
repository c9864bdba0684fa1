"""Every rule is asked about the cases that live with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.examples import example
from diagnostics.detect.findings import RuleOutcome
from diagnostics.detect.rule import Case, Rule
from diagnostics.detect.rules import ENDING, MECHANISMS, OF_LOSSES, SYMPTOMS
from diagnostics.detect.rules.equal_units import EqualUnits

RULES = (*SYMPTOMS, *ENDING, *OF_LOSSES, *MECHANISMS)
CASES = [
    pytest.param(rule, case, id=f"{rule.name}: {case.title}")
    for rule in RULES
    for case in rule.cases(DEFAULT_THRESHOLDS)
]


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_a_rule_names_the_layers_of_its_cases_and_no_others(rule: Rule, case: Case) -> None:
    findings = rule.check(case.window)

    assert {finding.layer for finding in findings} == set(case.layers)
    assert all(f.outcome is RuleOutcome.FIRED and f.rule == rule.name and not f.confidence > 1 for f in findings)
    assert all(f.first_step <= f.last_step for f in findings)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_healthy_and_a_faulty_case_and_a_manual(rule: Rule) -> None:
    cases = rule.cases(DEFAULT_THRESHOLDS)

    assert any(not case.layers for case in cases)
    assert any(case.layers for case in cases)
    assert rule.title
    assert all(limit.rule == rule.name and limit.unit and limit.source for limit in rule.thresholds)


def test_rule_names_are_unique() -> None:
    names = [rule.name for rule in RULES]

    assert len(names) == len(set(names))


def test_gammas_that_are_all_1_are_no_equal_units():
    window = example(DEFAULT_THRESHOLDS, {"dense1/weights/value/mean": 1.0, "dense1/weights/value/std": 0.0})
    gamma = [replace(one, shape=(16,), size=16) if one.layer == "dense1" else one for one in window.info.tensors]

    assert [finding.layer for finding in EqualUnits().check(window)] == ["dense1"]
    assert EqualUnits().check(replace(window, info=replace(window.info, tensors=tuple(gamma)))) == []
