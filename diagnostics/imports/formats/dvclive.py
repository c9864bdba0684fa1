"""The folder of DVCLive: a table of steps and values a metric, in ``plots/metrics/``."""

from __future__ import annotations

from pathlib import Path

from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics, SeriesBuilder

METRICS, STEP = Path("plots", "metrics"), "step"


def recognises(path: Path, head: bytes) -> bool:
    """Whether a folder has one of such tables."""
    return path.is_dir() and next((path / METRICS).rglob("*.tsv"), None) is not None


def read(path: Path) -> list[LoggedMetrics]:
    """The run of a folder. A metric is called after its file and the folders that this is in; its values come last."""
    series = SeriesBuilder()
    for file in sorted((path / METRICS).rglob("*.tsv")):
        names, *rows = (line.split("\t") for line in text_of(content(file)).splitlines())
        for row in rows:
            cells = dict(zip(names, row, strict=False))
            series.add(file.relative_to(path / METRICS).with_suffix("").as_posix(), row[-1], cells.get(STEP))
    return [LoggedMetrics(series.build())]


FORMAT = ImportFormat("DVCLive metrics", recognises, read)
