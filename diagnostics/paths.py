"""Paths of logs and what lies beside them: checked before training, changed in one step."""

from __future__ import annotations

import os
from pathlib import Path

from diagnostics.errors import LogExistsError, LogWriteError


def check_log_path(path: Path, *, overwrite: bool = False) -> None:
    """Raise LogWriteError unless a log can be made at ``path``, LogExistsError where the name is taken."""
    folder = path.parent
    if not folder.is_dir():
        raise LogWriteError(f"{path}: folder {folder} does not exist; make it first, or give another path")
    if path.is_dir():
        raise LogExistsError(f"{path}: is a folder; give the name of a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LogWriteError(f"{path}: folder {folder} cannot be written to; give another path")
    if path.exists() and not overwrite:
        raise LogExistsError(f"{path}: exists already; add --overwrite or --resume, or give another --out")
    probe = folder / f".{path.name}.part-probe-{os.getpid()}"
    try:  # permissions do not tell of read-only mounts and full quotas
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise LogWriteError(f"{path}: folder {folder}: {os.strerror(error.errno or 0).lower()}") from None


def place(part: Path, path: Path, *, overwrite: bool = False, keep_old_as: Path | None = None) -> None:
    """Give a finished file its name, never over another file unless that is wanted."""
    if keep_old_as is not None:
        try:
            os.link(path, keep_old_as)
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


def free_name(path: Path, tag: str) -> Path:
    """NAME.tag-K.h5 beside ``path``, with the smallest K that is not taken."""
    number = 1
    while (candidate := path.with_name(f"{path.stem}.{tag}-{number}{path.suffix}")).exists():
        number += 1
    return candidate


def checkpoint_folder(log: Path) -> Path:
    """Where the checkpoints of a log lie."""
    return log.with_name(f"{log.stem}.checkpoints")


def fsync_folder(folder: Path) -> None:
    """Let a new name reach the disk, where the platform can do that for folders."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
