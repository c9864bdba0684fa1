"""Several readers follow a log while another process writes it."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np

from diagnostics.log.reader import open_run
from tests.helpers.forked import PIPE, start
from tests.helpers.forked import run as run_program
from tests.helpers.log_writers import row, snapshot, writer

WRITER = """
import sys, time
from pathlib import Path
from tests.helpers.log_writers import writer, row
log = writer(Path(sys.argv[1]))
print("open", flush=True)
for step in range(600):
    log.row(step, 1, row(step))
    if step % 100 == 0: log.event(step, "rule", f"event {step}")
    time.sleep(0.002)
log.close("completed")
"""


READER = """
import sys
from pathlib import Path
from tests.diagnostics.log.test_live import follow
print(follow(Path(sys.argv[1])))
"""


def follow(path: Path) -> int:
    """Read every row as it comes, until the run ends; returns how many there were."""
    run, seen = open_run(path, live=True), 0
    while True:
        run.refresh()
        assert len(run) >= seen
        for step, _, values in run.between(first=seen).rows():
            np.testing.assert_array_equal(values, row(step))
        seen = len(run)
        if run.status != "running":
            break
        time.sleep(0.01)
    assert run.status == "completed"
    assert run.events["message"].tolist() == [f"event {i}" for i in range(0, 600, 100)]
    return seen


def test_two_readers_see_every_row_of_a_run_that_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    process = start("-c", WRITER, str(path), stdout=PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"

    readers = [start("-c", READER, str(path), stdout=PIPE, stderr=PIPE) for _ in range(2)]

    assert [reader.communicate() for reader in readers] == [("600\n", ""), ("600\n", "")]
    process.communicate()
    assert [program.returncode for program in (process, *readers)] == [0, 0, 0]
    assert len(open_run(path)) == 600


def test_frames_grow_when_the_run_is_refreshed(tmp_path: Path) -> None:
    log = writer(tmp_path / "run.h5")
    log.row(0, 1, row(0))
    log.flush()
    run = open_run(tmp_path / "run.h5", live=True)
    before = (run.status, len(run), len(run.activations), len(run.snapshots))

    log.row(1, 1, row(1))
    log.snapshot(1, False, snapshot(1))
    log.flush()
    changed = run.refresh()
    unchanged = run.refresh()

    assert before == ("running", 1, 4, 0)
    assert (changed, unchanged) == (True, False)
    assert (len(run), len(run.activations), len(run.snapshots)) == (2, 8, 1)
    log.close("completed")
    assert run.refresh()
    assert run.status == "completed"


def test_a_run_opened_without_live_stays_what_it_was(tmp_path: Path) -> None:
    log = writer(tmp_path / "run.h5")
    log.row(0, 1, row(0))
    log.flush()
    run = open_run(tmp_path / "run.h5")

    log.row(1, 1, row(1))
    log.flush()

    assert not run.refresh()
    assert (len(run), run.status) == (1, "running")
    log.close("completed")


def test_a_reader_learns_that_the_writer_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    process = start("-c", WRITER, str(path), stdout=PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    run = open_run(path, live=True)

    process.kill()
    process.stdout.close()
    process.wait()

    assert run.status == "running"
    assert run.refresh()
    assert run.status == "crashed"


def test_a_wrong_row_at_the_end_of_a_live_log_is_not_returned(tmp_path: Path) -> None:
    log = writer(tmp_path / "run.h5")
    for step in range(130):
        log.row(step, 1, row(step))
    log.flush()
    data = bytearray((tmp_path / "run.h5").read_bytes())
    at = data.index(row(100).tobytes())
    with (tmp_path / "run.h5").open("r+b") as file:
        file.seek(at)
        file.write(struct.pack("<f", -1.0))

    # In another process: this one would see its own cache.
    code = "import sys; from diagnostics.log.reader import open_run; print(len(open_run(sys.argv[1], live=True)))"
    seen = run_program("-c", code, str(tmp_path / "run.h5"), check=True)

    assert int(seen.stdout) == 100
    log.close("completed")
