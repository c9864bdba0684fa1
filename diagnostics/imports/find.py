"""Finds the files that hold runs, also in folders, and in the folders below those that hold none themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from diagnostics.imports.formats.rotated import older_parts
from diagnostics.imports.read import format_of
from diagnostics.log.run_files import each_once, find_readable

DEPTH, MOST_FOLDERS = 3, 10_000
"""Where a folder has no runs itself, they are looked for so many levels below it, in so many folders."""
FORMS_OF_ONE = ("progress.csv", "result.json", "progress.json", "log.txt", "metrics.json")
"""Files that a trainer writes side by side of one run: Ray, those that log as OpenAI's baselines do, and Detectron2.
Of those in a folder the first in this order is read."""
NO_RUNS = frozenset({
    "config.json", "params.json", "args.json", "hparams.json", "settings.json", "metadata.json", "wandb-metadata.json",
    "wandb-summary.json", "debug-internal.log", "run.json",
})  # fmt: skip
"""Settings and the like beside a log. They are passed over where a folder is named."""

SOURCES = frozenset({
    ".py", ".pyi", ".js", ".ts", ".c", ".h", ".cc", ".cpp", ".cu", ".java", ".go", ".rs", ".sh", ".m", ".jl", ".r",
    ".md",
})  # fmt: skip
"""The endings of programs and their pages, which may quote what a training prints. They too are passed over there."""


def find_files(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The files of all paths that hold runs, and one line for each path that has none.

    A folder stands for the logs in it; where there is none, for the one run or the files of other tools that it holds.
    One that has no run itself stands for the folders below it, each of which is looked at in the same way.
    """
    found: list[Path] = []
    problems: list[str] = []
    for path in paths:
        inside, problem = find_readable([path])
        if problem and path.is_dir():
            folders = _below(path)
            inside = [run for runs in islice(folders, MOST_FOLDERS) for run in runs]
            if inside and any(folders):
                problems.append(f"{path}: has more than {MOST_FOLDERS:,} folders below it; those beyond are left out")
        found += inside
        problems += [] if inside else problem
    return each_once(found), problems


def _below(folder: Path, depth: int = DEPTH) -> Iterator[list[Path]]:
    """The runs of a folder; where it has none, then those of each folder below it."""
    runs = find_readable([folder])[0] or _foreign_in(folder)
    yield runs
    if not runs and depth:
        for one in _entries(folder):
            if one.is_dir() and not one.is_symlink():
                yield from _below(one, depth - 1)


def _foreign_in(folder: Path) -> list[Path]:
    """The folder itself where it is the run of another tool, else the files of other tools in it."""
    if format_of(folder) is not None:
        return [folder]
    named = [one for one in _entries(folder) if one.name not in NO_RUNS and one.suffix.lower() not in SOURCES]
    found = [one for one in named if one.is_file() and format_of(one) is not None]
    older = {part for one in found for part in older_parts(one)}
    forms = sorted((one for one in found if one.name in FORMS_OF_ONE), key=lambda one: FORMS_OF_ONE.index(one.name))
    return [one for one in found if one not in forms[1:] and one not in older]


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, in the order of the names, without what is hidden."""
    try:
        return sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    except OSError:
        return []
