"""What repair saves of a damaged log, and that nothing recorded is lost on the way."""

from __future__ import annotations

import subprocess
from pathlib import Path

import h5py
import pytest

from diagnostics.errors import LogBusyError, LogWriteError
from diagnostics.file_locks import lock as lock_file
from diagnostics.files import place
from diagnostics.log.locks import WriterLock, has_writer, is_written
from diagnostics.log.reader import open_run
from diagnostics.log.repair import repair_log
from diagnostics.schema.tables import EVENTS, VALUES
from tests.helpers.forked import file_size_limit, run
from tests.helpers.log_writers import INFO, ROWS, row, use_all


def test_repair_says_what_it_saved_and_keeps_the_original(sound: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    data = bytearray(sound["killed"])
    data[data.index(row(150).tobytes())] ^= 1
    path.write_bytes(data)

    repaired = repair_log(path)

    assert (repaired.rows, repaired.last_step) == (150, 149)
    assert "saved 150 rows, up to step 149" in repaired.summary()
    assert "kept as run.h5.damaged" in repaired.summary()
    assert (tmp_path / "run.h5.damaged").read_bytes() == data
    with h5py.File(path, "r") as file:
        assert file[VALUES.path].shape == (150, len(INFO.columns))
        assert len(file[EVENTS.path]) == 4
    assert use_all(open_run(path)) == 150
    assert "nothing to repair" in repair_log(path).summary()


@pytest.mark.parametrize("missing", [1, 205, 3000])
def test_a_log_without_its_last_bytes_is_noted_and_rewritten(
    sound: dict[str, bytes], tmp_path: Path, missing: int
) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(sound["closed"][:-missing])

    assert "is cut short" in "; ".join(open_run(path).notes)
    repaired = repair_log(path)

    assert f"{missing:,} byte" in repaired.summary()
    with h5py.File(path, "r") as file:
        assert len(file[VALUES.path]) == repaired.rows > 0
    assert "nothing to repair" in repair_log(path).summary()


def test_repairing_a_second_time_keeps_both_originals(sound: dict[str, bytes], tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "run.h5").write_bytes(sound["killed"])
        repair_log(tmp_path / "run.h5")

    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.h5", "run.h5.damaged", "run.h5.damaged-2"]


def repair_with_room_for(share: float, data: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    """lenet-diag repair run.h5, where no file may become longer than a share of the log."""
    (folder / "run.h5").write_bytes(data)
    command = "from reports.cli import main; main(['repair', 'run.h5'])"
    return run("-c", file_size_limit(int(len(data) * share)) + command, cwd=folder)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_repair_for_which_the_disk_has_no_room_leaves_everything_as_it_was(
    sound: dict[str, bytes], tmp_path: Path, share: float
) -> None:
    data = bytearray(sound["closed"])
    data[data.index(row(190).tobytes())] ^= 1

    done = repair_with_room_for(share, bytes(data), tmp_path)

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "error: run.h5: cannot be written anew: file too large; it was left as it is\n"
    assert [p.name for p in tmp_path.iterdir()] == ["run.h5"]
    assert (tmp_path / "run.h5").read_bytes() == data


def test_a_log_whose_copy_has_no_room_is_not_called_damaged(sound: dict[str, bytes], tmp_path: Path) -> None:
    done = repair_with_room_for(0.5, sound["killed"], tmp_path)

    assert done.returncode == 3
    assert "run.h5: cannot be read: its copy in" in done.stderr
    assert done.stderr.endswith("failed, file too large; point TMPDIR to where there is room\n")


def test_a_log_that_is_being_written_is_not_repaired(sound: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "run.h5").write_bytes(sound["killed"])
    lock = WriterLock(tmp_path / "run.h5")

    with pytest.raises(LogBusyError, match="is being written by another process"):
        repair_log(tmp_path / "run.h5")

    lock.release()
    repair_log(tmp_path / "run.h5")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.h5", "run.h5.damaged"]


def test_what_a_killed_writer_left_is_not_read_as_the_live_log_of_the_next(
    sound: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(sound["killed"])
    lock = WriterLock(path)  # of a repair, or of a resumed run that has no log yet

    assert has_writer(path)
    assert not is_written(path)
    assert use_all(open_run(path, live=True)) == ROWS

    with path.open("r+b") as file:
        assert lock_file(file.fileno())
        lock.hold(file)
    assert is_written(path)
    lock.release()
    assert not is_written(path)


def test_a_kept_log_is_never_overwritten(tmp_path: Path) -> None:
    for name in ("part", "run.h5", "kept.h5"):
        (tmp_path / name).write_text(name)

    with pytest.raises(LogWriteError, match=r"kept.h5: was made by someone else in the meantime"):
        place(tmp_path / "part", tmp_path / "run.h5", keep_old_as=tmp_path / "kept.h5")

    assert [(tmp_path / name).read_text() for name in ("run.h5", "kept.h5")] == ["run.h5", "kept.h5"]


def test_a_damaged_file_never_makes_the_command_hang_or_trace(sound: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "run.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + sound["closed"][8:40])

    done = run("-c", "from reports.commands.repair import command; command()", "run.h5", cwd=tmp_path)

    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "run.h5" in done.stderr
