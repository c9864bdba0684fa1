"""The whole path: from raw digits to a diagnosed run, as a user walks it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from diagnostics import StatisticsTracker
from tests.helpers import forked
from tests.helpers.command_line import typed
from tests.helpers.waiting import wait_until
from tests.lenet.test_model import report_setup

ROOT = str(Path(__file__).parent.parent)
SMALL = ["--network", "feedforward", "--limit", "2000", "--epochs", "2", "--lr", "0.1", "--threads", "1"]


def lenet_diag(*arguments: str, folder: Path) -> SimpleNamespace:
    """Run the command line in ``folder``, in this process, which saves the imports of a new one."""
    with contextlib.chdir(folder):
        result = typed(*arguments)
    return SimpleNamespace(returncode=result.exit_code, stdout=result.stdout, stderr=result.stderr)


def lenet_diag_as_a_process(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in ``folder``, as a user would: a new process that imports all it needs."""
    command = [sys.executable, "-m", "reports", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ROOT})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one small run was trained."""
    folder = tmp_path_factory.mktemp("whole")
    result = lenet_diag_as_a_process("train", *SMALL, "--print-every", "8", folder=folder)
    assert result.returncode == 0, result.stderr
    (folder / "stdout.txt").write_text(result.stdout)
    (folder / "stderr.txt").write_text(result.stderr)
    return folder


def log_of(folder: Path) -> Path:
    """The one log in the folder's runs."""
    (log,) = (folder / "runs").glob("*.h5")
    return log


def test_train_prints_the_reports_lines_and_says_what_to_do_next(trained: Path) -> None:
    lines = (trained / "stdout.txt").read_text().splitlines()
    told = (trained / "stderr.txt").read_text()

    assert lines[0].startswith("step:8, acc:")
    assert lines[1].startswith("step took ")
    assert lines[2].startswith("epoch:1, acc:")
    assert str(log_of(trained).relative_to(trained)) in told
    assert "next: lenet-diag report" in told


def test_the_default_name_tells_network_seed_and_time(trained: Path) -> None:
    assert log_of(trained).name.startswith("feedforward-seed0-")


def test_diagnose_says_the_verdict_in_words_and_as_json(trained: Path) -> None:
    words = forked.run("-m", "reports", "diagnose", str(log_of(trained)), cwd=trained)
    data = json.loads(lenet_diag("diagnose", str(log_of(trained)), "--json", folder=trained).stdout)

    assert words.returncode == 0
    assert data[0]["verdict"] in words.stdout
    assert {
        "run",
        "verdict",
        "onset",
        "confirmed",
        "defect_steps",
        "steps",
        "stretches",
        "cause",
        "findings",
        "remedies",
    } <= set(data[0])


def test_report_writes_one_page_and_its_figures(trained: Path) -> None:
    result = lenet_diag("report", str(log_of(trained)), "-o", "page", folder=trained)

    page = (trained / "page" / "report.html").read_text()
    assert result.returncode == 0
    assert "<h1" in page
    assert list((trained / "page").glob("*.png"))
    assert len(page) < 3_000_000
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page


def test_stats_prints_both_headlines_with_k_of_n(trained: Path) -> None:
    for toggle in ("--include-defects", "--exclude-defects"):
        result = lenet_diag("stats", "runs/", toggle, folder=trained)

        assert result.returncode == 0, result.stderr
        assert "0 of 1" in result.stdout


def test_an_existing_log_is_not_overwritten_without_being_asked(trained: Path) -> None:
    log = log_of(trained)
    before = log.read_bytes()

    refused = lenet_diag("train", *SMALL, "--out", str(log), folder=trained)

    assert refused.returncode == 2
    assert str(log) in refused.stderr
    assert "--overwrite" in refused.stderr
    assert "--resume" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert log.read_bytes() == before


@pytest.mark.parametrize(
    ("option", "own"),
    [(["--lr", "0.3"], "with 0.1"), (["--histograms-every", "0"], "with 25"), (["--clip-norm", "7.0"], "without it")],
)
def test_a_run_is_not_resumed_with_other_settings(trained: Path, option: list[str], own: str) -> None:
    log = str(log_of(trained))

    refused = lenet_diag("train", "--resume", "--out", log, *option, folder=trained)

    assert refused.returncode == 2
    assert f"{option[0]} {option[1]}: the run in {log} was started {own}; --resume keeps that" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["train", "--lr", "-1"], 2, "--lr"),
        (["train", "--network", "alexnet"], 2, "alexnet"),
        (["train", "--data", "nowhere"], 3, "nowhere"),
        (["train", "--out", "/dev/null/x.h5"], 4, "/dev/null"),
        (["train", "--out", "."], 2, "is a folder"),
        (["train", "--resume"], 2, "--out"),
        (["train", "--no-log", "--out", "x.h5"], 2, "--no-log"),
        (["diagnose", "nowhere.h5"], 3, "nowhere.h5"),
        (["report", "nowhere.h5"], 3, "nowhere.h5"),
        (["stats", "nowhere"], 3, "nowhere"),
        (["export", "nowhere.h5"], 3, "error: nowhere.h5"),
        (["export", "nowhere.h5", "-o", __file__], 2, "is a file"),
        (["repair", "nowhere.h5"], 3, "error: nowhere.h5"),
        (["repair", "."], 3, "error: .: is a folder"),
        (["diagnose", ".", "--limits", "no.toml"], 2, "error: no.toml: cannot be read: no such file"),
        (["study", "--page-only"], 2, "--page-only needs --out"),
        (["rules", "nonsense"], 2, "nonsense"),
        (["train", "--decay-rate", "0.1"], 2, "--lr-decay"),
        (["train", "--no-log", "--on-log-error", "stop"], 2, "--on-log-error"),
        (["train", "--no-log", "--overwrite"], 2, "--overwrite"),
        (["train", "--no-log", "--log-every", "1"], 2, "--log-every"),
        (["train", "--no-log", "--histograms-every", "50"], 2, "--histograms-every"),
        (["train", "--no-log", "--checkpoint-every", "50"], 2, "--checkpoint-every"),
        (["train", "--nesterov"], 2, "--nesterov"),
    ],
)
def test_bad_input_gets_one_clear_line_and_the_right_exit_code(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    result = lenet_diag(*arguments, folder=tmp_path)

    assert result.returncode == code, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("arguments", "code"), [(["diagnose", "nowhere.h5"], 3), (["train", "--nesterov"], 2)])
def test_bad_input_ends_a_process_with_one_line_and_the_exit_code(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    result = forked.run("-m", "reports", *arguments, cwd=tmp_path)

    assert result.returncode == code
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("number", "code", "by"), [(signal.SIGINT, 130, "Ctrl-C (SIGINT)"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_an_interrupted_run_leaves_a_readable_log_and_a_verdict(
    tmp_path: Path, number: int, code: int, by: str
) -> None:
    long = ["--limit", "6400", "--epochs", "1000"]
    command = ["-m", "reports", "train", "--network", "feedforward", *long, "--threads", "1", "--out", "x.h5"]
    process = forked.start(*command, cwd=tmp_path, stdout=forked.PIPE, stderr=forked.PIPE)
    log = tmp_path / "x.h5"
    wait_until(log.exists, "the log")
    empty = log.stat().st_size
    wait_until(lambda: log.stat().st_size > empty, "the first rows in the log")
    process.send_signal(number)
    said, told = process.communicate()
    diagnosed = json.loads(lenet_diag("diagnose", "x.h5", "--json", folder=tmp_path).stdout)

    assert process.returncode == code, told
    assert f"interrupted by {by}; " in said
    assert f"interrupted by {by}; " in lenet_diag("diagnose", "x.h5", folder=tmp_path).stdout
    assert "Traceback" not in told
    assert diagnosed[0]["steps"] > 0


def test_help_answers_without_heavy_imports() -> None:
    program = (
        "import sys; from reports.cli import main; main(['--help'], standalone_mode=False);"
        "print(sorted({'numpy', 'pandas', 'h5py', 'matplotlib', 'rich', 'jinja2', 'scipy'} & set(sys.modules)))"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "command",
    ["train", "watch", "diagnose", "stats", "study", "report", "export", "gradcheck", "repair", "rules", "schema"],
)
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    result = lenet_diag(command, "--help", folder=tmp_path)

    assert result.returncode == 0
    assert result.stdout.startswith("Usage:")


def test_the_reports_setup_code_fills_the_reports_statistics_tracker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        stats = StatisticsTracker(model_name="FullNetwork", stats_file="full_network_stats.json")
        _, (_, accuracy) = report_setup(stats, epochs=2)
    averages = stats.calculate_averages()

    assert "step:2, acc:" in capsys.readouterr().out
    assert averages["runs"] == 2
    assert averages["all"]["validation_accuracy"]["mean"] == pytest.approx(accuracy)
    assert len(averages["all"]["epoch_accuracy"]) == 2
    assert {path.suffix for path in (tmp_path / "data").iterdir()} >= {".json", ".txt"}
