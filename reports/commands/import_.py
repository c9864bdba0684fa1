"""`lenet-diag import`: make logs of lenet-diag from the logs of other tools."""

from __future__ import annotations

import sys
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

    CSV, JSON lines and Parquet, also of Keras and Lightning; logs of Weights & Biases; TensorBoard
    events; trainer_state.json of Hugging Face; MLflow's files; trackio databases; notebooks; text
    that Keras or a loop printed. A folder stands for the runs in it, or else for those in the
    folders below it. diagnose, report and stats take such files directly too. The files are
    left as they are. A file that cannot be read is named and left out (exit code 3).
    """
    from diagnostics.errors import LogError
    from diagnostics.files import make_folder
    from diagnostics.imports import find_files, import_runs
    from diagnostics.log.run_names import RunNames
    from reports.text.imported import imported_words

    unreadable = False
    with one_line_errors():
        options = chosen(**known)
        files, problems = find_files(paths)
        for problem in problems:
            talk(f"error: {problem}")
        unreadable = bool(problems)
        make_folder(out)
        names = RunNames(files)
        for path in files:
            try:
                runs = import_runs(path, options, names)
            except LogError as error:
                unreadable = True
                talk(f"error: {error}")
                continue
            for run in runs:
                say(run.save(out / f"{run.name}.h5", overwrite=overwrite))
                talk("\n".join(imported_words(run)))
    if unreadable:
        sys.exit(UNREADABLE)
