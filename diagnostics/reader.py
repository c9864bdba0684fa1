"""open_run: from a log file to a Run, whatever has happened to the file.

A log that was closed is opened as any HDF5 file. One whose writer lives is
followed in SWMR mode. One whose writer was killed is read from a repaired copy;
the file itself is never touched. SWMR mode is never used on a file that may be
damaged, since HDF5 then retries for ever.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py

from diagnostics.errors import LogError
from diagnostics.run import Run
from diagnostics.schema import FORMAT, VERSION
from diagnostics.storage import superblock
from diagnostics.storage.filesource import UNREADABLE, FileSource
from diagnostics.storage.locks import has_writer


def open_run(path: str | os.PathLike[str], live: bool = False) -> Run:
    """The run in the log at ``path``.

    With ``live`` the log of a run that is being written can be followed:
    ``run.refresh()`` takes in what was written since. Without, the run stays what
    it was when it was opened. Raises LogError, one line, where the file is
    missing, empty, foreign, of a newer major version, or beyond repair;
    ``run.notes`` says what of a damaged file had to be left out.
    """
    file = Path(path)
    start = _start_of(file)
    if not superblock.is_hdf5(start):
        raise LogError(f"{file}: is not an HDF5 file; expected a log of lenet-diag")
    if not superblock.is_intact(start):
        # A superblock of another version belongs to another program, or its bytes are damaged.
        source = _plainly(file) if start[8:9] != b"\x03" else _repaired(file)
    elif not superblock.is_open_for_writing(start):
        source = _plainly(file)
    elif has_writer(file):
        source = _followed(file, live)
    else:
        source = _repaired(file)
    run = Run(source.header.info, source, file.name.removesuffix(".h5"), file)
    run.notes = tuple(source.problems)
    return run


def _start_of(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            start = stream.read(superblock.SIZE)
    except FileNotFoundError:
        raise LogError(f"{file}: no such file") from None
    except IsADirectoryError:
        raise LogError(f"{file}: is a folder; expected a log of lenet-diag") from None
    except OSError as error:
        raise LogError(f"{file}: cannot be read: {os.strerror(error.errno or 0).lower()}") from None
    if not start:
        raise LogError(f"{file}: is empty; expected a log of lenet-diag")
    return start


def _plainly(file: Path) -> FileSource:
    try:
        return _source(file, lambda: h5py.File(file, "r"), lambda: False, closed_properly=True)
    except UNREADABLE:
        return _repaired(file)


def _followed(file: Path, live: bool) -> FileSource:
    def alive() -> bool:
        return has_writer(file)

    try:
        source = _source(file, lambda: h5py.File(file, "r", swmr=True), alive, closed_properly=False)
    except UNREADABLE as error:
        raise LogError(f"{file}: is being written and cannot be read just now ({error}); try again") from None
    if not live:
        source.freeze()
    return source


def _repaired(file: Path) -> FileSource:
    """Read a padded copy with its flags cleared; it vanishes when it is closed."""
    descriptor, name = tempfile.mkstemp(suffix=".h5", prefix="lenet-diag-")
    os.close(descriptor)
    copy = Path(name)
    try:
        shutil.copyfile(file, copy)
        superblock.pad_and_clear(copy)
        source = _source(file, lambda: h5py.File(copy, "r"), lambda: False, closed_properly=True)
        return source
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:120]
        raise LogError(f"{file}: is damaged beyond repair ({reason})") from None
    finally:
        copy.unlink(missing_ok=True)


def _source(
    file: Path, opened: Callable[[], h5py.File], alive: Callable[[], bool], closed_properly: bool
) -> FileSource:
    stream = opened()
    try:
        _check_version(file, stream)
        return FileSource(stream, alive, closed_properly)
    except BaseException:
        stream.close()
        raise


def _check_version(file: Path, stream: h5py.File) -> None:
    found = stream.attrs.get("format")
    if found is None or bytes(found).rstrip(b"\0") != FORMAT.encode():
        raise LogError(f"{file}: is an HDF5 file of another program; expected a log of lenet-diag")
    major, minor = (int(v) for v in stream.attrs["schema_version"])
    if major != VERSION[0]:
        raise LogError(
            f"{file}: has log format {major}.{minor}, this program reads {VERSION[0]}.x; "
            + ("a newer lenet-diag is needed" if major > VERSION[0] else "an older lenet-diag is needed")
        )
