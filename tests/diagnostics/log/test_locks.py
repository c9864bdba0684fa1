"""Locks: one holder at a time, found under every name of a file, and nobody called dead where there are no locks."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.errors import LogBusyError, LogWriteError
from diagnostics.file_locks import is_locked, lock, locked, try_lock
from diagnostics.log import locks
from diagnostics.log.locks import WriterLock, has_writer, is_written, lock_path
from diagnostics.log.reader import open_run
from diagnostics.log.repair import repair_log
from diagnostics.log.resume import prepare_resume
from diagnostics.log.writer import LogWriter
from diagnostics.record.recorder import Recorder
from diagnostics.statistics import summary_cache
from lenet.hooks import Hook, RunStart, StepEnd
from tests.helpers.forked import run as run_program
from tests.helpers.log_writers import ROWS, row, signed, use_all, writer
from tests.helpers.no_locks import needs_compiler, without_locks
from tests.helpers.small_trainings import small_model, train

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


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    first = try_lock(tmp_path / "study.json")
    assert first is not None
    assert try_lock(tmp_path / "study.json") is None
    first.close()

    second = try_lock(tmp_path / "study.json")
    assert second is not None
    second.close()


@pytest.mark.parametrize("refused", [(), ("F_OFD_SETLK",)], ids=["bytes", "whole files"])
def test_a_locked_file_is_told_from_a_free_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: tuple[str, ...]
) -> None:
    for name in refused:  # platforms without locks of bytes have flock
        monkeypatch.delattr(fcntl, name)
    (tmp_path / "x").touch()
    with (tmp_path / "x").open("r+b") as first, (tmp_path / "x").open("rb") as second:
        assert is_locked(second.fileno()) is False
        assert lock(first.fileno())
        assert is_locked(second.fileno()) is True
        with (tmp_path / "x").open("r+b") as third, pytest.raises(BlockingIOError):
            lock(third.fileno())
        first.close()
        assert is_locked(second.fileno()) is False


@pytest.mark.usefixtures("no_locks")
@pytest.mark.parametrize("no_locks", REFUSALS, ids=lambda code: errno.errorcode[code], indirect=True)
def test_without_locks_nobody_is_taken_to_hold_one(tmp_path: Path) -> None:
    held = try_lock(tmp_path / "study.json")
    with locked(tmp_path / "other.json"):
        pass

    assert held is not None
    assert is_locked(held.fileno()) is None
    held.close()


def test_a_log_has_one_writer(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "run.h5")

    assert has_writer(tmp_path / "run.h5")
    with pytest.raises(LogWriteError, match="is being written by this process already; close that run"):
        WriterLock(tmp_path / "run.h5")
    lock.release()
    assert not has_writer(tmp_path / "run.h5")


# -- a live log under its other names ------------------------------------------------------


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LogWriter]:
    (tmp_path / "home").mkdir()
    log = writer(tmp_path / "home" / "run.h5")
    for step in range(100):
        log.row(step, 1, row(step))
    log.flush()
    yield log
    log.close("completed")


def _symbolic(log: Path, name: Path) -> None:
    name.symlink_to(log)


def _chain(log: Path, name: Path) -> None:
    (name.parent / "first").symlink_to(log)
    name.symlink_to(name.parent / "first")


def _hard(log: Path, name: Path) -> None:
    name.hardlink_to(log)


def _moved(log: Path, name: Path) -> None:
    log.rename(name)


def _through_a_folder(log: Path, name: Path) -> None:
    (name.parent / "folder").symlink_to(log.parent)
    name.symlink_to(name.parent / "folder" / log.name)


NAMES = [_symbolic, _chain, _hard, _moved, _through_a_folder]


@pytest.mark.parametrize("link", NAMES)
def test_a_live_log_is_live_under_every_name(live: LogWriter, tmp_path: Path, link: object) -> None:
    name = tmp_path / "elsewhere.h5"
    link(live.path, name)  # type: ignore[operator]

    assert is_written(name)
    run = open_run(name, live=True)
    assert (run.status, len(run)) == ("running", 100)
    live.row(100, 1, row(100))
    live.flush()
    assert run.refresh()
    assert use_all(run) == 101
    run.source.recorded.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("link", NAMES)
def test_what_is_being_written_is_not_repaired_resumed_or_replaced_under_another_name(
    live: LogWriter, tmp_path: Path, link: object
) -> None:
    name = tmp_path / "elsewhere.h5"
    link(live.path, name)  # type: ignore[operator]

    for refused in (repair_log, prepare_resume):
        with pytest.raises(LogBusyError, match="is being written by another process"):
            refused(name)
    with pytest.raises(LogWriteError, match=r"being written|is a symbolic link"):
        writer(name, overwrite=True)

    live.row(100, 1, row(100))
    live.flush()
    assert use_all(open_run(name)) == 101
    assert not list(tmp_path.rglob("*.damaged"))


class InterruptAtStep20(Hook):
    def on_step_end(self, event: StepEnd) -> None:
        if event.step == 20:
            raise KeyboardInterrupt


class Remove(Hook):
    """Removes a log when the training has begun."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_run_start(self, event: RunStart) -> None:
        self._path.unlink()


def test_a_run_is_resumed_and_repaired_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    log, name = tmp_path / "home" / "run.h5", tmp_path / "link.h5"
    model = small_model()
    with pytest.raises(KeyboardInterrupt):
        train([Recorder(log, model=model, checkpoint_every=7), InterruptAtStep20()], model)
    with_two_epochs = train([]).parameters.digest()
    name.symlink_to(log)
    data = bytearray(log.read_bytes())
    data[11] = 5  # as if its writer had been killed
    log.write_bytes(signed(data))

    assert repair_log(name).path == log
    assert name.is_symlink()
    again = small_model()
    recorder = Recorder(name, model=again, checkpoint_every=7)
    assert recorder.resume(again) == 14
    train([recorder], again)

    assert again.parameters.digest() == with_two_epochs
    assert name.is_symlink()
    assert open_run(name).status == open_run(log).status == "completed"


# -- file systems without locks ------------------------------------------------------------


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


def test_force_repairs_nothing_that_is_known_to_be_written(live: LogWriter) -> None:
    with pytest.raises(LogBusyError, match="is being written by another process"):
        repair_log(live.path, force=True)


@needs_compiler
@pytest.mark.parametrize(
    ("code", "only_flock"),
    [
        pytest.param(errno.ENOLCK, False, marks=pytest.mark.slow),
        (errno.ENOSYS, True),
    ],
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


# -- a log that is removed under its writer -------------------------------------------------


def _removed(path: Path) -> None:
    path.unlink()


def _moved_away(path: Path) -> None:
    path.rename(path.with_name("moved.h5"))


def _replaced(path: Path) -> None:
    path.with_name("other").write_bytes(b"other")
    path.with_name("other").replace(path)


def _folder_moved(path: Path) -> None:
    path.parent.rename(path.parent.with_name("away"))


@pytest.mark.parametrize("lose", [_removed, _moved_away, _replaced, _folder_moved])
def test_a_log_that_is_gone_is_told_at_once_and_the_training_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, lose: object
) -> None:
    (tmp_path / "home").mkdir()
    path = tmp_path / "home" / "run.h5"
    log = writer(path)
    lose(path)  # type: ignore[operator]

    for step in range(200):
        log.row(step, 1, row(step))
    assert caplog.messages == [f"{path}: it was removed or replaced while it was written; the training goes on"]
    assert log.is_open
    log.close("completed")

    assert log.loss == "it was removed or replaced while it was written"
    assert len(caplog.messages) == 1
    moved = [p for p in (tmp_path / "home" / "moved.h5", tmp_path / "away" / "run.h5") if p.exists()]
    assert [use_all(open_run(p)) for p in moved] == [200] * len(moved)


def test_the_end_of_a_training_says_that_its_log_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(tmp_path / "run.h5")
    model = train([recorder, Remove(tmp_path / "run.h5")])

    assert model.run_end.status == "completed"
    assert recorder.log_failure == "it was removed or replaced while it was written"
    assert len(caplog.messages) == 1
    assert not lock_path(tmp_path / "run.h5").exists()
