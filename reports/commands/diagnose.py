"""`lenet-diag diagnose`: say whether a run is a defect run, since when, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from reports.commands.exit_codes import DEFECTS, UNREADABLE, one_line_errors, tell_damage
from reports.commands.import_options import chosen, import_options
from reports.commands.values import LOG, PATH
from reports.terminal.output import say, talk


@click.command(name="diagnose")
@click.argument("paths", metavar="RUN.h5|FILE|FOLDER...", nargs=-1, required=True, type=LOG)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, one object a run that can be read.")
@click.option("--fail-on-defect", is_flag=True, help="Exit with code 1 where a run is a defect run.")
@click.option(
    "--limits",
    "limits_file",
    type=PATH,
    help="Judge by the limits in this TOML file, and the defaults for those it does not name.  "
    "[default: the limits kept in the log]",
)
@import_options
def command(
    paths: tuple[Path, ...], as_json: bool, fail_on_defect: bool, limits_file: Path | None, **known: Any
) -> None:
    """Say in plain words what became of runs, from which step on, and which layer died of what.

    A folder stands for the logs in it, or else for those in the folders below it. Logs of
    other tools are taken too, see lenet-diag import. A file that cannot be read is named
    and left out. A damaged log is named too, and diagnosed as far as it can be trusted. In
    both cases the exit code is 3.
    """
    import json

    from diagnostics.detect.detector import DEFAULT_THRESHOLDS
    from diagnostics.detect.recorded import diagnose
    from diagnostics.errors import LogError
    from diagnostics.imports import find_files, open_runs
    from diagnostics.log.run_names import RunNames
    from diagnostics.rescue.found import rescue_of
    from reports.text.diagnosis import diagnosis_text
    from reports.text.end_numbers import end_of
    from reports.text.imported import imported_from, imported_words
    from reports.text.phrases import interrupted_by
    from reports.text.rescue import to_try_words
    from reports.text.task import task_words

    objects: list[dict[str, Any]] = []
    diagnoses, unreadable = [], False
    with one_line_errors():
        limits = DEFAULT_THRESHOLDS.changed_by_file(limits_file) if limits_file else None
        options = chosen(**known)
        files, problems = find_files(paths)
        for problem in problems:
            unreadable = True
            talk(f"error: {problem}")
        names = RunNames(files)
        for path in files:
            try:
                runs = open_runs(path, options, names)
                found = [run.diagnosis if limits is None else diagnose(run, limits) for run in runs]
            except LogError as error:
                unreadable = True
                talk(f"error: {error}")
                continue
            diagnoses += found
            for run, diagnosis in zip(runs, found, strict=True):
                unreadable |= bool(tell_damage(path, run))
                imported = {"imported": dict(imported_from(run))} if run.info.is_imported else {}
                objects.append({**run.to_json(diagnosis), **imported})
                if not as_json:
                    ended_at = end_of(run)
                    to_try = to_try_words(diagnosis.suggestions, rescue_of(run)) if diagnosis.suggestions else None
                    text = diagnosis_text(
                        diagnosis, run.status, run.info.total_steps, interrupted_by(run), ended_at, to_try
                    )
                    say("\n".join([text, *task_words(run), *imported_words(run)]))
    if as_json:
        say(json.dumps(objects, indent=2), is_data=True)
    if unreadable:
        sys.exit(UNREADABLE)
    if fail_on_defect and any(diagnosis.is_defect for diagnosis in diagnoses):
        sys.exit(DEFECTS)
