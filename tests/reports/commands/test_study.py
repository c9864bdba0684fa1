"""`lenet-diag study` as a user meets it; training is replaced by a stand-in (tests.helpers.fake_work)."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import nullcontext

import pytest
from click.testing import CliRunner
from rich.console import Console

from diagnostics.errors import SchedulerError
from diagnostics.executors import opening
from diagnostics.study import runner
from diagnostics.study.plan import StudyPlan
from diagnostics.study.presets import preset
from diagnostics.study.runner import StudyProgress
from reports.commands.study import command
from reports.terminal.study_view import StudyView, line
from tests.helpers.fake_runs import checked_once
from tests.helpers.fake_work import FakeWork, SameProcessExecutor, calls


class FakeWorkers:
    """Stands in for the class of real workers."""

    how: dict = {}  # noqa: RUF012

    @classmethod
    def of(cls, plan, folder):
        return FakeWork(folder, **cls.how)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Runs the command in a folder of its own with the stand-in."""
    monkeypatch.setattr(runner, "Worker", FakeWorkers)
    monkeypatch.setattr(opening, "LocalExecutor", SameProcessExecutor)
    monkeypatch.setattr(FakeWorkers, "how", {})
    monkeypatch.setattr("reports.commands.study.tell_duration", lambda *_: None)
    monkeypatch.setattr("reports.results.gradients.numbers", checked_once)
    folder = tmp_path / "s"

    def invoke(*arguments):
        given = ["--out", str(folder), "--jobs", "1", *map(str, arguments)]
        return CliRunner().invoke(command, given, catch_exceptions=False)

    invoke.folder = folder
    return invoke


def test_a_grid_is_run_told_line_by_line_and_its_statistics_printed(study):
    result = study("--runs", 2, "--lr", 0.1, "--lr", 0.5)

    assert result.exit_code == 0
    assert "4/4 lenet-lr-0.5-seed0001.h5: healthy, validation accuracy 0.9010" in result.stderr
    assert "defect runs  1 of 2" in result.stdout
    assert "Compared with lenet lr=0.1:" in result.stdout
    assert "Times were taken with 1 run at a time" in result.stdout
    assert f"next: lenet-diag report {study.folder}" in result.stderr
    assert [arm.label for arm in StudyPlan.load(study.folder).arms] == ["lenet lr=0.1", "lenet lr=0.5"]


def test_an_existing_study_needs_resume_and_resume_alone_knows_what_to_do(study):
    study("--runs", 2)
    refused = study("--runs", 2)
    resumed = study("--resume")

    assert refused.exit_code == 2
    assert "--resume" in refused.stderr
    assert resumed.exit_code == 0
    assert "2 of 2 runs already done" in resumed.stderr
    assert len(calls(study.folder)) == 2


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--resume"], "holds no study (no study.json); leave out --resume"),
        (["--page-only"], "holds no study (no study.json); leave out --page-only"),
        (["--preset", "magic"], "report-table, remedies, why"),
        (["--preset", "why", "--lr", "0.1", "--lr", "0.2"], "--lr: given more than once"),
        (
            ["--preset", "why", "--convolution", "exact"],
            '--convolution: the arm "paper\'s convolution" of --preset why',
        ),
        (
            ["--preset", "remedies", "--lr", "0.1"],
            "--lr: the arm 'half the learning rate' of --preset remedies sets it",
        ),
        (["--seed", "1", "--seed", "2"], "--seed: given more than once"),
        (["--threads", "1", "--threads", "2"], "--threads: given more than once"),
        (["--reuse", "nowhere"], "--reuse: nowhere holds no study"),
        (["--scheduler", "nowhere"], "--scheduler nowhere: expected tcp://HOST:PORT, or local to start one here"),
        (["--page", "x.md"], "--page: only the studies of --preset have a result page"),
        (["--lr", "-1"], "--lr"),
        (["--lr-decay", "step", "--decay-rate", "7"], "decay-rate"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(study, arguments, word):
    result = study(*arguments)

    assert result.exit_code == 2
    assert word in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not study.folder.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--resume", "--on-defect", "stop"],
        ["--resume", "--log-every", 5],
        ["--resume", "--histograms-every", 0],
        ["--page-only", "--log-every", 5],
        ["--page-only", "--lr", 0.3],
        ["--page-only", "--runs", 3],
        ["--page-only", "--seed", 1],
        ["--page-only", "--preset", "remedies"],
    ],
    ids=str,
)
def test_an_option_that_says_otherwise_than_the_study_in_the_folder_is_refused(study, arguments):
    arms = preset("why").build({}, runs=2)
    StudyPlan(arms, preset="why").save(study.folder)
    result = study(*arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {arguments[1]} {arguments[2]}: the study in {study.folder} was started")
    assert len(result.stderr.splitlines()) == 1
    assert calls(study.folder) == []


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("flag", ["--resume", "--page-only"])
def test_options_that_agree_with_the_study_in_the_folder_may_be_given(study, flag):
    study("--preset", "why", "--runs", 2, "--seed", 1, "--limit", 2000, "--log-every", 5)

    same = ["--preset", "why", "--runs", 2, "--seed", 1, "--limit", 2000, "--log-every", 5]
    assert study(flag, *same).exit_code == 0
    assert study(flag, "--log-every", 5).exit_code == 0


@pytest.mark.parametrize("flag", ["--resume", "--page-only"])
def test_without_a_folder_the_answer_is_about_what_was_typed(flag):
    result = CliRunner().invoke(command, [flag])

    assert result.exit_code == 2
    assert f"{flag} needs --out FOLDER" in result.stderr


def test_data_that_cannot_be_read_is_told_once_before_anything_starts(study, tmp_path):
    result = study("--data", tmp_path / "nowhere")

    assert result.exit_code == 3
    assert len(result.stderr.splitlines()) == 1
    assert not study.folder.exists()


def test_a_damaged_plan_is_exit_code_3(study):
    study.folder.mkdir()
    (study.folder / "study.json").write_text("{")

    assert study("--resume").exit_code == 3


def test_a_crash_is_told_the_others_go_on_and_the_exit_code_says_so(study, monkeypatch):
    monkeypatch.setattr(FakeWorkers, "how", {"failing": (1,)})
    result = study("--runs", 3)

    assert result.exit_code == 4
    assert "CRASHED: MemoryError: no room for the batch" in result.stderr
    assert "undecided 0 and crashed or damaged 1, not in n" in result.stdout
    assert len(calls(study.folder)) == 3
    assert "Traceback" in json.loads((study.folder / "failures.json").read_text())["failures"]["lenet-seed0001.h5"]


def test_where_there_is_nothing_to_copy_it_is_said_before_anything_is_trained(study, tmp_path):
    StudyPlan(()).save(tmp_path / "other")
    result = study("--runs", 2, "--reuse", tmp_path / "other")

    assert result.exit_code == 0
    assert result.stderr.startswith(f"nothing to copy from {tmp_path / 'other'}: no complete run")


def test_sigterm_is_143_while_runs_are_trained_and_the_process_s_own_again_after_them(study, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    study("--runs", 1)
    after_the_end = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(runner.Study, "run", lambda *_: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(5))
    terminated = study("--resume")

    assert after_the_end == before
    assert terminated.exit_code == 143
    assert "interrupted; go on with: lenet-diag study --resume --out" in terminated.stderr
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("error", "code", "begins"),
    [
        (KeyboardInterrupt(), 130, "interrupted; go on with:"),
        (SchedulerError("lost"), 4, "what is done is kept; go on with:"),
    ],
    ids=["Ctrl-C", "a lost scheduler"],
)
def test_the_command_that_goes_on_names_the_cluster(study, monkeypatch, error, code, begins):
    def lose(*_):
        raise error

    monkeypatch.setattr(opening, "open_executor", lambda *_: nullcontext(SameProcessExecutor()))
    monkeypatch.setattr(runner.Study, "run", lose)
    result = study("--runs", 1, "--scheduler", "tcp://far:1")

    assert result.exit_code == code
    assert f"{begins} lenet-diag study --resume --out {study.folder} --scheduler tcp://far:1" in result.stderr


def test_stopping_at_defects_is_told_by_the_exit_code(study):
    assert study("--runs", 2, "--on-defect", "stop").exit_code == 1


@pytest.mark.usefixtures("blank_pictures")
def test_a_preset_takes_other_settings_for_all_arms_and_writes_its_page(study, tmp_path):
    page = tmp_path / "docs" / "why.md"
    result = study("--preset", "why", "--runs", 3, "--limit", 2000, "--page", page)

    assert result.exit_code == 0
    assert {a.settings["limit"] for a in StudyPlan.load(study.folder).arms} == {2000}
    assert "--limit 2000 --runs 3" in page.read_text()
    page.unlink()

    assert study("--page-only", "--page", page).exit_code == 0
    assert page.exists()
    assert len(calls(study.folder)) == 6


def test_on_a_terminal_the_arms_are_kept_in_a_table(tmp_path):
    from diagnostics.study.planned_arms import grid

    plan, states = StudyPlan(grid({"lr": [0.1, 0.5]}, 2)), []
    runner.Study(plan, tmp_path, 1, FakeWork(tmp_path, failing=(1,))).run(states.append)
    console = Console(force_terminal=True, width=100, record=True, file=sys.stderr)
    with StudyView(console) as view:
        for state in states:
            view(state)
    text = console.export_text()

    assert "lenet lr=0.5" in text
    assert "CRASHED" in text
    assert "1/1" in text
    assert line(states[-1]).startswith("4/4")


def test_while_workers_start_what_is_done_already_is_told_once(tmp_path, capsys):
    plan = StudyPlan(())
    waiting = StudyProgress(plan, (), done=2, reused=2, total=6, running=(), seconds=0.5, seconds_left=None)
    with StudyView(Console(stderr=True)) as view:
        for _ in range(3):
            view(waiting)

    assert capsys.readouterr().err == "2 of 6 runs already done\n"


def test_help_is_fast_and_needs_nothing_heavy():
    result = CliRunner().invoke(command, ["--help"])

    assert result.exit_code == 0
    assert "--preset" in result.output
