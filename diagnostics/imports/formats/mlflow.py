"""MLflow's files: the folder of a run (``mlruns/EXPERIMENT/RUN``), or one of its files in ``metrics/``.

A metric is a file with a line a value: time, value, step. Parameters are files with their value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from diagnostics.imports.cells import number_of
from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics, SeriesBuilder

LINE = re.compile(rb"\d{10,} \S+ -?\d+( \S+)*\s*")
LARGEST_FOLDER = 10_000
LEAST_TIME = 1 / 1024
"""Milliseconds between two values of a metric."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether a folder is that of a run, or a file that of a metric."""
    if path.is_dir():
        return (path / "metrics").is_dir() and (path / "meta.yaml").is_file()
    return LINE.fullmatch(head.partition(b"\n")[0]) is not None


def read(path: Path) -> list[LoggedMetrics]:
    """The run of a folder, or the one metric of a file."""
    series = SeriesBuilder()
    if not path.is_dir():
        _add(series, path.name.removesuffix(".gz"), path)
        return [LoggedMetrics(series.build())]
    for name, file in _files(path / "metrics"):
        _add(series, name, file)
    settings = {name: text_of(content(file)).strip() for name, file in _files(path / "params")}
    names = [text_of(content(file)).strip() for name, file in _files(path / "tags") if name == "mlflow.runName"]
    return [LoggedMetrics(series.build(), names[0] if names else "", settings)]


def _add(series: SeriesBuilder, name: str, file: Path) -> None:
    """The values of a file, placed by their times; those of one millisecond follow one another."""
    last = -math.inf
    for line in text_of(content(file)).splitlines():
        words = line.split()
        if len(words) >= 2:
            time = number_of(words[0])
            last = max(last + LEAST_TIME, math.nan if time is None else time)
            series.add(name, words[1], words[2] if len(words) > 2 else None, place=last)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files below a folder with their names, those in folders inside joined by "/"."""
    found = sorted(one for one in folder.rglob("*") if one.is_file())[:LARGEST_FOLDER] if folder.is_dir() else []
    for file in found:
        yield file.relative_to(folder).as_posix(), file


FORMAT = ImportFormat("MLflow metrics", recognises, read)
