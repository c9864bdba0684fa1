"""Make a damaged log an ordinary file again, and keep the damaged one."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from diagnostics.errors import LogBusyError, LogWriteError
from diagnostics.files import fsync_folder, open_part, place
from diagnostics.log import superblock
from diagnostics.log.file import LogFile
from diagnostics.log.file_source import FileSource
from diagnostics.log.hdf5 import reason_in_a_line
from diagnostics.log.locks import WriterLock, has_writer, real_path
from diagnostics.log.reader import open_source
from diagnostics.schema.header import Header


@dataclass(frozen=True)
class Repair:
    """What a repair did.

    ``path``: the log.
    ``rows``: how many rows could be trusted.
    ``last_step``: the step of the last of them; None where there is none.
    ``status``: what became of the run.
    ``original``: the damaged file under its new name; None where there was nothing to repair.
    ``problems``: what could not be saved, one line each.
    """

    path: Path
    rows: int
    last_step: int | None
    status: str
    original: Path | None
    problems: tuple[str, ...]

    def summary(self) -> str:
        """One line for people."""
        reached = f"{self.rows} rows, up to step {self.last_step}" if self.rows else "no rows"
        if self.original is None:
            return f"{self.path}: nothing to repair ({reached}, {self.status})"
        lost = "; " + "; ".join(self.problems) if self.problems else ""
        return f"{self.path}: saved {reached}{lost}; the damaged file is kept as {self.original.name}"


def repair_log(path: str | os.PathLike[str], *, force: bool = False) -> Repair:
    """Write what can be trusted of a log into a fresh file of the same name.

    The file as it was is kept as NAME.h5.damaged (-2, -3, ...).

    path: the log, or a symbolic link to it. force: repair it also where the file system has no locks, so that nobody
    can tell whether a writer lives. Default False.
    Raises LogError where nothing can be read, LogBusyError while a writer lives or may live, LogWriteError
    where the fresh file cannot be written.
    """
    file = real_path(Path(path))
    if has_writer(file):
        raise LogBusyError(f"{file}: is being written by another process; nothing to repair")
    source = open_source(file)
    if source.status == "unclear" and not force:
        raise LogBusyError(
            f"{file}: cannot tell whether a writer lives: its file system has no locks; see to it that none does, then "
            f"lenet-diag repair --force"
        )
    source.freeze()  # so that all its problems are known
    rows = source.count()
    last = int(source.index()["step"][-1]) if rows else None
    problems = tuple(source.problems)
    with file.open("rb") as stream:
        start = stream.read(superblock.SIZE)
    whole = superblock.missing_end(start, file.stat().st_size)
    if whole is not None:
        problems = (f"{whole - file.stat().st_size:,} bytes at its end were missing", *problems)
    if superblock.is_intact(start) and not superblock.is_open_for_writing(start) and not problems:
        return Repair(file, rows, last, source.status, None, ())
    status = "crashed" if source.status == "unclear" else source.status
    original = _kept_name(file)
    try:
        lock = _locked(file)
        try:
            _write_anew(source, replace(source.header, status=status), file, original)
        finally:
            lock.release()
    except (OSError, RuntimeError) as error:
        reason = reason_in_a_line(error)
        raise LogWriteError(f"{file}: cannot be written anew: {reason}; it was left as it is") from None
    return Repair(file, rows, last, status, original, problems)


def _locked(file: Path) -> WriterLock:
    """The lock, which nobody is to have taken in the meantime."""
    try:
        return WriterLock(file)
    except LogWriteError:
        raise LogBusyError(f"{file}: is being written by another process; nothing to repair") from None


def _write_anew(source: FileSource, header: Header, file: Path, original: Path) -> None:
    """What can be trusted of ``source`` as ``file``, which is kept as ``original``."""
    part, locked = open_part(file)
    log: LogFile | None = None
    try:
        log = LogFile.create(part, header)
        log.copy(source)
        log.file.flush()
        os.fsync(log.descriptor)
        log.file.close()
        log = None  # its descriptor may be another file's from here on
        place(part, file, keep_old_as=original)
        fsync_folder(file.parent)
    except BaseException:
        if log is not None:
            log.abandon()
        raise
    finally:
        locked.close()
        part.unlink(missing_ok=True)


def _kept_name(file: Path) -> Path:
    number = 1
    while (name := file.with_name(f"{file.name}.damaged" + (f"-{number}" if number > 1 else ""))).exists():
        number += 1
    return name
