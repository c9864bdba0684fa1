"""Killed at any moment, a log opens, holds all but the last flush, and never a wrong row."""

from __future__ import annotations

import hashlib
import signal
from pathlib import Path

import h5py
import pytest

from diagnostics.files import open_part
from diagnostics.log.locks import lock_path
from diagnostics.log.reader import open_run
from diagnostics.log.repair import repair_log
from diagnostics.record.recorder import Recorder
from diagnostics.schema.tables import COUNTS, FLUSH_ROWS, KERNELS, VALUES
from tests.helpers.forked import PIPE, run, start
from tests.helpers.fuzz import SEED, Record, try_all
from tests.helpers.killed_chains import EPOCHS
from tests.helpers.log_writers import assert_right_rows, writer
from tests.helpers.same_run import assert_same_run
from tests.helpers.small_trainings import train


def killed(folder: Path, count: int, seed: int) -> list[tuple[Path, int]]:
    lines = run("-m", "tests.helpers.log_writers", str(folder), str(count), str(seed), check=True).stdout.splitlines()
    return [(Path(path), int(told)) for path, told in (line.rsplit(" ", 1) for line in lines)]


def assert_nothing_lost_but_the_last_flush(path: Path, told: int) -> None:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    run = open_run(path)
    assert run.status == "crashed"
    assert run.notes == ()
    assert told - FLUSH_ROWS <= len(run) <= told + 1
    assert_right_rows(run)
    assert [int(m.split()[1]) for m in run.events["message"]] == [50 * i for i in range(len(run.events))]
    for i, step in enumerate(run.snapshots.steps):
        assert (run.source.array(COUNTS)[i] == step).all()
        assert (run.source.array(KERNELS)[i] == step).all()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before

    saved = repair_log(path)
    assert saved.rows == len(run)
    with h5py.File(path, "r") as file:
        assert len(file[VALUES.path]) == len(run)
    assert saved.original is not None
    assert hashlib.sha256(saved.original.read_bytes()).hexdigest() == before


def assert_saved(log: tuple[Path, int]) -> None:
    path, told = log
    if path.exists():
        assert_nothing_lost_but_the_last_flush(path, told)
    else:  # killed before the log had its name
        assert told == 0


@pytest.mark.parametrize("count", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_writers_killed_at_random_moments(tmp_path: Path, record_property: Record, count: int) -> None:
    logs = killed(tmp_path, count, SEED)

    assert sum(told > 0 for _, told in logs) >= 0.9 * count
    try_all(record_property, ((path.name, (path, told)) for path, told in logs), assert_saved)


def test_a_start_in_the_same_folder_clears_what_is_left_of_logs_whose_makers_were_killed(tmp_path: Path) -> None:
    living, locked = open_part(tmp_path / "c.h5")
    made = "import os, sys; from pathlib import Path; from tests.helpers.log_writers import writer; "
    made += "from diagnostics.log import writer as module; module.place = lambda *_, **__: os.kill(os.getpid(), 9); "
    assert run("-c", made + "writer(Path(sys.argv[1]))", str(tmp_path / "a.h5")).returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("a.h5.part-*"))) == 1

    with locked:
        writer(tmp_path / "b.h5").close("completed")

        assert list(tmp_path.glob("*.part-*")) == [living]


@pytest.mark.parametrize("count", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_trainings_killed_again_and_again_end_as_one_that_nobody_killed(
    tmp_path: Path, record_property: Record, count: int
) -> None:
    whole = train([Recorder(tmp_path / "whole.h5")], epochs=EPOCHS)
    done = run("-m", "tests.helpers.killed_chains", str(tmp_path), str(count), str(SEED), check=True)
    chains = [line.rsplit(" ", 2) for line in done.stdout.splitlines()]

    def assert_same(chain: list[str]) -> None:
        path, digest, kills = Path(chain[0]), chain[1], int(chain[2])
        assert digest == whole.digest()
        assert kills >= 1
        assert len(list(tmp_path.glob(f"{path.stem}.before-resume-*.h5"))) == kills
        assert_same_run(tmp_path / "whole.h5", path)

    assert len(chains) == count
    try_all(record_property, ((Path(chain[0]).name, chain) for chain in chains), assert_same)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_between_two_steps_with_nothing_lost(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    log = tmp_path / "run.h5"
    # As a program does that turns Ctrl-C into exit code 130, without a traceback.
    wrapper = "import sys\nfrom tests.helpers.small_trainings import main\ntry: main(*sys.argv[1:])\n"
    wrapper += "except KeyboardInterrupt: sys.exit(130)\n"
    process = start("-c", wrapper, str(log), "1000", "new", stdout=PIPE)
    assert process.stdout is not None
    last = -1
    for line in process.stdout:
        last = int(line)
        if last == 30:
            process.send_signal(number)
    process.stdout.close()

    assert process.wait() == code
    with h5py.File(log, "r") as file:  # an ordinary file
        assert len(file[VALUES.path]) == last + 1
    run = open_run(log)
    assert run.status == "interrupted"
    assert run.events["event"].iloc[-1] == "interruption"
    name = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C (SIGINT)"}[number]
    assert run.events["message"].iloc[-1] == f"interrupted after {last + 1} steps: {name}"
    assert not lock_path(log).exists()
