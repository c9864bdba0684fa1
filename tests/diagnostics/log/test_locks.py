"""Locks: one holder at a time where there are locks, and no false holder where there are none."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest

from diagnostics.errors import LogWriteError
from diagnostics.file_locks import locked, try_lock
from diagnostics.log.locks import WriterLock, has_writer, lock_path


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has no locks, as some network mounts."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    first = try_lock(tmp_path / "study.json")
    assert first is not None
    assert try_lock(tmp_path / "study.json") is None
    first.close()

    second = try_lock(tmp_path / "study.json")
    assert second is not None
    second.close()


@pytest.mark.usefixtures("without_locks")
def test_without_locks_nobody_is_taken_to_hold_one(tmp_path: Path) -> None:
    held = try_lock(tmp_path / "study.json")
    with locked(tmp_path / "other.json"):
        pass

    assert held is not None
    held.close()


def test_a_log_has_one_writer(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "run.h5")

    assert has_writer(tmp_path / "run.h5")
    with pytest.raises(LogWriteError, match="is being written by another process"):
        WriterLock(tmp_path / "run.h5")
    lock.release()
    assert not has_writer(tmp_path / "run.h5")


@pytest.mark.usefixtures("without_locks")
def test_without_locks_a_log_can_be_written_and_leaves_no_lock_file(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path / "run.h5")

    assert not has_writer(tmp_path / "run.h5")
    lock.release()
    assert not lock_path(tmp_path / "run.h5").exists()
