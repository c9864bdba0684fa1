"""Studies with real training, small and short, and a real Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from diagnostics.executors import worker_pool
from diagnostics.log.reader import open_run
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from diagnostics.study.results import load_study
from diagnostics.study.runner import Study
from reports.commands.stats import command as stats
from reports.commands.study import command as study
from tests.helpers.pools import CONTEXTS
from tests.helpers.small_mnist import write_mnist
from tests.helpers.waiting import PATIENCE, wait_until

SMALL = {"network": ["feedforward"], "limit": [600], "epochs": [1], "batch_size": [32]}


def without_times(run):
    epochs = tuple(replace(e, seconds=None) for e in run.epochs)
    times = dict.fromkeys(
        ("step_seconds", "clean_step_seconds", "training_seconds", "validation_seconds", "total_seconds")
    )
    return replace(run, path="", epochs=epochs, **times)


@pytest.mark.slow
def test_one_job_and_two_give_the_same_runs_bit_for_bit(tmp_path, monkeypatch):
    write_mnist(tmp_path / "data", 600)  # a process that is spawned has all test images of the embedded MNIST
    small, results = {**SMALL, "data": [str(tmp_path / "data")]}, []
    for jobs, start in ((1, "forkserver"), (2, "spawn")):  # the second one as for users
        monkeypatch.setattr(worker_pool, "get_context", CONTEXTS[start])
        folder = tmp_path / str(jobs)
        Study(StudyPlan(grid(small, 2)), folder, jobs).run()
        runs = load_study(folder)[1].runs
        columns = [open_run(folder / run.name).steps.drop(columns=["seconds", "wall"]) for run in runs]
        results.append(([without_times(run) for run in runs], columns))

    assert results[0][0] == results[1][0]
    assert all(a.equals(b) for a, b in zip(results[0][1], results[1][1], strict=True))
    assert {run.status for run in results[0][0]} == {"completed"}
    assert all(run.threads == 1 for run in results[0][0])


@pytest.mark.slow
def test_ctrl_c_ends_a_study_in_order_and_resume_completes_it(tmp_path):
    folder = tmp_path / "s"
    options = ["--network", "feedforward", "--limit", "12000", "--runs", "6", "--jobs", "2", "--out", str(folder)]
    process = subprocess.Popen([sys.executable, "-m", "reports", "study", *options], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: list(folder.glob(".summaries/*")), "the first run to end", pause=0.1)
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE)
    interrupted = json.loads(CliRunner().invoke(stats, [str(folder), "--json"]).stdout)["groups"][0]["runs"]
    resumed = CliRunner().invoke(study, ["--resume", "--jobs", "2", "--out", str(folder)])
    after = json.loads(CliRunner().invoke(stats, [str(folder), "--json"]).stdout)["groups"][0]

    assert process.returncode == 130
    assert "Traceback" not in told
    assert f"--resume --out {folder}" in told
    assert 0 < interrupted < 6
    assert f"{interrupted} of 6 runs already done" in resumed.stderr
    assert (after["runs"], after["crashed"]) == (6, 0)
