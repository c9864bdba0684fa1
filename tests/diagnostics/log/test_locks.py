"""Locks: one holder at a time, found under every name of a file."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.errors import LogBusyError, LogWriteError
from diagnostics.file_locks import is_locked, lock, try_lock
from diagnostics.log.locks import WriterLock, has_writer, is_written
from diagnostics.log.reader import open_run
from diagnostics.log.repair import repair_log
from diagnostics.log.resume import prepare_resume
from diagnostics.log.writer import LogWriter
from diagnostics.record.recorder import Recorder
from tests.helpers.log_writers import row, signed, use_all, writer
from tests.helpers.small_trainings import CtrlC, small_model, train


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


def test_a_run_is_resumed_and_repaired_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    log, name = tmp_path / "home" / "run.h5", tmp_path / "link.h5"
    model = small_model()
    with pytest.raises(KeyboardInterrupt):
        train([Recorder(log, model=model, checkpoint_every=7), CtrlC(20)], model)
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


def test_force_repairs_nothing_that_is_known_to_be_written(live: LogWriter) -> None:
    with pytest.raises(LogBusyError, match="is being written by another process"):
        repair_log(live.path, force=True)
