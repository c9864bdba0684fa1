"""File systems without locks: logs are written and read, and nobody is called dead."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import subprocess
from pathlib import Path

import pytest

from diagnostics.errors import LogBusyError
from diagnostics.file_locks import is_locked, locked, try_lock
from diagnostics.log import locks
from diagnostics.log.locks import has_writer
from diagnostics.log.reader import open_run
from diagnostics.log.repair import repair_log
from diagnostics.log.resume import prepare_resume
from diagnostics.statistics import summary_cache
from tests.helpers.forked import run as run_program
from tests.helpers.log_writers import ROWS, row, use_all, writer
from tests.helpers.no_locks import needs_compiler, without_locks

REFUSALS = [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL]


@pytest.fixture
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has no locks of any kind, as some network mounts; it says ENOLCK unless asked otherwise."""
    code = getattr(request, "param", errno.ENOLCK)

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    monkeypatch.setattr(locks, "_warned", set())


@pytest.mark.usefixtures("no_locks")
@pytest.mark.parametrize("no_locks", REFUSALS, ids=lambda code: errno.errorcode[code], indirect=True)
def test_without_locks_nobody_is_taken_to_hold_one(tmp_path: Path) -> None:
    held = try_lock(tmp_path / "study.json")
    with locked(tmp_path / "other.json"):
        pass

    assert held is not None
    assert is_locked(held.fileno()) is None
    held.close()


@pytest.mark.usefixtures("no_locks")
def test_without_locks_a_log_can_be_written_and_leaves_no_lock_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.h5", "b.h5"):
        log = writer(tmp_path / name)
        log.row(0, 1, row(0))
        log.close("completed")

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"{tmp_path}: its file system has no locks" in caplog.messages[0]
    assert not has_writer(tmp_path / "a.h5")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "b.h5"]
    assert use_all(open_run(tmp_path / "a.h5")) == 1


@pytest.mark.usefixtures("no_locks")
def test_without_locks_nobody_says_that_a_writer_is_dead(sound: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(sound["killed"])
    os.truncate(path, len(sound["killed"]))

    run = open_run(path)

    assert use_all(run) == ROWS
    assert run.status == "completed"  # this one was closed, says its header


@pytest.fixture
def open_log(tmp_path: Path) -> Path:
    """What a writer leaves that was killed, or one that still lives."""
    path = tmp_path / "run.h5"
    log = writer(path)
    for step in range(100):
        log.row(step, 1, row(step))
    log.flush()
    data = path.read_bytes()
    log.close("completed")
    path.unlink()
    path.write_bytes(data)
    return path


def test_with_locks_what_nobody_holds_is_dead(open_log: Path) -> None:
    assert open_run(open_log).status == "crashed"


@pytest.mark.usefixtures("no_locks")
def test_without_locks_an_open_log_is_neither_dead_nor_counted_nor_repaired(open_log: Path) -> None:
    run = open_run(open_log)
    assert (run.status, use_all(run)) == ("unclear", 100)

    loaded = summary_cache.load_summaries([open_log])
    assert (loaded.runs, loaded.unfinished) == ((), (open_log,))

    for refused in (repair_log, prepare_resume):
        with pytest.raises(LogBusyError, match="cannot tell whether a writer lives: its file system has no locks") as e:
            refused(open_log)
        assert "repair --force" in str(e.value)
    assert sorted(p.name for p in open_log.parent.iterdir()) == ["run.h5"]


@pytest.mark.usefixtures("no_locks")
def test_without_locks_one_goes_on_knowingly(open_log: Path) -> None:
    repair = repair_log(open_log, force=True)

    assert repair.original is not None
    assert open_run(open_log).status == "crashed"
    assert use_all(open_run(open_log)) == 100


@needs_compiler
@pytest.mark.parametrize(
    ("code", "only_flock"),
    [pytest.param(errno.ENOLCK, False, marks=pytest.mark.slow), (errno.ENOSYS, True)],
    ids=["all", "flock"],
)
def test_the_commands_work_where_the_system_has_no_locks(tmp_path: Path, code: int, only_flock: bool) -> None:
    environment = without_locks(tmp_path, code, only_flock=only_flock)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_program("-m", "reports", *arguments, cwd=tmp_path, env=environment)

    trained = run("train", "--network", "feedforward", "--limit", "640", "--steps", "5", "--out", "run.h5")
    assert trained.returncode == 0, trained.stderr
    assert ("its file system has no locks" in trained.stderr) is not only_flock
    assert run("diagnose", "run.h5").returncode == 0

    kill = "from tests.helpers.log_writers import *; log = writer(Path('open.h5')); log.row(0, 1, row(0)); log.flush()"
    run_program("-c", f"{kill}; os.kill(os.getpid(), 9)", cwd=tmp_path, env=environment)
    diagnosed, repaired = run("diagnose", "open.h5"), run("repair", "open.h5")
    forced = run("repair", "--force", "open.h5")
    words = "the writing process died" if only_flock else "cannot tell whether a writer lives"
    assert words in diagnosed.stdout
    assert repaired.returncode == (0 if only_flock else 3)
    assert only_flock or "cannot tell whether a writer lives" in repaired.stderr
    assert forced.returncode == 0, forced.stderr
