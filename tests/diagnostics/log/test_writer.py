"""What the writer of a log promises: all that was written is read again, and nothing is lost in a crash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.errors import LogWriteError
from diagnostics.log import guards
from diagnostics.log.locks import has_writer, lock_path
from diagnostics.log.reader import open_run
from diagnostics.log.writer import LogWriter
from diagnostics.record.recorder import Recorder
from diagnostics.run.source import MemorySource
from diagnostics.schema.columns import Columns
from diagnostics.schema.header import Header
from diagnostics.schema.tables import EPOCHS
from tests.helpers.forked import file_size_limit
from tests.helpers.forked import run as run_program
from tests.helpers.log_writers import INFO, row, snapshot, writer
from tests.helpers.small_trainings import train


def filled(path: Path, rows: int, status: str | None = "completed") -> Any:
    log = writer(path)
    for step in range(rows):
        log.row(step, 1 + step // 10, row(step))
    if status:
        log.close(status)
    return log


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 300])
def test_what_is_written_is_read_again(tmp_path: Path, rows: int) -> None:
    filled(tmp_path / "run.h5", rows)

    run = open_run(tmp_path / "run.h5")

    assert run.info == INFO
    assert run.status == "completed"
    assert run.index["step"].tolist() == list(range(rows))
    np.testing.assert_array_equal(run.block(), np.array([row(s) for s in range(rows)]).reshape(rows, len(INFO.columns)))


def test_tables_and_snapshots_are_read_again(tmp_path: Path) -> None:
    log = writer(tmp_path / "run.h5")
    log.add(EPOCHS, epoch=1, loss=0.5)
    log.event(3, "rule", "ü" * 400, layer="conv1")
    log.snapshot(25, True, snapshot(25))
    log.close("stopped", digest_end="abc")

    run = open_run(tmp_path / "run.h5")

    assert run.epochs.loc[1, "loss"] == 0.5
    assert run.events.loc[0, "message"] == "ü" * 160  # cut to its room, at a whole letter
    assert run.snapshots.steps.tolist() == [25]
    assert run.snapshots.extra.tolist() == [True]
    assert (run.snapshots.kernels == 25).all()


def test_a_second_writer_of_the_same_log_is_refused(tmp_path: Path) -> None:
    log = filled(tmp_path / "run.h5", 3, status=None)

    with pytest.raises(LogWriteError, match="being written by this process already"):
        writer(tmp_path / "run.h5", overwrite=True)

    log.close("completed")
    assert len(open_run(tmp_path / "run.h5")) == 3


def test_an_existing_file_is_replaced_only_with_overwrite(tmp_path: Path) -> None:
    filled(tmp_path / "run.h5", 3)

    with pytest.raises(LogWriteError, match="exists already"):
        writer(tmp_path / "run.h5")
    assert len(open_run(tmp_path / "run.h5")) == 3
    writer(tmp_path / "run.h5", overwrite=True).close("completed")

    assert len(open_run(tmp_path / "run.h5")) == 0


@pytest.mark.parametrize(
    ("path", "says"), [("file/run.h5", "file: the folder .* cannot be made"), (".", "is a folder")]
)
def test_a_path_that_cannot_be_written_fails_before_training(tmp_path: Path, path: str, says: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LogWriteError, match=says):
        train([Recorder(tmp_path / path)])


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_a_read_only_folder_fails_before_training() -> None:
    with pytest.raises(LogWriteError, match="folder /proc"):
        train([Recorder("/proc/run.h5")])


def test_nothing_is_left_beside_a_closed_log(tmp_path: Path) -> None:
    filled(tmp_path / "runs" / "today" / "run.h5", 3)  # its folders are made

    assert [p.name for p in (tmp_path / "runs" / "today").iterdir()] == ["run.h5"]


def test_the_lock_tells_whether_the_writer_lives(tmp_path: Path) -> None:
    log = filled(tmp_path / "run.h5", 3, status=None)

    assert has_writer(tmp_path / "run.h5")
    log.close("completed")
    assert not has_writer(tmp_path / "run.h5")


def test_a_lock_file_left_by_a_killed_writer_does_not_keep_others_from_writing(tmp_path: Path) -> None:
    lock_path(tmp_path / "run.h5").write_text("process 1")

    filled(tmp_path / "run.h5", 3)

    assert len(open_run(tmp_path / "run.h5")) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
def test_a_forked_child_that_exits_does_no_harm(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from tests.helpers.log_writers import writer, row
log = writer(Path(sys.argv[1]))
for step in range(70): log.row(step, 1, row(step))
if os.fork() == 0:
    log.row(70, 1, -row(70)); log.flush(); log.close("failed")
    sys.exit(0)
os.wait()
for step in range(70, 140): log.row(step, 1, row(step))
log.close("completed")
"""
    done = run_program("-W", "ignore", "-c", code, str(tmp_path / "run.h5"))

    run = open_run(tmp_path / "run.h5")

    assert done.returncode == 0
    assert run.status == "completed"
    np.testing.assert_array_equal(run.block(), np.array([row(s) for s in range(140)]))


def test_a_full_disk_stops_the_log_in_order_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path / "run.h5")
    space = iter([1e12] * 2)
    monkeypatch.setattr(guards, "free_space", lambda path: next(space, 1e6))

    model = train([recorder], epochs=8)

    run = open_run(tmp_path / "run.h5")
    assert model.step == 8 * 13
    assert len(caplog.messages) == 1
    assert "less than 8 MB free" in caplog.messages[0]
    assert run.status == "log-stopped"
    assert 0 < len(run) < 104
    assert recorder.diagnosis is not None
    assert recorder.diagnosis.steps == 104


def test_a_log_that_has_stopped_gathers_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = writer(tmp_path / "run.h5")
    monkeypatch.setattr(guards, "free_space", lambda path: 1e6)
    with pytest.raises(LogWriteError, match="less than 8 MB free"):
        log.flush()

    for step in range(100):
        log.row(step, 1, row(step))
        log.event(step, "rule", "too late")
        log.snapshot(step, False, snapshot(step))
    log.flush()

    assert not log.is_open
    assert (log._gathered, log._tables, log._snapshots) == (0, [], [])


def test_a_full_disk_ends_the_run_with_on_error_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "run.h5", on_error="stop")
    monkeypatch.setattr(guards, "free_space", lambda path: 1e6)

    with pytest.raises(LogWriteError, match="the log has stopped"):
        train([recorder], epochs=8)


LIMITED = """
import sys
from pathlib import Path
from diagnostics.record.recorder import Recorder
from diagnostics.log.reader import open_run
from diagnostics.log.writer import LogWriter
from tests.helpers.small_trainings import train
model = train([Recorder(Path(sys.argv[1]))], epochs=30)
print(model.step)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("kilobytes", [260, *(pytest.param(other, marks=pytest.mark.slow) for other in (150, 300))])
def test_a_failed_write_is_one_warning_no_crash_and_what_was_flushed_stays(tmp_path: Path, kilobytes: int) -> None:
    done = run_program("-c", file_size_limit(kilobytes * 1000) + LIMITED, str(tmp_path / "run.h5"))

    assert (done.returncode, done.stdout.strip()) == (0, "390"), done.stderr
    assert done.stderr.count("\n") == 1
    assert "the log has stopped: file too large" in done.stderr
    run = open_run(tmp_path / "run.h5")
    assert run.status == "crashed"
    assert 0 <= len(run) < 390


FULL = """
import sys
from pathlib import Path
from diagnostics.record.recorder import Recorder
from diagnostics.log import guards
from tests.helpers.small_trainings import train
guards.LOW_SPACE = 0
print(train([Recorder(Path(sys.argv[1]))], epochs=30).step)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A place with room for 300 kB, and what the system says when it is full.

    A file system of its own where one can be mounted; else the largest size of a file, which anybody may limit.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if shutil.which("mount") and not subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
        yield disk, "no space left on device"
        subprocess.run(["umount", str(disk)], check=True)
    else:
        yield disk, "file too large"


def test_a_disk_that_is_full_all_the_same_is_one_warning_and_no_crash(small_disk: tuple[Path, str]) -> None:
    disk, reason = small_disk
    limit = "" if reason.startswith("no space") else file_size_limit(300 << 10)

    done = run_program("-c", limit + FULL, str(disk / "run.h5"))

    assert (done.returncode, done.stdout.strip()) == (0, "390"), done.stderr
    assert done.stderr.count("\n") == 1
    assert f"the log has stopped: {reason}" in done.stderr
    assert 0 < len(open_run(disk / "run.h5")) < 390


def test_rows_of_a_log_with_other_columns_are_copied_by_the_names_of_the_columns(tmp_path: Path) -> None:
    known = INFO.columns
    theirs = Columns([column for column in reversed(known) if column.statistic != "std"])
    rows = np.arange(3 * len(theirs), dtype=np.float32).reshape(3, -1)
    older = MemorySource.from_rows(replace(INFO, recorded_columns=theirs), range(3), [1, 1, 1], rows)

    LogWriter(tmp_path / "run.h5", Header(INFO), copy_of=older).close("completed")

    copied = open_run(tmp_path / "run.h5").block()
    for place, column in enumerate(known):
        expected = [np.nan] * 3 if column.statistic == "std" else rows[:, theirs.names.index(column.name)].tolist()
        np.testing.assert_array_equal(copied[:, place], expected)
