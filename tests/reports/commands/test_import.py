"""`lenet-diag import`, and the logs of other tools in diagnose, report and stats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.command_line import typed
from tests.helpers.tool_logs import curve, write_csv, write_trainer_state

SAMPLES = Path(__file__).parents[2] / "diagnostics" / "imports" / "samples"


@pytest.fixture
def logs(tmp_path):
    """A run that collapses and one that lives, every fifth step of each."""
    return [
        write_csv(tmp_path / f"{name}.csv", curve(400, dies_at)[::5])
        for name, dies_at in (("dead", 250), ("good", None))
    ]


def test_a_file_becomes_a_log_that_every_command_reads(logs, tmp_path):
    result = typed("import", *logs, "--classes", 10, "--out", tmp_path / "runs")

    assert result.exit_code == 0
    assert result.stdout.split() == [str(tmp_path / "runs" / "dead.h5"), str(tmp_path / "runs" / "good.h5")]
    assert "every 5th step; 80 rows of 396 steps" in result.stderr
    dead = typed("diagnose", tmp_path / "runs" / "dead.h5", "--fail-on-defect")
    assert dead.exit_code == 1
    assert "since:      between step" in dead.stdout
    assert "read from:  CSV of dead.csv" in dead.stdout
    for command, words in (("replay", "it does not say how to train it again"), ("rescue", "no rescue can train it")):
        refused = typed(command, tmp_path / "runs" / "dead.h5")
        assert refused.exit_code == 3
        assert f"was imported from the log of another tool; {words}" in refused.stderr
    assert "'lenet-diag import' makes" in typed("export", logs[0]).stderr
    again = typed("import", logs[0], "--out", tmp_path / "runs")
    assert (again.exit_code, typed("import", logs[0], "--out", tmp_path / "runs", "--overwrite").exit_code) == (2, 0)
    assert "dead.h5: exists already" in again.stderr


def test_files_of_one_name_become_logs_of_their_own(tmp_path):
    for place in ("version_0/metrics.csv", "version_1/metrics.csv", "version_1/metrics.tsv"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        write_csv(tmp_path / place, curve(60)[::5])
    folders, out = [tmp_path / "version_0", tmp_path / "version_1"], tmp_path / "runs"
    result = typed("import", *folders, "--classes", 10, "--out", out, "--overwrite")

    assert result.exit_code == 0
    logs = [Path(line).name for line in result.stdout.split()]
    names = ["version_0-metrics.csv", "version_1-metrics.csv", "version_1-metrics.tsv"]
    assert logs == [f"{name}.h5" for name in names]
    assert sorted(logs) == sorted(log.name for log in out.iterdir())
    diagnosed = json.loads(typed("diagnose", *folders, "--classes", 10, "--json").stdout)
    [group] = json.loads(typed("stats", *folders, "--classes", 10, "--json").stdout)["groups"]
    assert [one["run"] for one in diagnosed] == [one["run"] for one in group["files"]] == names
    report = typed("report", tmp_path, "--classes", 10, "--jobs", 1, "-o", tmp_path / "pages")
    assert report.exit_code == 0
    pages = [(tmp_path / "pages" / name / "report.html").read_text() for name in names]
    assert ["It was read from metrics.tsv" in page for page in pages] == [False, False, True]
    assert all(f"Run {name}" in page for name, page in zip(names, pages, strict=True))


def test_diagnose_takes_files_directly_and_its_json_says_what_was_assumed(logs):
    result = typed("diagnose", *logs, "--classes", 10, "--json")
    dead, good = json.loads(result.stdout)

    assert result.exit_code == 0
    assert (dead["verdict"], good["verdict"]) == ("collapsed", "healthy")
    first, last = dead["stretches"][0]["onset_between"]
    assert first <= 253 <= last
    assert dead["imported"]["imported_from"] == "dead.csv"
    assert any("10 classes" in one for one in dead["imported"]["taken_as"])


@pytest.mark.usefixtures("blank_pictures")
def test_report_and_stats_take_files_directly(logs, tmp_path):
    report = typed("report", logs[0], "--classes", 10, "-o", tmp_path / "page")
    stats = typed("stats", *logs, "--classes", 10, "--json")

    assert report.exit_code == 0
    page = (tmp_path / "page" / "report.html").read_text()
    assert "It was read from dead.csv, which has every 5th step" in page
    assert "between step" in page
    [group] = json.loads(stats.stdout)["groups"]
    assert (group["defect_runs"], group["runs"]) == (1, 2)
    assert [one["seed"] for one in group["files"]] == [None, None]


def test_a_page_of_losses_alone_says_that_nothing_can_be_judged(tmp_path):
    write_trainer_state(tmp_path / "trainer_state.json", curve())
    result = typed("report", tmp_path / "trainer_state.json", "-o", tmp_path / "page")

    assert result.exit_code == 0
    assert "cannot be judged: losses only, no number of classes" in (tmp_path / "page" / "report.html").read_text()


@pytest.mark.usefixtures("blank_pictures")
def test_a_file_with_several_runs_gives_a_verdict_and_a_page_of_each(tmp_path):
    result = typed("diagnose", SAMPLES / "trackio.db", "--classes", 10, "--json")
    report = typed("report", SAMPLES / "trackio.db", "--classes", 10, "-o", tmp_path)

    assert [one["run"] for one in json.loads(result.stdout)] == ["trackio-dies", "trackio-lives"]
    assert [(tmp_path / name / "report.html").exists() for name in ("trackio-dies", "trackio-lives")] == [True, True]
    assert report.exit_code == 0


def test_a_folder_of_another_tool_stands_for_its_runs(logs):
    folder = typed("diagnose", logs[0].parent, "--classes", 10, "--json")
    run = typed("diagnose", SAMPLES / "mlflow-run", "--classes", 10, "--json")

    assert [one["run"] for one in json.loads(folder.stdout)] == ["dead", "good"]
    assert json.loads(run.stdout)[0]["verdict"] == "collapsed"


def test_labels_and_shares_give_the_prior(logs, tmp_path):
    np.save(tmp_path / "y.npy", np.arange(1000) % 10)
    for option in (("--labels", tmp_path / "y.npy"), ("--prior", ",".join(["0.1"] * 10))):
        [dead] = json.loads(typed("diagnose", logs[0], *option, "--json").stdout)
        assert dead["verdict"] == "collapsed"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--prior", "0.5,0.6"), "expected shares that add up to 1"),
        (("--prior", "a,b"), "expected shares that add up to 1"),
        (("--classes", "10", "--prior", "0.5,0.5"), "give one of them"),
        (("--columns", "loss"), "expected NAME=COLUMN"),
        (("--classes", "1"), "--classes"),
        (("--classes", "1" + "0" * 30), "expected at most 1,000,000"),
        (("--labels", ""), "'--labels': received '', expected a path"),
        (("",), "'RUN.h5|FILE|FOLDER...': received '', expected a path"),
    ],
)
def test_wrong_options_are_wrong_usage(options, words, logs):
    result = typed("diagnose", logs[0], *options)

    assert result.exit_code == 2
    assert words in result.stderr


def test_an_imported_log_cannot_go_on_here(logs, tmp_path):
    typed("import", logs[0], "--classes", 10, "--out", tmp_path)
    resumed = typed("train", "--resume", "--out", tmp_path / "dead.h5")
    rescued = typed("rescue", tmp_path / "dead.h5", tmp_path / "dead.h5")

    assert resumed.exit_code == 2
    assert "was imported from the log of another tool" in resumed.stderr
    assert rescued.exit_code == 3
    assert rescued.stderr.count("\n") == 1
    again = typed("import", tmp_path / "dead.h5", "--out", tmp_path / "runs")
    assert again.exit_code == 3
    assert "dead.h5: is an HDF5 file; a log of lenet-diag needs no import" in again.stderr


def test_a_file_that_cannot_be_read_is_named_and_left_out(logs, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"step": 1}\n')
    for command in (("diagnose",), ("stats",), ("import", "--out", tmp_path / "runs")):
        result = typed(*command, tmp_path / "bad.jsonl", logs[0], "--classes", 10)
        assert result.exit_code == 3
        assert f"{tmp_path / 'bad.jsonl'}: " in result.stderr
        assert result.stdout
