"""The names of a log and of the files beside it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path

from diagnostics.errors import LogExistsError, LogWriteError
from diagnostics.files import check_replaceable, make_folder, new_part
from lenet.errors import reason_of

LEAST_ROOM = 1 << 17  # bytes for a log as it is made; they have to fit before training starts
LONGEST_NAME = 200  # of a log, in bytes: room for what is added while it is written


def check_log_path(path: Path, *, overwrite: bool = False) -> None:
    """Raise LogWriteError unless a log can be made at ``path``. Its folder is made where it is missing.

    Raises LogExistsError where the name is taken, and NotReplacedError where it is that of no regular file.
    """
    folder = path.parent
    if not folder.is_dir():
        make_folder(folder)
    if not os.access(folder, os.X_OK):
        raise LogWriteError(f"{path}: folder {folder} cannot be entered; give another path")
    if path.is_dir():
        raise LogExistsError(f"{path}: is a folder; give the name of a file")
    check_replaceable(path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LogWriteError(f"{path}: folder {folder} cannot be written to; give another path")
    if path.exists() and not overwrite:
        raise LogExistsError(
            f"{path}: exists already; replace it with overwrite=True (--overwrite), or give another path"
        )
    probe = new_part(path)
    try:  # permissions do not tell of read-only mounts, full disks, quotas and limits
        if len(os.fsencode(path.name)) > LONGEST_NAME:
            raise OSError(errno.ENAMETOOLONG, "")
        with probe.open("xb") as file:
            file.write(bytes(LEAST_ROOM))
    except OSError as error:
        reason = reason_of(error)
        raise LogWriteError(f"{path}: cannot be made in folder {folder}: {reason}") from None
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


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
