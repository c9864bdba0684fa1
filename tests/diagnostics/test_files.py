"""Files are replaced whole or not at all; links, FIFOs and sockets never; nothing is left beside them."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from diagnostics.errors import DamagedFileError, LogWriteError, NotReplacedError
from diagnostics.files import (
    append_line,
    copy_data,
    new_part,
    place,
    read_json,
    replacing,
    write_bytes,
    write_json,
    write_text,
)
from lenet.regular_files import read_regular
from tests.helpers.forked import run
from tests.helpers.odd_files import CONTENT, ODD_FILES, what_is_there


@pytest.mark.parametrize("kind", ODD_FILES)
@pytest.mark.parametrize("write", [lambda p: write_bytes(p, b"x"), lambda p: write_json(p, {})], ids=["bytes", "json"])
def test_only_regular_files_are_replaced(tmp_path: Path, kind: str, write: object) -> None:
    path = tmp_path / "x"
    ODD_FILES[kind](path)
    before = what_is_there(path)

    with pytest.raises(NotReplacedError, match="only regular files are replaced"):
        write(path)  # type: ignore[operator]

    assert what_is_there(path) == before
    assert all(p.read_bytes() == CONTENT for p in tmp_path.glob("target-*"))
    assert not list(tmp_path.glob("*.part-*"))


@pytest.mark.parametrize("kind", ODD_FILES)
def test_what_takes_the_place_while_a_file_is_written_is_not_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"

    def race() -> None:
        with replacing(path) as part:
            part.write_bytes(b"new")
            ODD_FILES[kind](path)

    with pytest.raises(NotReplacedError):
        race()

    assert not path.is_file() or path.is_symlink()
    assert not list(tmp_path.glob("*.part-*"))


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ODD_FILES)
def test_a_finished_log_takes_no_place_of_something_else(tmp_path: Path, kind: str, overwrite: bool) -> None:
    path, part = tmp_path / "x", tmp_path / "part"
    ODD_FILES[kind](path)
    part.write_bytes(b"log")

    with pytest.raises(NotReplacedError):
        place(part, path, overwrite=overwrite)


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(NotReplacedError, match="is a folder"):
        write_text(tmp_path, "x")


def test_what_cannot_be_written_leaves_the_old_content_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail(error: BaseException) -> None:
        with replacing(path) as part:
            part.write_bytes(b"half of it")
            raise error

    with pytest.raises(LogWriteError, match=r"x: cannot be written: no space left"):
        fail(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(KeyboardInterrupt):
        fail(KeyboardInterrupt())

    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_what_cannot_be_read_meanwhile_is_not_called_unwritable(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="origin"), replacing(tmp_path / "x"):
        (tmp_path / "origin").read_bytes()


def test_parts_of_killed_writers_are_removed_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    path = tmp_path / "x"
    kill = "import os, signal; from pathlib import Path; from diagnostics.files import replacing\n"
    kill += f"with replacing(Path({str(path)!r})) as part:\n  part.write_bytes(b'half'); os.kill(os.getpid(), 9)"
    done = run("-c", kill)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("x.part-*"))) == 1

    with replacing(path) as living:
        living.write_bytes(b"first")
        write_bytes(path, b"second")
        assert list(tmp_path.glob("x.part-*")) == [living]

    assert path.read_bytes() == b"first"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250)

    write_text(path, "text")

    assert path.read_text() == "text"
    assert len(new_part(path).name) < 200


def test_text_that_is_no_text_costs_no_page(tmp_path: Path) -> None:
    write_text(tmp_path / "x", "name \udcff")

    assert (tmp_path / "x").read_text() == "name ?"


@pytest.mark.parametrize("kind", ["a named pipe", "a socket"])
def test_reading_waits_for_nobody(tmp_path: Path, kind: str) -> None:
    ODD_FILES[kind](tmp_path / "x")

    with pytest.raises(OSError, match=f"is {kind}"):
        read_regular(tmp_path / "x", 100)
    with pytest.raises(DamagedFileError, match=f"is {kind}"):
        read_json(tmp_path / "x", "any")


def test_reading_ends_at_the_size_that_was_allowed(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")

    assert read_regular(tmp_path / "x", 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_regular(tmp_path / "x", 4)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"format": "any", "runs": NaN}', '{"format": "any", "x": -Infinity}'])
def test_json_that_nests_without_end_or_has_no_json_numbers_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text)

    with pytest.raises(DamagedFileError) as error:
        read_json(tmp_path / "x", "any")

    assert "\n" not in str(error.value)


@pytest.mark.parametrize("holes", [[], [(0, 5_000_000)], [(3, 4_000_000), (5_000_000, 9_000_000)], [(10, 2**40)]])
def test_a_copy_has_the_same_bytes_and_the_same_holes(tmp_path: Path, holes: list[tuple[int, int]]) -> None:
    with (tmp_path / "source").open("w+b") as source, (tmp_path / "target").open("w+b") as target:
        source.write(b"begin")
        for start, stop in holes:
            source.seek(start)
            source.write(b"data")
            source.seek(stop)
        source.write(b"end")
        size = source.seek(0, os.SEEK_END)

        copy_data(source, target)
        target.flush()

        assert target.seek(0, os.SEEK_END) == size
        for place in (0, *(edge for hole in holes for edge in hole), size - 10):
            source.seek(max(0, place - 5))
            target.seek(max(0, place - 5))
            assert target.read(20) == source.read(20)
        assert os.fstat(target.fileno()).st_blocks <= os.fstat(source.fileno()).st_blocks + 16


@pytest.mark.parametrize("kind", ODD_FILES)
def test_lines_are_appended_to_regular_files_only(tmp_path: Path, kind: str) -> None:
    append_line(tmp_path / "lines", "first")
    append_line(tmp_path / "lines", "second")
    ODD_FILES[kind](tmp_path / "odd")
    before = what_is_there(tmp_path / "odd")

    with pytest.raises(NotReplacedError):
        append_line(tmp_path / "odd", "line")

    assert (tmp_path / "lines").read_text() == "first\nsecond\n"
    assert what_is_there(tmp_path / "odd") == before
    assert all(p.read_bytes() == CONTENT for p in tmp_path.glob("target-*"))
