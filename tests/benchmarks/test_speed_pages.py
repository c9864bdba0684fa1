"""Pages of the speed benchmarks: made-up measurements, filled into their templates."""

from __future__ import annotations

import numpy as np

from benchmarks.common import render
from benchmarks.speed import judging, studies


def test_the_page_of_judging_has_a_row_for_each_kind_of_rows():
    page = render("judging.md.j2", judging.prepare({"steady": np.full(3, 2.0), "rising": np.arange(101.0)}))

    assert page.endswith("| steady | 2.0 | 2.0 | 2.0 |\n| rising | 50.0 | 50.0 | 99.0 |\n")


def test_the_page_of_studies_has_runs_an_hour_and_what_a_second_job_brings():
    speed = studies.StudySpeed("lenet", 1, 12, 0.94, {1: 36.0, 2: 20.0}, 0.057, 1000, 1.316, 0.0262)
    page = render("studies.md.j2", studies.prepare(speed))

    assert "12 runs of lenet, 1 epoch each, one thread a run; load of the machine in the minute before: 0.9." in page
    assert "| runs an hour, one job | 1,200 |  |\n| runs an hour, two jobs | 2,160 |  |\n" in page
    assert "| two jobs against one | 1.80 times | 1.8 times |" in page
    assert page.endswith("| 26 ms |  |\n")
