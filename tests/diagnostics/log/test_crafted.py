"""Files that were made to do harm: one line, or the rows that can be trusted; within 10 s of CPU and 1 GB of memory."""

from __future__ import annotations

import random
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from diagnostics.errors import LogError
from diagnostics.log.reader import open_run
from diagnostics.log.repair import repair_log
from diagnostics.run.run import Run
from tests.helpers.crafted_logs import BOMBS, HEADERS, NOT_READ, ODD_ROWS, random_change
from tests.helpers.fuzz import Record, assert_one_line, fuzz
from tests.helpers.log_changes import craft
from tests.helpers.log_writers import ROWS, use_all, whole_log


def one_line(path: Path, read: object) -> str:
    with pytest.raises(LogError) as error:
        read(path)  # type: ignore[operator]
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


def complaint(path: Path) -> str | None:
    """The line for a log that cannot be read; None for one whose rows are the right ones."""
    line = None
    try:
        use_all(open_run(path))
    except LogError as error:
        line = str(error)
    assert "\n" not in (line or "")
    return line


def outside_the_steps(name: str) -> bool:
    """Whether the log can be read without what was changed."""
    return any(part in name for part in ("events", "epochs", "snapshots"))


@pytest.mark.parametrize("name", NOT_READ)
def test_only_what_lies_in_the_file_as_it_is_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.h5"
    craft(path, NOT_READ[name])

    if not outside_the_steps(name):
        assert "is no log as lenet-diag writes them" in one_line(path, open_run)
        one_line(path, repair_log)
        return
    run = open_run(path)
    assert len(run) == ROWS
    assert re.search(r"is a link to another place|from other files|uses a filter", "; ".join(run.notes))


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_cannot_be_is_one_line_that_says_why(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.h5"
    craft(path, HEADERS[name])

    line = one_line(path, open_run)

    assert "is no log as lenet-diag writes them" in line or "is damaged beyond repair" in line


def ask_everything(run: Run) -> None:
    for frame in (run.steps, run.tensors, run.activations, run.epochs, run.validations, run.events, run.checkpoints):
        len(frame)
    assert run.verdict is not None
    assert run.steps_made >= 0
    assert len(run.snapshots.steps) >= 0


@pytest.mark.parametrize("name", ODD_ROWS)
def test_rows_that_make_little_sense_raise_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.h5"
    craft(path, ODD_ROWS[name])

    ask_everything(open_run(path))


@pytest.mark.parametrize("count", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_a_random_header_is_one_line_or_a_log_that_answers(
    sound: dict[str, bytes], tmp_path: Path, record_property: Record, count: int
) -> None:
    path = tmp_path / "run.h5"

    def trial(rng: random.Random) -> None:
        path.unlink(missing_ok=True)  # HDF5 knows a file that is still open by its inode
        path.write_bytes(sound["closed"])
        with h5py.File(path, "r+", libver=("v110", "latest")) as file:
            random_change(rng)(file, tmp_path)
        try:
            run = open_run(path)
        except LogError as error:
            assert_one_line(error, path)
            return
        ask_everything(run)

    fuzz(record_property, "random headers", count, trial)


def header_of(data: bytearray, name: str) -> range:
    """The bytes of the object header of a dataset or group in a log."""
    with h5py.File.in_memory(bytes(data)) as file:
        address = h5py.h5o.get_info(file[name].id).addr
    size = 12 if data[address : address + 4] == b"OHDR" else 16
    return range(address, min(address + size + 256, len(data)))


PARTS = ["steps", "steps/values", "steps/index", "layout", "layout/columns", "events", "snapshots", "snapshots/counts"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("distance", [40, pytest.param(1, marks=pytest.mark.slow)])
def test_flipped_bits_in_the_header_of_a_part_are_one_line_or_right_rows(
    sound: dict[str, bytes], tmp_path: Path, part: str, distance: int
) -> None:
    path = tmp_path / "run.h5"
    refused = 0
    for place in header_of(bytearray(sound["closed"]), part)[::distance]:
        data = bytearray(sound["closed"])
        data[place] ^= 1 << (place % 8)
        path.write_bytes(data)
        refused += complaint(path) is not None
    assert refused or part in ("events", "snapshots", "snapshots/counts")


def test_the_bit_that_took_a_whole_folder_down(sound: dict[str, bytes], tmp_path: Path) -> None:
    for part in ("steps", "steps/values", "steps/index"):
        with h5py.File.in_memory(sound["closed"]) as file:
            address = h5py.h5o.get_info(file[part].id).addr
        data = bytearray(sound["closed"])
        data[address + 20] ^= 1
        path = tmp_path / f"{part.replace('/', '-')}.h5"
        path.write_bytes(data)
        one_line(path, open_run)
        one_line(path, repair_log)


def test_fields_that_a_newer_version_added_are_no_harm(tmp_path: Path) -> None:
    whole_log(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        old = file["events"][()]
        wider = np.zeros(len(old), [*((n, old.dtype[n]) for n in old.dtype.names), ("mood", "S8")])
        for name in old.dtype.names:
            wider[name] = old[name]
        del file["events"]
        file.create_dataset("events", data=wider, maxshape=(None,))

    assert use_all(open_run(tmp_path / "run.h5")) == ROWS


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_read_as_far_as_it_can_be_trusted(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.h5"
    craft(path, BOMBS[name])
    line = complaint(path)
    if line is None:
        run = open_run(path)
        assert len(run) in (0, ROWS)
        assert run.notes or "description" in name
