"""Checkpoints: what cannot be opened is called that, and what is malformed is one line before anything is changed."""

from __future__ import annotations

import errno
import os
import random
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnostics.errors import CheckpointError, DiagnosticsError
from diagnostics.log.checkpoints import CheckpointRing
from diagnostics.log.reader import open_run
from diagnostics.log.resume import prepare_resume
from diagnostics.record.recorder import Recorder
from lenet.errors import DataError, LenetError
from lenet.training.state import load_state
from tests.helpers.fuzz import Record, assert_one_line, fuzz, mutate
from tests.helpers.malformed_checkpoints import MALFORMED
from tests.helpers.odd_files import ODD_FILES, what_is_there
from tests.helpers.small_trainings import CtrlC, small_model, train


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was interrupted after its step 20, with checkpoints before steps 7 and 14."""
    folder, model = tmp_path_factory.mktemp("interrupted"), small_model()
    with pytest.raises(KeyboardInterrupt):
        train([Recorder(folder / "run.h5", model=model, checkpoint_every=7), CtrlC(20)], model)
    return folder


@pytest.fixture
def log(interrupted: Path, tmp_path: Path) -> Path:
    """A copy of the interrupted run, which may be changed."""
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run.h5"


def newest(log: Path) -> Path:
    return log.with_suffix(".checkpoints") / "step-00000014.npz"


def test_an_interrupted_run_goes_on_from_the_newest(log: Path) -> None:
    assert prepare_resume(log).step == 14


@pytest.mark.parametrize("code", [errno.EACCES, errno.EMFILE, errno.EIO, errno.ENFILE])
def test_a_checkpoint_that_cannot_be_opened_is_not_called_damaged(
    log: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    opened = os.open

    def refuse(path: Any, *given: Any, **named: Any) -> int:
        if str(path).endswith("14.npz"):
            raise OSError(code, os.strerror(code), str(path))
        return opened(path, *given, **named)

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(CheckpointError) as error:
        prepare_resume(log)

    reason = f"{newest(log)}: cannot be opened: {os.strerror(code).lower()}"
    assert str(error.value) == f"{reason}; see to that, or remove the file to go on from an older one"
    assert "train anew" not in str(error.value)


def test_a_folder_that_cannot_be_read_is_named(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)

    with pytest.raises(CheckpointError, match=r"run\.checkpoints: cannot be read: permission denied$"):
        prepare_resume(log)


def test_a_damaged_checkpoint_is_passed_over_and_the_reason_is_told_where_none_is_left(log: Path) -> None:
    newest(log).write_bytes(b"damaged")
    assert prepare_resume(log).step == 7

    for path in log.with_suffix(".checkpoints").iterdir():
        path.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=r"none of them sound and of this run \(the newest: .*step-00000014"):
        prepare_resume(log)


@pytest.mark.parametrize("kind", ODD_FILES)
def test_what_is_no_regular_file_is_no_checkpoint(log: Path, kind: str) -> None:
    newest(log).unlink()
    ODD_FILES[kind](newest(log))
    before = what_is_there(newest(log))

    assert prepare_resume(log).step == 7
    model = small_model()
    recorder = Recorder(log, model=model, checkpoint_every=7)
    recorder.resume(model)
    train([recorder], model)
    assert what_is_there(newest(log)) == before


def test_a_folder_of_checkpoints_that_is_a_link_is_neither_read_nor_written(log: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    folder = log.with_suffix(".checkpoints")
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    before = sorted(p.name for p in elsewhere.iterdir())

    with pytest.raises(CheckpointError, match="is a symbolic link, expected the folder"):
        prepare_resume(log)
    model = small_model()
    train([Recorder(log, overwrite=True, model=model, checkpoint_every=7)], model)

    assert sorted(p.name for p in elsewhere.iterdir()) == before
    assert open_run(log).status == "completed"


def test_halves_of_checkpoints_are_removed_by_the_next_run(log: Path) -> None:
    half = log.with_suffix(".checkpoints") / "step-00000021.npz.part-12345"
    half.write_bytes(b"half")

    model = small_model()
    train([Recorder(log, overwrite=True, model=model, checkpoint_every=7)], model)

    assert not half.exists()


def test_names_with_strange_digits_are_no_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for name in ("step-².npz", "step-.npz", "step-x.npz", "step--1.npz"):
        (tmp_path / "x" / name).touch()

    assert CheckpointRing(tmp_path / "x", "run").steps == []


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_members_are_one_line_or_passed_over(log: Path, name: str) -> None:
    with np.load(newest(log)) as archive:
        members = dict(archive)
    MALFORMED[name](members)
    np.savez(newest(log), **members)
    before = log.read_bytes()
    model = small_model()
    recorder = Recorder(log, model=model, checkpoint_every=7)

    try:
        step = recorder.resume(model)
        assert step == 7 or "recorder" in name or name.startswith(("streak", "steps", "snapshots", "step elsewhere"))
        train([recorder], model)
    except (LenetError, DiagnosticsError) as error:
        line = str(error)
        assert "\n" not in line
        assert log.read_bytes() == before
        assert sorted(p.name for p in log.parent.iterdir()) == ["run.checkpoints", "run.h5"]
    else:
        assert open_run(log).status == "completed"


@pytest.mark.parametrize("count", [40, pytest.param(400, marks=pytest.mark.slow)])
def test_a_mutated_checkpoint_is_one_line_or_the_state_that_was_saved(
    log: Path, record_property: Record, count: int
) -> None:
    path, ring = newest(log), CheckpointRing(newest(log).parent, open_run(log).source.header.run_id)  # type: ignore[attr-defined]
    sound, saved = path.read_bytes(), ring.load(14)
    model = small_model()

    def trial(rng: random.Random) -> None:
        path.write_bytes(mutate(sound, rng))
        try:
            found = ring.load(14)
            model.restore(found.model)
        except (LenetError, CheckpointError) as error:
            assert_one_line(error, path)
            return
        for name, array in (saved.model | saved.recorder).items():
            np.testing.assert_array_equal((found.model | found.recorder)[name], array)

    fuzz(record_property, "mutated checkpoints", count, trial)


def test_packed_members_are_refused_before_they_are_unpacked(log: Path) -> None:
    with np.load(newest(log)) as archive:
        members = dict(archive)
    members["parameters"] = np.zeros(50_000_000, np.float32)
    np.savez_compressed(newest(log), **members)
    assert newest(log).stat().st_size < 1_000_000

    with pytest.raises(DataError, match="its members are compressed"):
        load_state(newest(log))
    assert prepare_resume(log).step == 7


def test_members_that_claim_more_than_the_file_holds_are_refused(log: Path) -> None:
    with zipfile.ZipFile(newest(log), "a") as archive:
        archive.writestr(
            "bomb.npy",
            np.lib.format.magic(1, 0)
            + b"v\0"
            + b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117)
            + b"\n",
        )

    with pytest.raises(DataError, match="cannot be read as a saved state"):
        load_state(newest(log))


def test_members_that_are_no_arrays_are_refused(log: Path) -> None:
    with zipfile.ZipFile(newest(log), "a") as archive:
        archive.writestr("optimizer/other", b"text")

    with pytest.raises(DataError, match="found no array of numbers or text in optimizer/other"):
        load_state(newest(log))
