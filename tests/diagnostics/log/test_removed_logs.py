"""A log that is removed, moved or replaced under its writer."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.log.locks import lock_path
from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from lenet.hooks import Hook, RunStart
from tests.helpers.log_writers import row, use_all, writer
from tests.helpers.small_trainings import train


class Remove(Hook):
    """Removes a log when the training has begun."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_run_start(self, event: RunStart) -> None:
        self._path.unlink()


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
