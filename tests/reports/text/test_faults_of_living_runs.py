"""A fault in a run that lives is named in the texts, not counted among signs that did no harm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diagnostics.run.run import Run
from reports.text.diagnosis import diagnosis_text, verdict_sentence
from tests.helpers.judged_rows import info, judge, rows

STEPS, SINCE = 469, 256
T = np.arange(STEPS)
ONE_CLASS = rows(np.where(T < SINCE, 0.3, 0.001), np.where(T < SINCE, 0.9, 1.0))
FEW_SILENT = rows(np.full(STEPS, 0.3), 0.9, changes={"conv1/dead_fraction": 0.9})


def test_labels_of_one_class_are_told_though_the_run_is_healthy():
    diagnosis = judge(ONE_CLASS).diagnosis
    text = " ".join(diagnosis_text(diagnosis).split())
    run = Run.from_rows(info(), range(STEPS), [1] * STEPS, ONE_CLASS)

    assert diagnosis.verdict == "healthy"
    assert f"steps {SINCE} to {STEPS - 1}: every batch is right to the last sample" in text
    assert "no lasting harm" not in text
    assert "labels of one class." in verdict_sentence(run)


def test_a_sign_that_is_no_fault_is_counted_as_before():
    text = " ".join(diagnosis_text(judge(FEW_SILENT).diagnosis).split())

    assert "1 sign that did no lasting harm; the report lists them" in text


def test_faults_and_other_signs_stand_below_each_other():
    diagnosis = judge(ONE_CLASS).diagnosis
    silent = [one for one in judge(FEW_SILENT).diagnosis.checks if one.rule == "dead-units"]
    text = " ".join(diagnosis_text(replace(diagnosis, checks=(*diagnosis.checks, *silent))).split())

    assert "labels of one class 1 sign that did no lasting harm" in text
