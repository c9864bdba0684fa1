"""`lenet-diag import`: make logs of lenet-diag from the logs of other tools."""

from __future__ import annotations

import os
import sys
from itertools import chain, count
from pathlib import Path
from typing import Any

import click

from reports.commands.exit_codes import UNREADABLE, one_line_errors
from reports.commands.import_options import chosen, import_options
from reports.commands.values import FOLDER, LOG
from reports.terminal.output import say, talk


@click.command(name="import")
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=LOG)
@click.option(
    "-o", "--out", metavar="FOLDER", type=FOLDER, default=Path("runs"), show_default=True, help="Where to write."
)
@click.option("--overwrite", is_flag=True, help="Replace logs of the same name.")
@import_options
def command(paths: tuple[Path, ...], out: Path, overwrite: bool, **known: Any) -> None:
    """Write a log for each run in files of other tools, for every other command to read.

    CSV, JSON lines and Parquet, also of Keras, Lightning and Weights & Biases; TensorBoard
    events; trainer_state.json of Hugging Face; MLflow's files; trackio databases; text that
    Keras or a loop printed. diagnose, report and stats take such files directly too. The files are
    left as they are. A file that cannot be read is named and left out (exit code 3).
    """
    from diagnostics.errors import LogError
    from diagnostics.files import make_folder
    from diagnostics.imports import find_files, import_runs
    from reports.text.imported import imported_words

    unreadable = False
    with one_line_errors():
        options = chosen(**known)
        files, problems = find_files(paths)
        for problem in problems:
            talk(f"error: {problem}")
        unreadable = bool(problems)
        make_folder(out)
        written: set[Path] = set()
        for path, folders in zip(files, _folders_of_twins(files), strict=True):
            try:
                runs = import_runs(path, options)
            except LogError as error:
                unreadable = True
                talk(f"error: {error}")
                continue
            for run in runs:
                log = _unwritten(out, f"{folders}{run.name}", written)
                written.add(log)
                say(run.save(log, overwrite=overwrite))
                talk("\n".join(imported_words(run)))
    if unreadable:
        sys.exit(UNREADABLE)


def _folders_of_twins(files: list[Path]) -> list[str]:
    """What tells the logs of files of one name apart: the folders in which they differ, as "version_0-"; else ""."""
    found = []
    for path in files:
        twins = [one.absolute().parent for one in files if one.name.split(".")[0] == path.name.split(".")[0]]
        folders = path.absolute().parent.relative_to(os.path.commonpath(twins)).parts
        found.append("".join(f"{folder}-" for folder in folders))
    return found


def _unwritten(out: Path, name: str, written: set[Path]) -> Path:
    """The first log of this name, or of this name and a number from 2 on, that this command has not written."""
    endings = chain([""], (f"-{number}" for number in count(2)))
    return next(log for ending in endings if (log := out / f"{name}{ending}.h5") not in written)
