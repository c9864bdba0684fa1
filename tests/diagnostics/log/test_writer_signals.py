"""Signals and the end of the process while a log is written."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import h5py
import pytest

from diagnostics.log.reader import open_run
from diagnostics.signals import Deferral, EndsBetweenSteps
from tests.diagnostics.log.test_writer import filled
from tests.helpers.forked import run as run_program
from tests.helpers.log_writers import row, writer


def test_a_log_that_nobody_closed_is_closed_at_exit(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom tests.diagnostics.log.test_writer import filled\n"
        "log = filled(Path(sys.argv[1]), 10, None)"
    )
    run_program("-c", code, str(tmp_path / "run.h5"), check=True)

    with h5py.File(tmp_path / "run.h5", "r"):
        pass
    run = open_run(tmp_path / "run.h5")
    assert (run.status, len(run)) == ("failed", 10)


def test_signals_wait_until_the_write_is_done() -> None:
    deferral, order = Deferral(), []
    try:
        with pytest.raises(KeyboardInterrupt), deferral:  # noqa: PT012
            os.kill(os.getpid(), signal.SIGINT)
            order.append("written")
    finally:
        deferral.remove()

    assert order == ["written"]


def test_a_signal_that_comes_while_the_log_is_closed_leaves_the_caller_s_handlers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    log = writer(tmp_path / "run.h5")
    log.row(0, 1, row(0))
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (os.kill(os.getpid(), signal.SIGINT), sync(descriptor)))

    with pytest.raises(KeyboardInterrupt):
        log.close("completed")

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert (open_run(tmp_path / "run.h5").status, len(open_run(tmp_path / "run.h5"))) == ("completed", 1)


def test_sigterm_without_a_handler_becomes_an_orderly_exit() -> None:
    deferral = Deferral()
    try:
        with pytest.raises(SystemExit) as exit_, deferral:
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        deferral.remove()

    assert exit_.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_after_the_last_step_is_raised_on_leaving() -> None:
    with pytest.raises(KeyboardInterrupt), EndsBetweenSteps():
        os.kill(os.getpid(), signal.SIGINT)


def test_outside_the_main_thread_signals_are_left_alone(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=filled, args=(tmp_path / "run.h5", 100))
    thread.start()
    thread.join()

    assert signal.getsignal(signal.SIGINT) is before
    assert len(open_run(tmp_path / "run.h5")) == 100
