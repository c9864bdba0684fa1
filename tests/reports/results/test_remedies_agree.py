"""What the committed studies of remedies and of rescues say together, and that the default of a rollback follows."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from diagnostics.detect.rollback_remedies import DEFAULT_REMEDY, ROLLBACK_REMEDIES
from diagnostics.detect.rules import MECHANISMS
from diagnostics.rescue.death_study import PLAN, SAME_RATE, TREATMENTS
from diagnostics.rescue.study_tables import StudyTables
from reports.results.rescue import numbers
from tests.helpers.committed_runs import DOCS


@cache
def study() -> dict[str, Any]:
    page = DOCS / "rescue.md"
    return numbers(StudyTables(page, PLAN), page)


def test_every_arm_that_the_study_of_remedies_has_proven_has_the_same_sign_in_the_rescues() -> None:
    tried = [one for one in study()["agreement"] if one["tried"]]

    assert {one["label"] for one in tried} == {treatment.title for treatment in TREATMENTS}
    assert [one["label"] for one in tried if not one["same"]] == []


def test_in_the_rescues_every_death_was_reproduced_and_what_changes_nothing_was_proven_in_none() -> None:
    every = study()["populations"][-1]
    nothing = next(one for one in every["treatments"] if one["arm"] == SAME_RATE)

    assert every["reproduced"] == every["deaths"] > 0
    assert (nothing["proven"], nothing["worse"]) == (0, 0)


def test_the_default_of_a_rollback_is_the_remedy_that_both_studies_prove_best_of_those_it_offers() -> None:
    families = json.loads((DOCS / "remedies.json").read_text())["families"]
    there = {arm["label"]: arm["comparison"] for arm in next(f for f in families if not f["is_report"])["arms"]}
    titles = {one.key: one.title for one in TREATMENTS}
    here = {one["arm"]: one for one in study()["populations"][-1]["treatments"]}

    assert {there[titles[key]]["effect"] for key in ROLLBACK_REMEDIES} == {"helps"}
    assert max(ROLLBACK_REMEDIES, key=lambda key: here[key]["share"]["count"]) == DEFAULT_REMEDY
    saved = {key: there[titles[key]]["saved"] - there[titles[key]]["lost"] for key in ROLLBACK_REMEDIES}
    assert saved[DEFAULT_REMEDY] == max(saved.values())


def test_rules_name_remedies_in_the_order_of_the_branches_that_they_saved() -> None:
    lived = {one["arm"]: one["share"]["count"] for one in study()["populations"][-1]["treatments"]}
    saved = {"smaller-rate": lived["quarter-rate"], "clip": lived["clip"], "warm-up": lived["warm-up"]}
    told = [[key for key in rule.remedies if key in saved] for rule in MECHANISMS]

    assert sum(len(keys) > 1 for keys in told) >= 4
    assert [keys for keys in told if keys != sorted(keys, key=lambda key: -saved[key])] == []
