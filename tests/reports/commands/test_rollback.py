"""`train --on-defect rollback` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.command_line import typed

DIES = ("--network", "feedforward", "--limit", "1000", "--batch-size", "32", "--epochs", "40", "--lr", "1.5")
"""A training that dies without a proof, and is long enough to be called never-learned by its standstill."""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--no-log", "--on-defect", "rollback"),
            "--no-log and --on-defect rollback contradict each other: a rollback needs checkpoints",
        ),
        (("--rollback-with", "clip"), "--rollback-with needs --on-defect rollback"),
        (("--rollback-reshuffle", "--on-defect", "stop"), "--rollback-reshuffle needs --on-defect rollback"),
        (("--on-defect", "rollback", "--rollback-with", "luck"), "'luck' is not one of 'half-rate', 'quarter-rate'"),
    ],
)
def test_options_that_contradict_each_other_are_one_line(options: tuple[str, ...], message: str) -> None:
    result = typed("train", *options)

    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


@pytest.mark.slow
def test_a_run_that_dies_is_turned_back_and_every_command_reads_its_log(tmp_path: Path) -> None:
    log = str(tmp_path / "run.h5")

    trained = typed("train", *DIES, "--on-defect", "rollback", "--out", log)
    assert trained.exit_code == 0, trained.output
    assert "turned back from step 996 to before step 0" in trained.stdout
    assert "a defect run, rescued" in trained.stdout

    diagnosed = typed("diagnose", log, "--json", "--fail-on-defect")
    assert diagnosed.exit_code == 1
    [told] = json.loads(diagnosed.stdout)
    assert told["verdict"] == "rescued"
    assert [(one["step"], one["last_step"], one["value"]) for one in told["rollbacks"]] == [(0, 996, 0.375)]

    [group] = json.loads(typed("stats", log, "--json").stdout)["groups"]
    assert (group["defect_runs"], group["rescued"], group["turned_back"]) == (1, 1, 1)
    assert group["survivors"]["validation_accuracy"]["n"] == 0
    assert group["steps"] == 1280
    assert "rescued      1 of 1 that were turned back" in typed("stats", log).stdout

    watched = typed("watch", log)
    assert watched.exit_code == 0
    assert "verdict: rescued" in watched.stdout

    checked = typed("replay", log, "--check")
    assert checked.exit_code == 0
    assert "1,280 rows equal to the log bit for bit" in " ".join(checked.output.split())

    refused = typed("rescue", log)
    assert refused.exit_code != 0
    assert "its verdict is rescued; a rescue needs a run that died" in refused.output
    assert typed("repair", log).exit_code == 0
    assert typed("export", log, "-o", tmp_path / "frames").exit_code == 0
    assert len((tmp_path / "frames" / "steps.csv").read_text().splitlines()) == 1 + 1280


@pytest.mark.slow
def test_a_study_counts_it(tmp_path: Path) -> None:
    out = str(tmp_path / "study")
    made = typed("study", *DIES, "--runs", "1", "--jobs", "1", "--on-defect", "rollback", "--out", out)
    assert made.exit_code == 0, made.output

    [group] = json.loads(typed("stats", out, "--json").stdout)["groups"]
    assert (group["defect_runs"], group["rescued"]) == (1, 1)
