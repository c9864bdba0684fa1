"""Logs without the shares of the classes, and what a user says of them afterwards."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics import Task, open_run
from diagnostics.detect.findings import Verdict
from diagnostics.imports import ImportOptions, import_runs, open_runs
from diagnostics.run.said_shares import lacks_shares
from diagnostics.statistics.summary_cache import kept_summary, load_summaries
from tests.helpers.command_line import typed
from tests.helpers.lenet_info import lenet_info
from tests.helpers.tool_logs import curve, write_csv

TEN = ImportOptions(classes=10)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The losses of a run that guesses among ten classes, in a log that says nothing of classes."""
    losses = curve(200, dies_at=0)[["step", "loss"]]
    [run] = import_runs(write_csv(tmp_path / "losses.csv", losses))
    assert all(math.isnan(share) for share in run.info.prior)
    return run.save(tmp_path / "losses.h5")


def test_a_log_without_shares_is_judged_with_those_that_are_said(log: Path) -> None:
    assert open_run(log).diagnosis.verdict is Verdict.UNDECIDED
    [run] = open_runs(log, TEN)
    assert run.diagnosis.verdict is Verdict.NEVER_LEARNED
    assert run.info.prior == TEN.shares
    assert (run.name, run.path, len(run)) == ("losses", log, 200)
    [two] = open_runs(log, ImportOptions(prior=(0.5, 0.5)))
    assert two.info.prior == (0.5, 0.5)


def test_a_log_that_has_shares_keeps_them(tmp_path: Path) -> None:
    [run] = import_runs(write_csv(tmp_path / "run.csv", curve(200)), ImportOptions(prior=(0.2, *[0.1] * 8)))
    path = run.save(tmp_path / "run.h5")
    [again] = open_runs(path, TEN)
    assert again.info.prior == run.info.prior


def test_only_classes_have_shares() -> None:
    unknown = replace(lenet_info(), prior=(math.nan,))
    assert lacks_shares(unknown)
    assert not lacks_shares(replace(unknown, task=Task.regression()))
    assert not lacks_shares(lenet_info())


def test_statistics_count_it_and_the_kept_summary_is_neither_read_nor_replaced(log: Path) -> None:
    load_summaries([log])
    kept = kept_summary(log)
    assert kept is not None
    assert kept.verdict is Verdict.UNDECIDED
    assert load_summaries([log], options=TEN).runs[0].verdict is Verdict.NEVER_LEARNED
    assert kept_summary(log) == kept
    assert load_summaries([log]).runs[0].verdict is Verdict.UNDECIDED


@pytest.mark.usefixtures("no_pictures")
def test_commands_take_the_shares_for_it(log: Path, tmp_path: Path) -> None:
    before = typed("diagnose", log)
    assert "say it with --classes, --prior or --labels" in " ".join(before.stdout.split())
    found = json.loads(typed("diagnose", log, "--classes", 10, "--json").stdout)
    assert found[0]["verdict"] == "never-learned"
    assert "1 of 1" in typed("stats", log, "--classes", 10).stdout
    assert typed("report", log, "--classes", 10, "--out", tmp_path / "report").exit_code == 0
    assert "never learned" in (tmp_path / "report" / "report.html").read_text()
