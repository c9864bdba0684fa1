"""`lenet-diag report` and `watch` on real log files: what they write, and their one-line errors."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from pathlib import Path

import pytest

from reports.commands import report
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.command_line import typed


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write_log(synthetic.dead(120), tmp_path_factory.mktemp("runs") / "dead.h5")


@pytest.mark.usefixtures("blank_pictures")  # tests of figures paint them
def test_a_run_gets_a_page_and_its_figures_beside_the_log(log):
    result = typed("report", log)
    folder = log.with_suffix(".report")

    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(folder / "report.html")
    assert len(list(folder.glob("*.png"))) >= 8


@pytest.mark.usefixtures("no_pictures")
def test_a_folder_gets_a_page_that_links_the_pages_of_its_runs(log, tmp_path):
    result = typed("report", log.parent, "-o", tmp_path / "out", "--jobs", "1")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'href="dead/report.html"' in page
    assert (tmp_path / "out" / "dead" / "report.html").exists()


def _killed_at(job: tuple[Path, Path]) -> str | OSError | None:
    """Stands in for a worker: one is killed, one meets a full disk, the others write nothing and are content."""
    name = job[0].name
    if name == "killed.h5":
        os.kill(os.getpid(), signal.SIGKILL)
    return OSError(errno.ENOSPC, "No space left on device", str(job[1])) if name == "full.h5" else None


def test_a_killed_worker_is_one_line_and_takes_no_other_report_with_it(log, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    for name in ("killed.h5", "other.h5"):
        shutil.copy(log, tmp_path / "runs" / name)
    monkeypatch.setattr(report, "_one_report", _killed_at)
    result = typed("report", tmp_path / "runs", "--jobs", "1")

    assert result.exit_code == 3
    assert f"error: {tmp_path / 'runs' / 'killed.h5'}: no report: its process died (signal 9)" in result.stderr
    page = (tmp_path / "runs" / "report" / "report.html").read_text()
    assert 'href="other/report.html"' in page
    assert 'href="killed/report.html"' not in page


def test_a_disk_that_fills_up_under_a_worker_is_one_line_and_exit_code_4(log, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    shutil.copy(log, tmp_path / "runs" / "full.h5")
    monkeypatch.setattr(report, "_one_report", _killed_at)
    result = typed("report", tmp_path / "runs", "--jobs", "1")

    assert result.exit_code == 4
    assert result.stderr.splitlines()[-1].endswith("full: no space left on device")


@pytest.mark.parametrize("command", ["report", "watch"])
@pytest.mark.parametrize("content", [None, b"", b"not an HDF5 file"])
def test_a_file_that_is_no_log_gives_one_line_and_exit_code_3(command, content, tmp_path):
    path = tmp_path / "x.h5"
    if content is not None:
        path.write_bytes(content)
    result = typed(command, path)

    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert "x.h5" in result.stderr


def test_an_empty_folder_gives_one_line_and_exit_code_3(tmp_path):
    result = typed("report", tmp_path)

    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1


def test_a_place_that_cannot_be_written_gives_one_line_and_exit_code_4(log, tmp_path):
    (tmp_path / "file").write_text("")
    result = typed("report", log, "-o", tmp_path / "file" / "out")

    assert result.exit_code == 4
    assert result.stderr.count("\n") == 1
    assert "cannot be written" in result.stderr


def test_watching_a_run_that_is_over_shows_its_last_state(log):
    result = typed("watch", log)

    assert result.exit_code == 0
    assert "completed" in result.stdout
    assert "step 120/120" in result.stdout
    assert "\x1b" not in result.stdout
