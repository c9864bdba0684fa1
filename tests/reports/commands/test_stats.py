"""`lenet-diag stats` as a user meets it: text, JSON, CSV, files, errors, exit codes."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from click.testing import CliRunner

from diagnostics.statistics.group import Group
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from reports.commands.stats import command
from reports.text.statistics import group_text, headline
from tests.helpers.fake_runs import fake_run, fake_study


def stats(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def runs(tmp_path):
    for seed in range(8):
        fake_run(tmp_path, f"r{seed}.h5", "never-learned" if seed < 2 else "healthy", seed)
    return tmp_path


def test_both_figures_stand_side_by_side_with_k_of_n_and_its_interval(runs):
    result = stats(runs)

    assert result.exit_code == 0
    assert "defect runs  2 of 8 = 25 % (95 % interval 7 to 59 %)" in result.stdout
    assert "all 8 runs" in result.stdout
    assert "survivors (6)" in result.stdout
    assert "leaving out 2 of 8 moves the mean from 0.742 to 0.951" in result.stdout


@pytest.mark.parametrize(
    ("option", "words", "order"),
    [
        ("--include-defects", "all runs (defect runs included)", ["all runs", "survivors"]),
        ("--exclude-defects", "survivors only (defect runs excluded)", ["survivors", "all runs"]),
    ],
)
def test_the_headline_is_the_user_s_choice_and_always_has_k_of_n(runs, option, words, order):
    title, heads, row, *_ = stats(runs, option).stdout.splitlines()
    accuracy = {"all runs": "0.7416 (8)", "survivors": "0.9514 (6)"}

    assert words in title
    assert re.split(r"  +", heads.strip()) == ["arm", "defect runs", "rate (95 %)", *order]
    assert re.split(r"  +", row.strip()) == ["lenet", "2 of 8", "25 % (7–59 %)", *(accuracy[who] for who in order)]


def test_the_headline_has_eighty_columns_and_whole_words_whatever_arms_are_called(tmp_path):
    names = ["short", "inverse-time decay 3e-4 (the paper's), paper's convolution", "x" * 60]
    groups = [Group(name, (fake_run(tmp_path, f"{i}.h5"),)) for i, name in enumerate(names)]
    _, *table, _ = headline(groups, survivors=False).splitlines()
    place = table[0].index("all runs") + len("all runs")

    assert max(map(len, table)) <= 80
    assert {word for name in names for word in name.split()} <= {word for line in table for word in line.split()}
    assert [line[:place][-10:] for line in table if "0 of 1" in line] == ["0.9510 (1)"] * 3


@pytest.mark.parametrize("width", [40, 60])
def test_a_screen_that_is_too_narrow_for_columns_gets_each_number_beside_its_head(tmp_path, width):
    group = Group("lenet lr=0.5", (fake_run(tmp_path, "a.h5"), fake_run(tmp_path, "b.h5", "never-learned", 1)))
    _, *table, _ = headline([group], survivors=False, width=width).splitlines()
    means = re.search(r"mean ± std. deviation:\n(.*?)\n  last", group_text(group, width=width), re.DOTALL)[
        1
    ].splitlines()

    assert table == [
        "  lenet lr=0.5",
        "    defect runs  1 of 2",
        "    rate (95 %)  50 % (9–91 %)",
        "    all runs     0.5315 (2)",
        "    survivors    0.9510 (1)",
    ]
    assert means[-3:-1] == ["  total", "    all 2 runs     18.4 s ± 0 µs  n=2"]
    assert max(map(len, means)) <= width


def test_json_has_the_promised_form(runs):
    answer = json.loads(stats(runs, "--json", "--exclude-defects").stdout)
    group = answer["groups"][0]

    assert answer["headline"] == "survivors"
    assert (group["label"], group["runs"], group["defect_runs"], group["defect_rate"]) == ("lenet", 8, 2, 0.25)
    assert group["defect_rate_interval"] == pytest.approx([0.0715, 0.5907], abs=1e-4)
    assert group["all"]["validation_accuracy"]["n"] == 8
    assert group["survivors"]["step_seconds"] == {"mean": 0.0128, "std": 0.0, "n": 6}
    assert len(group["all"]["epoch_accuracy"]) == 3
    assert [f["run"] for f in group["files"]] == [f"r{s}.h5" for s in range(8)]

    assert answer["format_version"] == 1
    first = group["files"][0]
    assert (first["path"], first["seed"], first["is_defect"]) == (str(runs / "r0.h5"), 0, True)
    assert first["epoch_accuracy"] == pytest.approx([0.092, 0.102, 0.112])


def test_json_stays_json_where_nothing_can_be_read(runs, tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.json").write_text("{")
    for path in (tmp_path / "missing.h5", tmp_path / "study"):
        result = stats(path, "--json")
        answer = json.loads(result.stdout)

        assert result.exit_code == 3
        assert (answer["format_version"], answer["groups"]) == (1, [])
        assert [f"error: {problem}\n" for problem in answer["problems"]] == [result.stderr]


def test_defect_steps_leave_the_step_figures_on_request_and_are_counted(runs):
    result = stats(runs, "--exclude-defect-steps")
    group = json.loads(stats(runs, "--exclude-defect-steps", "--json").stdout)["groups"][0]

    assert "2,814 defect iterations (25.0 %), left out" in result.stdout
    assert group["all"]["step_seconds"]["mean"] == pytest.approx(0.0127)
    assert group["all"]["epoch_accuracy"][0]["n"] == 6


def test_csv_has_a_row_an_arm_and_save_writes_every_run(runs, tmp_path):
    fake_run(runs, "other.h5", seed=1, arm={"network": "conv", "lr": 0.5})
    result = stats(runs, "--csv", "--save", tmp_path / "out")
    rows = pd.read_csv(tmp_path / "out" / "stats.csv", index_col="label")
    each = pd.read_csv(tmp_path / "out" / "runs.csv")

    assert result.stdout.startswith("label,")
    assert rows.loc["lenet", "defect_runs"] == 2
    assert rows.loc["lenet", "never_learned"] == 2
    assert rows.loc["lenet", "survivors_epoch_3_accuracy_n"] == 6
    assert len(each) == 9
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"stats.txt", "stats.json", "stats.csv", "runs.csv"}


def test_arms_are_compared_with_the_first(runs):
    for seed in range(8):
        fake_run(runs, f"slow{seed}.h5", seed=seed, arm={"network": "lenet", "lr": 0.1})
    result = stats(runs)

    assert "Compared with lenet lr=0.5:" in result.stdout
    assert "lenet lr=0.1: not shown with n = 8: 0 of 8 defect runs against 2 of 8" in result.stdout


def test_a_study_keeps_the_labels_of_its_arms(tmp_path):
    fake_study(tmp_path, StudyPlan(grid({"lr": [0.5, 0.1]}, 4)))
    groups = json.loads(stats(tmp_path, "--json").stdout)["groups"]

    assert [(g["label"], g["runs"]) for g in groups] == [("lenet lr=0.5", 4), ("lenet lr=0.1", 4)]


def test_a_damaged_file_is_named_left_out_and_told_by_the_exit_code(runs):
    (runs / "broken.h5").write_bytes(b"not HDF5 at all")
    result = stats(runs)

    assert result.exit_code == 3
    assert "broken.h5" in result.stderr
    assert "2 of 8" in result.stdout


@pytest.mark.parametrize("text", ["{", '{"format": "lenet-diag failures 1", "failures": 5}'])
def test_a_damaged_list_of_failures_is_one_line_and_exit_code_3_beside_the_statistics(tmp_path, text):
    fake_study(tmp_path, StudyPlan(grid({"lr": [0.5, 0.1]}, 4)))
    (tmp_path / "failures.json").write_text(text)
    result = stats(tmp_path)

    assert result.exit_code == 3
    assert f"error: {tmp_path / 'failures.json'}" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "2 of 4" in result.stdout


@pytest.mark.parametrize(("name", "value"), [("jobs", None), ("jobs", "many"), ("numpy", None)])
def test_a_study_whose_history_is_damaged_is_one_line_and_exit_code_3(tmp_path, name, value):
    fake_study(tmp_path, StudyPlan(grid({}, 4)))
    study = json.loads((tmp_path / "study.json").read_text())
    study["history"][0][name] = value
    if value is None:
        del study["history"][0][name]
    (tmp_path / "study.json").write_text(json.dumps(study))
    result = stats(tmp_path)

    assert result.exit_code == 3
    assert result.stderr.startswith(f"error: {tmp_path / 'study.json'}: damaged (")
    assert (value or name) in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["nothing-here", "empty"])
def test_no_runs_is_one_line_and_exit_code_3(tmp_path, name):
    (tmp_path / "empty").mkdir()
    result = stats(tmp_path / name)

    assert result.exit_code == 3
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1


def test_no_argument_is_a_usage_error():
    assert stats().exit_code == 2


def test_logs_left_behind_by_a_resumed_run_are_not_counted(runs):
    fake_run(runs, "r0.before-resume-1.h5", "collapsed")

    assert "2 of 8" in stats(runs).stdout


def test_a_users_own_before_is_a_run_like_any_other(runs):
    fake_run(runs, "r0.before-fix.h5", "collapsed")

    assert "3 of 9" in stats(runs).stdout


def test_a_run_counts_once_however_it_is_spelt(runs, monkeypatch):
    monkeypatch.chdir(runs)
    fake_run(runs / "elsewhere", "x.h5")
    (runs / "z.h5").symlink_to("r0.h5")

    spelt = ["r0.h5", runs / "r0.h5", "elsewhere/../r0.h5", "z.h5"]
    assert "1 of 1" in stats(*spelt).stdout
    assert "2 of 8" in stats(runs, ".").stdout


def test_json_and_csv_at_once_are_refused(runs):
    result = stats(runs, "--json", "--csv")

    assert result.exit_code == 2
    assert "--json and --csv contradict each other" in result.stderr
