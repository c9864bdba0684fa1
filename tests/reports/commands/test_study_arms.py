"""`study --arm` and `--control`: arms that are written out, and one control everywhere."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from diagnostics.errors import StudyError
from diagnostics.executors import opening
from diagnostics.study import runner
from diagnostics.study.duration import expected_seconds
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import arm_settings, arms_of, grid
from diagnostics.study.results import comparisons_of, groups_of, load_study
from lenet.settings import Settings
from reports.cli import main
from reports.commands.study_plan import written_arms
from tests.helpers.command_line import typed
from tests.helpers.fake_work import FakeWork, SameProcessExecutor

ARMS = ("clip: --clip-norm 1", "plain:", 'slow: --lr 0.1 --l2 "dense1=0.01"')


class StandInWorkers:
    """Stands in for the class of real workers."""

    @classmethod
    def of(cls, plan: StudyPlan, folder: Path) -> FakeWork:
        return FakeWork(folder)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command line with a stand-in for training, in a folder of its own."""
    monkeypatch.setattr(runner, "Worker", StandInWorkers)
    monkeypatch.setattr(opening, "open_executor", lambda *_: nullcontext(SameProcessExecutor()))
    monkeypatch.setattr("reports.commands.study.tell_duration", lambda *_: None)
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> Result:
        given = ["study", "--out", "s", "--jobs", "1", *map(str, arguments)]
        return CliRunner().invoke(main, given, catch_exceptions=False)

    return invoke


def test_an_arm_takes_any_option_of_a_training() -> None:
    arms = written_arms(ARMS, {"network": ["feedforward"], "lr": [0.5]}, 3, "plain")

    assert [arm.label for arm in arms] == ["clip", "plain", "slow"]
    assert [arm.control for arm in arms] == ["plain", None, "plain"]
    assert arms[0].settings == arm_settings(Settings("feedforward", clip_norm=1.0))
    assert arms[2].settings == arm_settings(Settings("feedforward", lr=0.1, l2="dense1=0.01")), "its own option wins"


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["clip --clip-norm 1"], 'expected "NAME: OPTIONS", such as "clip: --clip-norm 1"'),
        (["a: --lr 0.1", "a: --lr 0.2"], "--arm 'a': is there twice"),
        (["a: --lr"], "--arm 'a': Option '--lr' requires an argument"),
        (["a: --watch"], "--arm 'a': No such option"),
        (["a: --seed 3"], "--arm 'a': No such option"),
        (['a: --l2 "dense1'], "--arm 'a': No closing quotation"),
        (["a: --init paper", "b: --init report"], "arms 'a' and 'b' have the same settings"),
        (
            ["a: --lr 0.1", "plain:", "--control", "plane"],
            "--control: received 'plane', expected one of a, plain; did you",
        ),
        (["a: --lr -1"], "--lr: received -1.0, expected at least 0"),
    ],
)
def test_what_cannot_be_an_arm_is_one_line(study: Any, texts: list[str], words: str) -> None:
    given: list[str] = []
    for text in texts:
        given += [text] if text.startswith("--") or (given and given[-1] == "--control") else ["--arm", text]

    result = study(*given)

    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert not Path("s").exists()


def test_statistics_python_and_pages_use_the_control_of_the_study(study: Any) -> None:
    told = study("--runs", 2, "--arm", ARMS[0], "--arm", ARMS[1], "--control", "plain")
    stats = typed("stats", "s", "--json")
    other = typed("stats", "s", "--control", "clip")
    plan, loaded = load_study("s")
    groups = groups_of(plan, loaded.runs)

    assert told.exit_code == 0, told.output
    assert "Compared with plain:" in told.stdout
    assert [(one["arm"], one["control"]) for one in json.loads(stats.stdout)["comparisons"]] == [("clip", "plain")]
    assert "Compared with clip:" in other.stdout
    assert [c.control.label for c in comparisons_of(plan, groups)] == ["plain"]
    assert [c.control.label for c in comparisons_of(plan, groups, "clip")] == ["clip"]
    with pytest.raises(StudyError, match="did you mean clip"):
        comparisons_of(plan, groups, "clipp")
    assert study("--resume").exit_code == 0


def test_a_grid_has_the_control_that_is_named() -> None:
    arms = grid({"lr": [0.1, 0.5]}, 2, control="lenet lr=0.5")

    assert [arm.control for arm in arms] == ["lenet lr=0.5", None]


def test_a_study_from_before_is_resumed_under_its_own_names() -> None:
    before = StudyPlan(arms_of({"lenet init=report": {}, "lenet init=he": {"init": "he"}}, 2))
    now = StudyPlan(grid({"init": ["report", "he"]}, 3))

    assert [arm.label for arm in now.arms] == ["lenet init=paper", "lenet init=he"]
    assert now.labelled_as(before).extends(before)


def test_a_preset_has_its_own_arms(study: Any) -> None:
    assert "--preset has arms and controls of its own" in study("--preset", "why", "--arm", "a:").stderr


def test_every_line_has_the_rate_and_both_accuracies(study: Any) -> None:
    heads, line = study("--runs", 2, "--arm", ARMS[0], "--arm", ARMS[1]).stdout.splitlines()[1:3]

    assert re.split(" {2,}", heads.strip()) == ["arm", "defect runs", "rate (95 %)", "all runs", "survivors"]
    assert line.startswith("  clip ")
    assert " of 2 " in line


def test_how_long_a_study_takes_is_said_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = [
        "study",
        "--runs",
        "2",
        "--jobs",
        "1",
        "--network",
        "feedforward",
        "--limit",
        "256",
        "--epochs",
        "1",
        "--out",
        "s",
    ]

    told = typed(*given)

    assert told.stderr.splitlines()[0].startswith("2 runs to train, about ")
    assert told.stderr.splitlines()[0].endswith(" with 1 at a time")
    again = typed("study", "--resume", "--out", "s")
    assert "to train" not in again.stderr


def test_the_expected_time_counts_steps_runs_and_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.study.duration._step_seconds", lambda *_: 0.01)
    plan = StudyPlan(arms_of({"a": {"epochs": 2}, "b": {"steps": 100}}, 3))

    assert expected_seconds(plan.tasks(), 2) == pytest.approx(1.3 * 0.01 * 3 * (938 + 100) / 2)
