"""Logs of one process do not know of one another: they may be made and written in several threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from tests.helpers.log_writers import ROWS, use_all, whole_log
from tests.helpers.small_trainings import train


def all_at_once(work: Callable[[int], None]) -> list[BaseException]:
    """Run ``work(0)`` to ``work(5)`` in threads that start together; what they raised."""
    gate, errors = threading.Barrier(6), []

    def run(number: int) -> None:
        gate.wait()
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.parametrize("attempt", range(3))
def test_logs_that_are_made_at_once_are_all_whole(tmp_path: Path, attempt: int) -> None:
    errors = all_at_once(lambda i: whole_log(tmp_path / f"{i}.h5"))

    assert errors == []
    assert [use_all(open_run(tmp_path / f"{i}.h5")) for i in range(6)] == [ROWS] * 6


def test_trainings_that_start_at_once_are_all_what_each_would_be_alone(tmp_path: Path) -> None:
    train([Recorder(tmp_path / "alone.h5")])
    alone = open_run(tmp_path / "alone.h5")

    def work(i: int) -> None:
        train([Recorder(tmp_path / f"{i}.h5")])

    errors = all_at_once(work)

    assert errors == []
    for i in range(6):
        run = open_run(tmp_path / f"{i}.h5")
        assert run.status == "completed"
        assert run.source.header.digest_end == alone.source.header.digest_end  # type: ignore[attr-defined]
        assert (run.block([run.columns.scalar("loss")]) == alone.block([run.columns.scalar("loss")])).all()


def test_one_of_several_trainings_that_ask_for_the_same_log_gets_it(tmp_path: Path) -> None:
    errors = all_at_once(lambda i: train([Recorder(tmp_path / "run.h5")]) and None)

    assert len(errors) == 5
    assert open_run(tmp_path / "run.h5").status == "completed"
    assert {type(error).__name__ for error in errors} <= {"LogWriteError", "LogExistsError"}
    assert [p.name for p in tmp_path.iterdir()] == ["run.h5"]
