"""How long to wait at a standstill: the table of waits, and the page."""

from __future__ import annotations

import pytest

from benchmarks.calibrate import standstill
from benchmarks.calibrate.standstill import WAITS, Waited, prepare
from benchmarks.common import render
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.log.reader import open_run
from diagnostics.log.writer import LogWriter
from diagnostics.schema.header import Header
from tests.helpers.judged_rows import H, P, info, piecewise, rows


@pytest.fixture
def late(tmp_path):
    """The log of a run that guesses for 3.5 times the patience and learns then."""
    values = rows(piecewise((int(3.5 * P), H), (100, 0.3)))
    log = LogWriter(tmp_path / "late.h5", Header(info(window=20)))
    for step, row in enumerate(values):
        log.row(step, 1, row)
    log.close("completed")
    return tmp_path / "late.h5"


def test_a_wait_that_is_longer_than_the_plateau_of_a_run_does_not_call_it_dead(late):
    found = standstill.waited(late)

    assert open_run(late).verdict == "healthy"
    assert found.is_alive
    assert P * 3.5 < found.first_learned < P * 3.5 + 20
    confirmed = dict(zip(WAITS, found.confirmed, strict=False))
    assert [confirmed[wait] for wait in (1, 2, 3)] == [pytest.approx(wait * P, abs=10) for wait in (1, 2, 3)]
    assert {confirmed[wait] for wait in WAITS if wait > 3} == {None}


def test_the_page_counts_living_runs_and_dead_ones_without_a_proof():
    alive = Waited("late", True, 600, (166, 332, 498, None, None, None, None, None))
    unproven = Waited("unproven", False, None, (166, 332, 498, 664, 830, 996, None, None))
    proven = Waited("proven", False, None, (104,) * (len(WAITS) + 1))
    content = prepare([alive, unproven, proven])

    assert (content["living"], content["dead"], content["proven"]) == (1, 2, 1)
    assert [row[2].split(" =")[0] for row in content["rows"]] == ["1 of 1"] * 3 + ["0 of 1"] * 4
    assert [row[3] for row in content["rows"]] == ["1 of 1"] * 6 + ["0 of 1"]
    assert content["chosen"] == f"{DEFAULT_THRESHOLDS['verdict.standstill']:g}"
    assert "| late | 600 |" in render("standstill.md.j2", content)
