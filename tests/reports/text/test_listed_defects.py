"""The line of a defect run in the statistics: its first link, and its blow where that is another event."""

from __future__ import annotations

import pytest

from diagnostics.statistics.group import Group
from reports.text.statistics import group_text
from tests.helpers.fake_runs import fake_run


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "dead-units in conv2 at step 32"),
        ({"blow": "dead-units", "blow_layer": "conv2"}, "dead-units in conv2 at step 32"),
        (
            {"blow": "oversized-update", "blow_layer": "conv1", "broke_at": 53},
            "dead-units in conv2 at step 32, blow: oversized-update in conv1 at step 53",
        ),
        ({"cause": None}, "unexplained"),
    ],
)
def test_a_defect_run_is_listed_with_its_first_link_and_its_blow(tmp_path, changes, words):
    text = group_text(Group("all", [fake_run(tmp_path, "a.h5", "never-learned", 1, **changes)]))

    assert f"a.h5: never-learned, {words}" in " ".join(text.split())
