"""`lenet-diag replay` on real logs: what it writes, what it says, and its one-line errors."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from click.testing import Result

from lenet import load_state
from tests.helpers.broken_runs import broken_log
from tests.helpers.command_line import typed
from tests.helpers.logged_runs import logged

pytestmark = pytest.mark.usefixtures("blank_pictures")


@cache
def checked(*arguments: str) -> Result:
    """What `lenet-diag replay LOG --check ...` says; each check is made once."""
    return typed("replay", broken_log(), *arguments)


def test_the_origin_gets_a_page_and_its_figures_beside_the_log() -> None:
    log = broken_log()
    result = typed("replay", log)
    folder = log.with_suffix(".origin")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(folder / "origin.html")
    assert len(list(folder.glob("*.png"))) == 4
    assert "from the seed" in result.stderr
    assert "all were equal to the log bit for bit" in result.stderr
    assert " of its size" in result.stderr


def test_a_step_is_opened_with_its_exact_state(tmp_path: Path) -> None:
    log = broken_log()
    result = typed("replay", log, "--step", 9, "--state", tmp_path / "s.npz", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stdout.split() == [str(tmp_path / "s.npz"), str(tmp_path / "out" / "origin.html")]
    state = load_state(tmp_path / "s.npz")
    from lenet import Settings

    model = Settings(network="feedforward", lr=5.0, limit=2560, epochs=8).build_model(samples=2560)
    model.restore(state)
    assert model.step == 9
    assert "Step 9, opened" in (tmp_path / "out" / "origin.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--check",), "proven: replayed steps 0 to 159 from the seed: 160 rows equal"),
        (("--check", "0:19"), "proven: replayed steps 0 to 19 from the seed: 20 rows equal"),
        (("--check", ":19"), "steps 0 to 19"),
        (("--check", "150:"), "to 159"),
        (("--check", "12"), "to 12"),
    ],
)
def test_a_check_only_says_whether_the_run_is_proven(arguments: tuple[str, ...], said: str) -> None:
    result = checked(*arguments)
    assert result.exit_code == 0, result.output
    assert said in result.stdout
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("--check",), ("--check", "0:19"), ("--check", ":19")])
def test_a_check_may_stand_before_the_log(arguments: tuple[str, ...]) -> None:
    result = typed("replay", *arguments, broken_log())
    assert result.exit_code == 0, result.output
    assert result.stdout == checked(*arguments).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--step", "160"), 2, "has no step 160, expected 0 to 159"),
        (("--step", "-1"), 2, "--step"),
        (("--check", "9:3"), 2, "9:3"),
        (("--check=x",), 2, "expected A:B"),
        (("--check", "--step", "3"), 2, "only says whether"),
        (("--state", "run.h5"), 2, "expected a name that ends in .npz"),
        (("--state", "run.checkpoints/x.npz"), 2, "is among the checkpoints of the run"),
        (("--data", "/nowhere"), 3, "hand over other data: --data FOLDER"),
    ],
)
def test_what_cannot_be_is_one_line(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(broken_log().parent)
    before = broken_log().read_bytes()
    result = typed("replay", broken_log(), *arguments)
    assert broken_log().read_bytes() == before
    assert result.exit_code == code, result.output
    assert said in result.stderr.replace("\n", " ")
    assert "Usage:" in result.stderr or len(result.stderr.splitlines()) == 1


def test_a_log_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = typed("replay", tmp_path / "none.h5")
    assert result.exit_code == 3
    assert result.stderr == f"error: {tmp_path / 'none.h5'}: no such file\n"


def test_a_run_on_data_that_are_not_here_is_one_line(tmp_path: Path) -> None:
    logged(tmp_path / "run.h5")
    result = typed("replay", tmp_path / "run.h5")
    assert result.exit_code == 3
    assert "data" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_the_report_opens_the_origin_unless_it_is_not_wanted(tmp_path: Path) -> None:
    log = broken_log()
    for option, has_it in (("--replay", True), ("--no-replay", False)):
        result = typed("report", log, option, "-o", tmp_path / option)
        assert result.exit_code == 0, result.output
        page = (tmp_path / option / "report.html").read_text()
        assert ("The origin</h2>" in page) == has_it
        assert (tmp_path / option / "origin-2-along-the-step.png").exists() == has_it


@pytest.mark.usefixtures("no_pictures")
def test_a_report_of_a_run_that_cannot_be_replayed_says_why_in_one_line(tmp_path: Path) -> None:
    result = typed("report", broken_log(), "--data", tmp_path, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "report.html").read_text()
    assert "The run cannot be replayed:" in page
    assert not (tmp_path / "out" / "origin-1-batch.png").exists()


@pytest.mark.slow
def test_the_runs_of_a_study_and_restarted_runs_are_proven(tmp_path: Path) -> None:
    small = ("--network", "feedforward", "--limit", "1280", "--epochs", "8")
    made = typed("study", "--runs", "2", "--jobs", "1", *small, "--lr", "0.1", "--out", tmp_path / "study")
    assert made.exit_code == 0, made.output
    (tmp_path / "died").mkdir()
    typed("train", *small, "--lr", "20", "--on-defect", "restart", "--out", tmp_path / "died" / "run.h5")
    logs = [*(tmp_path / "study").rglob("*.h5"), *(tmp_path / "died").glob("*.h5")]
    assert len(logs) >= 3 + 2
    for log in logs:
        checked = typed("replay", log, "--check")
        assert checked.exit_code == 0, checked.output
        assert checked.stdout.startswith("proven: replayed steps 0 to ")
