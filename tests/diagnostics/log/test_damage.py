"""Whatever is done to a log, reading it takes a moment, ends in one line or in right rows, and changes nothing."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

import h5py
import numpy as np
import pytest

from diagnostics.errors import DiagnosticsError, LogError
from diagnostics.log.reader import open_run
from diagnostics.log.repair import repair_log
from diagnostics.log.run_files import find_runs
from diagnostics.log.superblock import SIZE, is_intact
from diagnostics.schema.tables import VERSION
from diagnostics.statistics import summary_cache
from tests.helpers.fuzz import Record, fuzz, mutate
from tests.helpers.log_writers import ROWS, row, use_all, whole_log

SAMPLES = Path(__file__).parents[1] / "samples"


def assert_one_line_or_right_rows(path: Path) -> int | None:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    rows, complaint = None, f"{path}: "
    try:
        rows = use_all(open_run(path))
    except DiagnosticsError as error:
        complaint = str(error)
    assert "\n" not in complaint
    assert complaint.startswith(str(path))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    return rows


@pytest.mark.parametrize("count", [60, pytest.param(600, marks=pytest.mark.slow)])
def test_mutated_files_give_one_line_or_right_rows(
    sound: dict[str, bytes], tmp_path: Path, record_property: Record, count: int
) -> None:
    path = tmp_path / "mutated.h5"

    def trial(rng: random.Random) -> None:
        data = sound[rng.choice(["closed", "killed"])]
        cut = min(len(data), 40_000) if rng.random() < 0.5 else len(data)  # near the start the structures are
        path.write_bytes(mutate(data[:cut], rng) + data[cut:])
        assert_one_line_or_right_rows(path)

    fuzz(record_property, "mutated logs", count, trial)


@pytest.mark.parametrize("state", ["closed", "killed"])
@pytest.mark.parametrize("share", [0.0005, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_files_cut_short(sound: dict[str, bytes], tmp_path: Path, state: str, share: float) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(sound[state][: int(len(sound[state]) * share)])

    rows = assert_one_line_or_right_rows(path)

    assert rows is None or share > 0.5 or rows < ROWS


@pytest.mark.parametrize("size", [10, 40, 100, 1_000, 5_000, 20_000])
def test_a_file_that_is_cut_short_is_not_called_a_file_of_another_program(
    sound: dict[str, bytes], tmp_path: Path, size: int
) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(sound["closed"][:size])
    whole = len(sound["closed"]) if size >= SIZE else 48

    for read in (open_run, repair_log):
        with pytest.raises(LogError) as error:
            read(path)

        assert f"is cut short: found {size:,} bytes, expected " in str(error.value)
        assert f"{whole:,}" in str(error.value)
        assert "copy it again" in str(error.value)
        assert "Unable" not in str(error.value)


def test_plain_words_say_which_parts_of_a_cut_file_cannot_be_read(sound: dict[str, bytes], tmp_path: Path) -> None:
    for percent in range(30, 100, 4):
        path = tmp_path / f"{percent}.h5"
        path.write_bytes(sound["closed"][: len(sound["closed"]) * percent // 100])
        try:
            notes = open_run(path).notes
        except LogError as error:
            notes = (str(error),)

        assert "Error" not in " ".join(notes)
        assert not notes or "is cut short: found" in notes[0]


def test_most_rows_of_a_file_cut_at_the_end_are_there(sound: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(sound["killed"][: int(len(sound["killed"]) * 0.9)])

    assert (assert_one_line_or_right_rows(path) or 0) >= 64


def test_a_flipped_bit_in_a_row_ends_the_log_before_it(sound: dict[str, bytes], tmp_path: Path) -> None:
    data = bytearray(sound["closed"])
    data[data.index(row(123).tobytes()) + 7] ^= 4
    path = tmp_path / "run.h5"
    path.write_bytes(data)

    run = open_run(path)

    assert use_all(run) == 123
    assert run.notes == ("77 rows from row 123 on do not agree with their checksum and are left out",)


def test_statistics_count_a_damaged_log_as_crashed_and_name_it(sound: dict[str, bytes], tmp_path: Path) -> None:
    whole, damaged = tmp_path / "whole.h5", tmp_path / "damaged.h5"
    data = bytearray(sound["closed"])
    whole.write_bytes(data)
    data[data.index(row(123).tobytes()) + 7] ^= 4
    damaged.write_bytes(data)

    loaded = summary_cache.load_summaries(find_runs([tmp_path]))

    assert {run.name: run.is_crashed for run in loaded.runs} == {"whole.h5": False, "damaged.h5": True}
    assert loaded.problems == (
        f"{damaged}: damaged, so the run counts as crashed; lenet-diag repair saves what is left",
    )


def test_a_flipped_bit_in_an_event_ends_the_events_before_it(sound: dict[str, bytes], tmp_path: Path) -> None:
    data = bytearray(sound["closed"])
    data[data.index(b"event 100")] ^= 1
    path = tmp_path / "run.h5"
    path.write_bytes(data)

    run = open_run(path)

    assert run.events["message"].tolist() == ["event 0", "event 50"]
    assert len(run) == ROWS


def other_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(5)


def later_version(path: Path) -> None:
    whole_log(path)
    with h5py.File(path, "r+") as file:
        file.attrs.modify("schema_version", np.array([VERSION[0] + 1, 0], np.int32))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: None, "no such file"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: p.write_bytes(b""), "is empty"),
        (lambda p: p.write_text("hello"), "is not an HDF5 file"),
        (other_hdf5, "HDF5 file of another program"),
        (later_version, "a newer lenet-diag is needed"),
    ],
)
def test_a_file_that_is_no_log_gets_one_clear_line(tmp_path: Path, make: object, says: str) -> None:
    path = tmp_path / "run.h5"
    make(path)  # type: ignore[operator]

    with pytest.raises(LogError, match=says) as error:
        open_run(path)

    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_newer_minor_version_with_additions_is_read(tmp_path: Path) -> None:
    whole_log(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file.attrs.modify("schema_version", np.array([VERSION[0], VERSION[1] + 1], np.int32))
        file.attrs["something new"] = 1
        file["new/table"] = np.arange(3)

    assert use_all(open_run(tmp_path / "run.h5")) == ROWS


def test_the_checksum_of_the_superblock_is_that_of_hdf5(sound: dict[str, bytes]) -> None:
    assert is_intact(sound["closed"][:SIZE])


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.h5")), ids=lambda p: p.stem)
def test_samples_of_every_version_stay_readable(sample: Path) -> None:
    run = open_run(sample)

    assert run.notes == ()
    assert use_all(run) == 70
    assert run.status == "completed"
    assert run.header.checkpoint_every == (None if sample.stem == "log-1.0" else 0)
    assert len(run.rollbacks) == (sample.stem >= "log-1.3")
    is_old = sample.stem in ("log-1.0", "log-1.1")
    assert run.info.window == (200 if is_old else 20)
    assert run.info.thresholds.get("verdict.patience") == (None if is_old else 60)


def test_there_is_a_sample_of_this_version() -> None:
    assert (SAMPLES / f"log-{VERSION[0]}.{VERSION[1]}.h5").exists()


@pytest.mark.parametrize("patience", [-1, "soon", float("nan")])
def test_impossible_thresholds_in_a_log_are_named_and_not_used(tmp_path: Path, patience: object) -> None:
    whole_log(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file.attrs["thresholds"] = np.bytes_(json.dumps({"verdict.patience": patience, "of-old.limit": 3}))

    run = open_run(tmp_path / "run.h5")

    assert len(run.notes) == 1
    assert "thresholds cannot be used (limit verdict.patience: received" in run.notes[0]
    assert run.diagnosis.changed_limits == {}


@pytest.mark.parametrize(("name", "value"), [("batch_size", 0), ("window", -1), ("status", 99)])
def test_impossible_attributes_make_a_log_unreadable(tmp_path: Path, name: str, value: int) -> None:
    whole_log(tmp_path / "run.h5")
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        if name == "batch_size":
            del file.attrs["window"]
        file.attrs[name] = np.int64(value)

    with pytest.raises(LogError, match=f"is no log as lenet-diag writes them: {name}: found {value}, expected"):
        open_run(tmp_path / "run.h5")


@pytest.mark.parametrize("plain_first", [True, False])
def test_a_log_that_is_open_can_be_opened_with_plain_h5py_too(tmp_path: Path, plain_first: bool) -> None:
    whole_log(tmp_path / "run.h5")
    if plain_first:
        with h5py.File(tmp_path / "run.h5") as file:
            run = open_run(tmp_path / "run.h5")
            plain = file["steps/values"][:]
    else:
        run = open_run(tmp_path / "run.h5")
        with h5py.File(tmp_path / "run.h5") as file:
            plain = file["steps/values"][:]

    np.testing.assert_array_equal(run.block(), plain)
