"""The folder of a run of AllenNLP: ``metrics_epoch_0.json`` and so on, each with the numbers of one epoch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics, SeriesBuilder

OF_AN_EPOCH = re.compile(r"metrics_epoch_(\d{1,9})\.json")


def recognises(path: Path, head: bytes) -> bool:
    """Whether a folder has the numbers of an epoch, or a file holds them."""
    return bool(_epochs(path)) if path.is_dir() else OF_AN_EPOCH.fullmatch(path.name) is not None


def read(path: Path) -> list[LoggedMetrics]:
    """The run of a folder. Raises ValueError for the file of one epoch."""
    if not path.is_dir():
        raise ValueError("holds the numbers of one epoch; name its folder, which has those of all epochs")
    series = SeriesBuilder()
    for epoch, file in _epochs(path).items():
        numbers = json.loads(text_of(content(file)))
        if not isinstance(numbers, Mapping):
            raise ValueError(f"{file.name} is no JSON object; expected the numbers of an epoch")
        for name, value in numbers.items():
            series.add(name, value, None, epoch, place=epoch)
    return [LoggedMetrics(series.build(), rows="means")]


def _epochs(folder: Path) -> dict[int, Path]:
    """The files in a folder by their epochs, which rise."""
    found = {int(match[1]): one for one in folder.iterdir() if (match := OF_AN_EPOCH.fullmatch(one.name))}
    return dict(sorted(found.items()))


FORMAT = ImportFormat("AllenNLP metrics", recognises, read)
