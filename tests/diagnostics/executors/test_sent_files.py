"""Files from elsewhere: written whole, inside their folder, over regular files alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.errors import LogWriteError, NotReplacedError
from diagnostics.executors.sent_files import put_files


def test_files_go_to_their_places_and_replace_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "run.h5").write_bytes(b"half a run")
    put_files(tmp_path, {"run.h5": b"a run", "run.checkpoints/1.npz": b"a state"})

    assert (tmp_path / "run.h5").read_bytes() == b"a run"
    assert (tmp_path / "run.checkpoints" / "1.npz").read_bytes() == b"a state"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.checkpoints", "run.h5"]


@pytest.mark.parametrize("name", ["../run.h5", "/run.h5", "a/../../run.h5", ""])
def test_a_file_that_leads_out_of_the_folder_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "study"
    with pytest.raises(LogWriteError, match="outside this folder"):
        put_files(folder, {"first.h5": b"a run", name: b"a run"})

    assert not folder.exists()


def test_a_link_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "run.h5").symlink_to(tmp_path / "elsewhere.h5")
    with pytest.raises(NotReplacedError, match="only regular files are replaced"):
        put_files(tmp_path, {"run.h5": b"a run"})

    assert not (tmp_path / "elsewhere.h5").exists()
