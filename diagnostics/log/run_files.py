"""Which files are runs: those that are named, and those directly inside a folder that is named."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from diagnostics.arguments import expect_several
from diagnostics.errors import LogError
from diagnostics.log.names import was_resumed
from lenet.errors import reason_of


def find_runs(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The run files among ``paths`` and directly inside the folders among them, each once however it is spelt.

    ``paths``: files and folders.

    A log that a resumed run left behind is no run of its own. Raises LogError for a
    path that does not exist and for a folder without runs, and TypeError for a single path.
    """
    found: list[Path] = []
    for path in map(Path, expect_several("paths", paths, "files and folders")):
        try:
            found += _runs_in(path)
        except OSError as error:
            raise LogError(f"{path}: cannot be read: {reason_of(error)}") from None
    return each_once(found)


def find_readable(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The run files of all paths that have some, and one line for each path that has none."""
    found: list[Path] = []
    problems = []
    for path in paths:
        try:
            found += find_runs([path])
        except LogError as error:
            problems.append(str(error))
    return each_once(found), problems


def each_once(paths: Iterable[Path]) -> list[Path]:
    """One path a file, in order, as it was spelt first; two names of one file are one path."""
    by_file: dict[str, Path] = {}
    for path in paths:
        by_file.setdefault(os.path.realpath(path), path)  # not resolve(), which raises for a link in a circle
    return list(by_file.values())


def _runs_in(path: Path) -> list[Path]:
    if path.is_dir():
        inside = [p for p in sorted(path.iterdir()) if p.name.endswith(".h5") and not was_resumed(p)]
        if not inside:
            raise LogError(f"{path}: no runs in this folder (expected files ending in .h5)")
        return inside
    if not path.exists():
        raise LogError(f"{path}: no such file or folder")
    return [path]
