"""From the path of another tool's log to its runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from diagnostics.errors import LogError
from diagnostics.files import readable_name
from diagnostics.imports.build import build_run
from diagnostics.imports.columns import is_loss
from diagnostics.imports.content import DAMAGE, content, head
from diagnostics.imports.counted_validations import with_validations_on_steps
from diagnostics.imports.formats import FORMATS
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.imported_run import ImportedRun
from diagnostics.imports.loss_base import in_nats, with_losses_of_perplexities
from diagnostics.imports.metrics import LoggedMetrics
from diagnostics.imports.named_counters import COUNTERS, with_named_counters
from diagnostics.imports.options import ImportOptions
from diagnostics.imports.restarts import runs_in
from diagnostics.imports.same_step import without_same_step
from diagnostics.imports.validated_steps import with_steps_as_epochs
from diagnostics.log.reader import open_run
from diagnostics.log.run_names import RunNames
from diagnostics.run.run import Run
from diagnostics.run.said_shares import lacks_shares, with_shares

HDF5 = b"\x89HDF"
OF_TEXT = "of a text two lines or more have to name a loss and a step or an epoch, as in 'epoch 3 loss 0.43'"


def format_of(path: Path) -> ImportFormat | None:
    """The format of a file or folder; None where none recognises it, for HDF5 files, and for what cannot be read."""
    try:
        start = head(path)
        if start.startswith(HDF5):
            return None
        return next((one for one in FORMATS if one.recognises(path, start)), None)
    except OSError:
        return None


def open_runs(path: Path, options: ImportOptions | None = None, names: RunNames | None = None) -> list[Run]:
    """The runs in any file: the one of a log of lenet-diag, or those of another tool's log.

    path: the file. options: what is known of runs of another tool; the shares of the classes also of a log that does
    not have them. names: what the runs are called that are looked at together; None (default) for those of this file.

    Raises LogError, one line, where it cannot be read, and MissingLibraryError as :func:`import_runs`.
    """
    if not _is_own(path):
        return list(import_runs(path, options, names))
    run = open_run(path)
    if names is not None:
        run.name = names.unused(names.of_file(path))
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


def import_runs(
    path: str | os.PathLike[str], options: ImportOptions | None = None, names: RunNames | None = None
) -> list[ImportedRun]:
    """The runs in a file, or in the folder of a run.

    path: the file.
    options: what is known of its runs besides; None (default) for nothing.
    names: what the runs are called that are looked at together; None (default) for those of this file.

    Raises LogError, one line, where it cannot be read, is of no known format, has no loss, or has the rows of two runs
    that were written at the same time; MissingLibraryError where its format needs a library that is not installed.
    """
    path = Path(path)
    form, found = _read(path)
    names = names or RunNames([path])
    options = options or ImportOptions()
    runs = []
    for metrics in _as_meant(found, options, str(path)):
        name = _name(path, names.of_file(path), metrics.name)
        name = f"{name}-{metrics.number}" if metrics.number else name
        known = options.without_columns(COUNTERS)
        run = build_run(metrics, known, name=names.unused(name), file=str(path), form=form.name)
        run.path = path
        runs.append(run)
    return runs


def _read(path: Path) -> tuple[ImportFormat, list[LoggedMetrics]]:
    """The format of a file, and what was read of it. Raises LogError."""
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
    return form, found


def _as_meant(found: Iterable[LoggedMetrics], options: ImportOptions, file: str) -> Iterator[LoggedMetrics]:
    """Each run in what was read, with its losses in nats and its values on their steps. Raises LogError."""
    for one in found:
        one = with_named_counters(one, options.columns, file)
        if not any(is_loss(name) for name in options.columns):
            one = with_losses_of_perplexities(one)
        for run in runs_in(without_same_step(in_nats(one)), options.without_columns(COUNTERS), file):
            yield run if "step" in options.columns else with_validations_on_steps(with_steps_as_epochs(run))


def _expect_content(path: Path) -> None:
    """Raises LogError for a file in which nothing but blanks stands, or that cannot be read."""
    if path.is_file():
        try:
            is_blank = not content(path).strip()
        except DAMAGE as error:
            raise LogError(f"{path}: cannot be read: {error}") from None
        if is_blank:
            raise LogError(f"{path}: is empty; expected the log of a training")
        if head(path).startswith(HDF5):
            raise LogError(f"{path}: is an HDF5 file; a log of lenet-diag needs no import, and no other one is read")


def _name(path: Path, of_file: str, own: str) -> str:
    """The name of a run, which may have one in its file. The folder of a run is often called by a long number."""
    if not own:
        return of_file
    own = readable_name(own).replace("/", "-")
    return f"{own}-{of_file[:8]}" if path.is_dir() else f"{of_file}-{own}"
