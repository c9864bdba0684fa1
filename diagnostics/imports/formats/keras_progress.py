"""What Keras' ``model.fit`` prints, saved as text: running means since the beginning of each epoch."""

from __future__ import annotations

import re
from pathlib import Path

from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics, SeriesBuilder

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x08]+")
EPOCH = re.compile(r"Epoch (\d{1,9})/(\d{1,9})")
PROGRESS = re.compile(r"(?<![\d/])(\d{1,12})/(\d{1,12})(?=[\s\[])([^\n\r]*?)(?=\r|\n|$|\d{1,12}/\d{1,12}[\s\[])")
NUMBER = re.compile(r"(?<= - )([A-Za-z_]\w*): ([-+.\w]+)")


def recognises(path: Path, head: bytes) -> bool:
    """Whether the text has a heading of an epoch and a line with how far it is."""
    if b"Epoch " not in head:
        return False
    text = CODES.sub("\n", text_of(head))
    return EPOCH.search(text) is not None and PROGRESS.search(text) is not None


def read(path: Path) -> list[LoggedMetrics]:
    """The run that was printed. Its steps are those of the whole run, counted from 0."""
    series = SeriesBuilder()
    epoch, per_epoch, epochs = 1, 0, 1
    text = CODES.sub("\n", text_of(content(path)).replace("\x1b[", "\x1b["))
    for line in re.split(r"[\r\n]+", _joined(text)):
        if heading := EPOCH.search(line):
            epoch, epochs = int(heading[1]), int(heading[2])
        for found in PROGRESS.finditer(line):
            done, per_epoch = int(found[1]), int(found[2])
            if 0 < done <= per_epoch:
                step = (epoch - 1) * per_epoch + done - 1
                for name, value in NUMBER.findall(found[3]):
                    series.add(name, value, step, epoch)
    settings = {"steps_per_epoch": per_epoch, "epochs": epochs}
    return [LoggedMetrics(series.build(), "", settings if per_epoch else {}, rows="running means")]


def _joined(text: str) -> str:
    """Progress that colours cut into lines, put together again: a line begins with "k/n" or "Epoch"."""
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    joined: list[str] = []
    for line in lines:
        if joined and not re.match(r"\s*(\d+/\d+|Epoch )", line):
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line.strip())
    return "\n".join(joined)


FORMAT = ImportFormat("Keras' printed progress", recognises, read)
