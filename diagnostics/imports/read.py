"""From the path of another tool's log to its runs."""

from __future__ import annotations

import os
import sqlite3
import struct
import zlib
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from diagnostics.errors import LogError
from diagnostics.files import readable_name
from diagnostics.imports.build import build_run
from diagnostics.imports.content import content, head
from diagnostics.imports.counted_validations import with_validations_on_steps
from diagnostics.imports.formats import FORMATS
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.imported_run import ImportedRun
from diagnostics.imports.loss_base import in_nats
from diagnostics.imports.named_counters import COUNTERS, with_named_counters
from diagnostics.imports.options import ImportOptions
from diagnostics.imports.restarts import runs_in
from diagnostics.imports.same_step import without_same_step
from diagnostics.imports.validated_steps import with_steps_as_epochs
from diagnostics.log.reader import open_run
from diagnostics.log.run_files import each_once, find_readable
from diagnostics.run.run import Run
from diagnostics.run.said_shares import lacks_shares, with_shares

HDF5 = b"\x89HDF"
DEPTH, MOST_FOLDERS = 3, 1000
"""Where a folder has no runs itself, they are looked for so many levels below it, in about so many folders."""
OF_TEXT = "of a text two lines or more have to name a loss and a step or an epoch, as in 'epoch 3 loss 0.43'"
OF_A_RUN = ("metrics.csv", "output.log")
"""The files in the folder of a run of Lightning, and of Weights & Biases."""
SETTINGS = frozenset({
    "config.json", "params.json", "args.json", "hparams.json", "settings.json", "metadata.json", "wandb-metadata.json",
})  # fmt: skip
"""Files beside a log that hold no run. They are passed over where a folder is named."""
WANDB = b":W&B"
DAMAGE = (
    ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError, RuntimeError, EOFError, OSError,
    MemoryError, struct.error, zlib.error, sqlite3.Error,
)  # fmt: skip
"""What parsers raise for files that are damaged."""


def format_of(path: Path) -> ImportFormat | None:
    """The format of a file or folder; None where none recognises it, for HDF5 files, and for what cannot be read."""
    try:
        start = head(path)
        if start.startswith(HDF5):
            return None
        return next((one for one in FORMATS if one.recognises(path, start)), None)
    except OSError:
        return None


def open_runs(path: Path, options: ImportOptions | None = None) -> list[Run]:
    """The runs in any file: the one of a log of lenet-diag, or those of another tool's log.

    path: the file. options: what is known of runs of another tool; the shares of the classes also of a log that does
    not have them.

    Raises LogError, one line, where it cannot be read, and MissingLibraryError as :func:`import_runs`.
    """
    if not _is_own(path):
        return list(import_runs(path, options))
    run = open_run(path)
    shares = options.shares if options is not None else ()
    return [with_shares(run, shares) if shares and lacks_shares(run.info) else run]


def _is_own(path: Path) -> bool:
    """Whether a path is read as a log of lenet-diag: one of its ending, HDF5, and what is no readable file."""
    if path.suffix == ".h5" or format_of(path) is not None:
        return path.suffix == ".h5"
    try:
        return not path.is_file() or not head(path) or head(path).startswith(HDF5)
    except OSError:
        return True


def find_files(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The files of all paths that hold runs, and one line for each path that has none.

    A folder stands for the logs in it; where there is none, for the one run or the files of other tools that it holds.
    """
    found: list[Path] = []
    problems: list[str] = []
    for path in paths:
        inside, problem = find_readable([path])
        if problem and path.is_dir():
            inside = _foreign_in(path)
            if not inside and (below := _folder_with_runs(path)) is not None:
                problem = [f"{path}: no runs in this folder itself; {below} has some"]
        found += inside
        problems += [] if inside else problem
    return each_once(found), problems


def _foreign_in(folder: Path) -> list[Path]:
    """The folder itself where it is the run of another tool, else the files of other tools in it."""
    if format_of(folder) is not None:
        return [folder]
    files = (one for one in _entries(folder) if one.name not in SETTINGS and one.is_file())
    return [one for one in files if format_of(one) is not None]


def _folder_with_runs(folder: Path) -> Path | None:
    """The first folder below this one, the nearest levels first, that is a run or holds logs; None without one."""
    waiting, looked_at = deque([(folder, 1)]), 0
    while waiting and looked_at < MOST_FOLDERS:
        here, depth = waiting.popleft()
        for one in _entries(here):
            if one.is_dir() and not one.is_symlink():
                looked_at += 1
                has_log = any((one / name).is_file() for name in OF_A_RUN)
                if has_log or find_readable([one])[0] or format_of(one) is not None:
                    return one
                if depth < DEPTH:
                    waiting.append((one, depth + 1))
    return None


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, in the order of the names, without what is hidden."""
    try:
        return sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    except OSError:
        return []


def import_runs(path: str | os.PathLike[str], options: ImportOptions | None = None) -> list[ImportedRun]:
    """The runs in a file, or in the folder of a run.

    path: the file.
    options: what is known of its runs besides; None (default) for nothing.

    Raises LogError, one line, where it cannot be read, is of no known format, has no loss, or has the rows of two runs
    that were written at the same time; MissingLibraryError where its format needs a library that is not installed.
    """
    path = Path(path)
    form = format_of(path)
    if form is None:
        _expect_content(path)
        known = ", ".join(one.name for one in FORMATS)
        raise LogError(f"{path}: is of no format that is known: {known}; {OF_TEXT}")
    try:
        found = form.read(path)
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise LogError(f"{path}: cannot be read as {form.name}: {reason}") from None
    if not found:
        raise LogError(f"{path}: has no numbers; read as {form.name}")
    stem = readable_name(path.name.split(".")[0] if path.name[:1] != "." else path.name)
    options = options or ImportOptions()
    found = [with_named_counters(one, options.columns, path.name) for one in found]
    found = [without_same_step(in_nats(one)) for one in found]
    says_steps = "step" in options.columns
    options = options.without_columns(COUNTERS)
    runs = []
    for metrics in (one for logged in found for one in runs_in(logged, options, path.name)):
        metrics = metrics if says_steps else with_validations_on_steps(with_steps_as_epochs(metrics))
        name = _name(path, stem, metrics.name) if metrics.name else stem
        if metrics.number:
            name = f"{name}-{metrics.number}"
        run = build_run(metrics, options, name=name, file=path.name, form=form.name)
        run.path = path
        runs.append(run)
    return runs


def _expect_content(path: Path) -> None:
    """Raises LogError for a file in which nothing but blanks stands, or that cannot be read."""
    if path.is_file():
        try:
            is_blank = not content(path).strip()
        except DAMAGE as error:
            raise LogError(f"{path}: cannot be read: {error}") from None
        if head(path).startswith(WANDB):
            raise LogError(f"{path}: is a log that Weights & Biases reads alone; export the history of the run as CSV")
        if is_blank:
            raise LogError(f"{path}: is empty; expected the log of a training")


def _name(path: Path, stem: str, name: str) -> str:
    """The name of a run that has one in its file. The folder of a run is often called by a long number."""
    own = readable_name(name).replace("/", "-")
    return f"{own}-{stem[:8]}" if path.is_dir() else f"{stem}-{own}"
