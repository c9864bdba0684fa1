"""open_run: from a log file to a Run, whatever has happened to the file.

A log that was closed is opened as any HDF5 file. One whose writer lives is
followed in SWMR mode. One whose writer was killed, or may have been, is read from a
repaired copy; the file itself is never touched. SWMR mode is never used on a file that may be
damaged, since HDF5 then retries for ever.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py

from diagnostics.errors import LogError
from diagnostics.files import copy_data, readable_name
from diagnostics.log import superblock
from diagnostics.log.file_source import FileSource, Opened
from diagnostics.log.hdf5 import open_hdf5
from diagnostics.log.layout import text
from diagnostics.log.locks import is_written
from diagnostics.log.native import NativeFile
from diagnostics.log.run_files import find_runs
from diagnostics.run.run import Run
from diagnostics.run.timeline import Timeline
from diagnostics.schema.tables import FORMAT, VERSION
from lenet.errors import reason_of


def open_run(path: str | os.PathLike[str], live: bool = False) -> Run:
    """The run in a log.

    ``path``: the log.
    ``live``: whether a log that is being written is followed, so that ``run.refresh()`` takes in what was
    written since. With False (default) the run stays what it was when it was opened.

    The run is judged by the thresholds that its log keeps. ``run.notes`` says what of a damaged file had to be
    left out. Raises LogError, one line, where the file is missing, empty, of another program or of another major
    version of the format, or damaged beyond repair.
    """
    file = Path(path)
    source = open_source(file)
    if not live:
        source.freeze()
    run = Run(Timeline(source), readable_name(file.name.removesuffix(".h5")), file)
    run.notes = tuple(source.problems)
    if whole := _whole_size(file):
        run.notes = (f"is cut short: found {file.stat().st_size:,} bytes, expected {whole:,}", *run.notes)
    return run


def open_runs(*paths: str | os.PathLike[str]) -> list[Run]:
    """The runs in logs and in the folders that hold them, each once, in the order of their names in a folder.

    ``paths``: logs and folders.

    Raises LogError, one line, for the first path or log that cannot be read.
    """
    return [open_run(path) for path in find_runs(map(Path, paths))]


def open_source(file: Path) -> FileSource:
    """What can be trusted of the log at ``file``; raises LogError as :func:`open_run` does."""
    return FileSource(file, lambda: _ways(file))


def _ways(file: Path) -> list[Callable[[], Opened]]:
    """How to open the file in the state it is in now, the best way first."""
    start = _start_of(file)
    if not superblock.is_hdf5(start):
        raise LogError(
            f"{file}: is not an HDF5 file; expected a log of lenet-diag, which 'lenet-diag import' makes of those of "
            "other tools"
        )
    if superblock.is_intact(start) and superblock.is_open_for_writing(start):
        written = is_written(file)
        if written:
            return [lambda: _followed(file)]
        return [lambda: _repaired(file, "unclear" if written is None else "crashed")]
    return [lambda: _plainly(file), lambda: _repaired(file, "crashed")]


def _start_of(file: Path) -> bytes:
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise LogError(f"{file}: is no regular file; expected a log of lenet-diag")
        with file.open("rb") as stream:
            start = stream.read(superblock.SIZE)
    except FileNotFoundError:
        raise LogError(f"{file}: no such file") from None
    except IsADirectoryError:
        raise LogError(f"{file}: is a folder; expected a log of lenet-diag") from None
    except OSError as error:
        raise LogError(f"{file}: cannot be read: {reason_of(error)}") from None
    if not start:
        raise LogError(f"{file}: is empty; expected a log of lenet-diag")
    return start


def _whole_size(file: Path) -> int | None:
    """How large the file was before it was cut short; None where it is not, or cannot be told."""
    return superblock.missing_end(_start_of(file), file.stat().st_size)


def _plainly(file: Path) -> Opened:
    return Opened(_checked(file, open_hdf5(file)))


def _followed(file: Path) -> Opened:
    number = file.stat().st_ino

    def alive() -> bool:
        """Whether somebody still writes this very file: it is neither gone nor has another taken its place."""
        try:
            return bool(is_written(file)) and file.stat().st_ino == number
        except OSError:
            return False

    return Opened(_checked(file, open_hdf5(file, swmr=True)), followed=True, alive=alive, status="running")


def _repaired(file: Path, status: str) -> Opened:
    """Open a padded copy with its flags cleared; it vanishes when it is closed. ``status``: as in Opened.

    Raises LogError where there is no room for the copy: the log may be whole.
    """
    try:
        descriptor, name = tempfile.mkstemp(suffix=".h5", prefix="lenet-diag-")
    except OSError as error:
        raise _no_room(file, Path(tempfile.gettempdir()), error) from None
    copy = Path(name)
    try:
        try:
            with file.open("rb") as stream, os.fdopen(descriptor, "wb") as room:
                copy_data(stream, room)
            superblock.pad_and_clear(copy)
        except OSError as error:
            raise _no_room(file, copy.parent, error) from None
        return Opened(_checked(file, open_hdf5(copy)), status=status)
    finally:
        with contextlib.suppress(OSError):  # platforms that do not remove open files
            copy.unlink()


def _no_room(file: Path, folder: Path, error: OSError) -> LogError:
    reason = reason_of(error)
    return LogError(
        f"{file}: cannot be read: its copy in {folder} failed, {reason}; point TMPDIR to where there is room"
    )


def _checked(file: Path, stream: h5py.File) -> h5py.File:
    try:
        _check_version(file, stream)
    except BaseException:
        stream.close()
        raise
    return stream


def _check_version(file: Path, stream: h5py.File) -> None:
    native = NativeFile(stream)
    if not native.has_attribute("format") and _whole_size(file):
        raise LogError(f"{file}: {superblock.damage(file)}")
    if not native.has_attribute("format") or text(native.attribute("format")[()]) != FORMAT:
        raise LogError(f"{file}: is an HDF5 file of another program; expected a log of lenet-diag")
    major, minor = (int(v) for v in native.attribute("schema_version"))
    if major != VERSION[0]:
        raise LogError(
            f"{file}: has log format {major}.{minor}, this program reads {VERSION[0]}.x; "
            + ("a newer lenet-diag is needed" if major > VERSION[0] else "an older lenet-diag is needed")
        )
