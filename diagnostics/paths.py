"""Paths of logs and what lies beside them: checked before training, changed in one step."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path

from diagnostics.errors import LogExistsError, LogWriteError

LEAST_ROOM = 1 << 17  # bytes for a log as it is made; they have to fit before training starts
LONGEST_NAME = 200  # of a log, in bytes: room for what is added while it is written


def readable_name(name: str) -> str:
    """A file's name as text that every file and page can hold; bytes that are no UTF-8 become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def check_log_path(path: Path, *, overwrite: bool = False) -> None:
    """Raise LogWriteError unless a log can be made at ``path``, LogExistsError where the name is taken."""
    folder = path.parent
    if not folder.is_dir():
        raise LogWriteError(f"{path}: folder {folder} does not exist; make it first, or give another path")
    if not os.access(folder, os.X_OK):
        raise LogWriteError(f"{path}: folder {folder} cannot be entered; give another path")
    if path.is_dir():
        raise LogExistsError(f"{path}: is a folder; give the name of a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LogWriteError(f"{path}: folder {folder} cannot be written to; give another path")
    if path.exists() and not overwrite:
        raise LogExistsError(f"{path}: exists already; add --overwrite or --resume, or give another --out")
    probe = folder / f".part-probe-{os.getpid()}"
    try:  # permissions do not tell of read-only mounts, full disks, quotas and limits
        if len(os.fsencode(path.name)) > LONGEST_NAME:
            raise OSError(errno.ENAMETOOLONG, "")
        probe.write_bytes(bytes(LEAST_ROOM))
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise LogWriteError(f"{path}: cannot be made in folder {folder}: {reason}") from None
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def place(part: Path, path: Path, *, overwrite: bool = False, keep_old_as: Path | None = None) -> None:
    """Give a finished file its name, never over another file unless that is wanted.

    Raises LogWriteError where somebody has made a file of a name that was free before.
    """
    if keep_old_as is not None:
        try:
            os.link(path, keep_old_as)
        except FileExistsError:
            raise LogWriteError(f"{keep_old_as}: was made by someone else in the meantime; try again") from None
        except OSError:  # a file system without links
            path.rename(keep_old_as)
        part.replace(path)
    elif overwrite:
        part.replace(path)
    else:
        try:
            os.link(part, path)
        except FileExistsError:
            raise LogWriteError(f"{path}: was made by someone else in the meantime; give another path") from None
        except OSError:  # a file system without links
            part.rename(path)
        else:
            part.unlink()


def name_before_resume(path: Path) -> Path:
    """NAME.before-resume-K.h5 beside ``path``, with the smallest K that is not taken."""
    number = 1
    while (candidate := path.with_name(f"{path.stem}.before-resume-{number}{path.suffix}")).exists():
        number += 1
    return candidate


def was_resumed(path: Path) -> bool:
    """Whether a log is what a resumed run left behind, going by its name."""
    return re.search(r"\.before-resume-[0-9]+$", path.stem) is not None


def checkpoint_folder(log: Path) -> Path:
    """Where the checkpoints of a log lie: a folder of its own for every name."""
    if log.suffix == ".h5":
        return log.with_suffix(".checkpoints")
    return log.with_name(f"{log.name}-checkpoints")


def fsync_folder(folder: Path) -> None:
    """Let a new name reach the disk, where the platform can do that for folders."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
