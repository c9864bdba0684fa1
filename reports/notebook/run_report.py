"""The report of a run, written from Python."""

from __future__ import annotations

import os
from pathlib import Path

from diagnostics.errors import LogError
from diagnostics.files import check_replaceable
from diagnostics.run.run import Run
from reports.pages.run_origin import origin_of
from reports.pages.run_page import write_report


def report(run: Run, folder: str | os.PathLike[str] | None, replay: bool, data: str | os.PathLike[str] | None) -> Path:
    """As :meth:`diagnostics.run.run.Run.report`."""
    place = _place(run, folder)
    if not len(run):
        raise LogError(f"{run.path or run.name}: holds no step yet; nothing to report")
    check_replaceable(place / "report.html")
    return write_report(run, place, origin_of(run, None if data is None else Path(data)) if replay else None)


def _place(run: Run, folder: str | os.PathLike[str] | None) -> Path:
    """Where the report goes. Raises ValueError for the name of a page, and where there is no log to stand beside."""
    if folder is None:
        if run.path is None:
            raise ValueError(f"folder: received None, expected a folder, since {run.name} has no log to stand beside")
        return run.path.with_suffix(".report")
    place = Path(folder)
    if place.suffix in (".html", ".htm"):
        raise ValueError(f"folder: received {str(place)!r}, expected a folder; report.html and its figures go into it")
    return place
