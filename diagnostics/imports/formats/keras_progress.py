"""What Keras' ``model.fit`` prints, saved as text: running means since the beginning of each epoch.

Keras before 2.4 counts samples and not steps: "Train on 60000 samples", "32/60000". The first line of an epoch tells
the size of a batch then; if only the last lines were saved, they are means of epochs.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from diagnostics.imports.content import content, text_of
from diagnostics.imports.formats.declared import ImportFormat
from diagnostics.imports.metrics import LoggedMetrics, SeriesBuilder

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x08]+")
EPOCH = re.compile(r"Epoch (\d{1,9})/(\d{1,9})")
PROGRESS = re.compile(
    r"(?<![\d/])(?<!Epoch )(\d{1,12})/(\d{1,12})(?=[\s\[])([^\n\r]*?)(?=\r|\n|$|\d{1,12}/\d{1,12}[\s\[])"
)
OF_SAMPLES = re.compile(r"Train on \d+ samples|\ds/sample")
NUMBER = re.compile(r"(?<= - )([A-Za-z_]\w*): ([-+.\w]+)")


def recognises(path: Path, head: bytes) -> bool:
    """Whether the text has a heading of an epoch, and a line with how far it is and its numbers."""
    return is_progress(text_of(head))


def is_progress(text: str) -> bool:
    """Whether a text has a heading of an epoch, and a line with how far it is and its numbers."""
    if "Epoch " not in text:
        return False
    text = CODES.sub("\n", text)
    has_numbers = any(NUMBER.search(found[3]) for found in PROGRESS.finditer(_joined(text)))
    return EPOCH.search(text) is not None and has_numbers


def read(path: Path) -> list[LoggedMetrics]:
    """The runs that were printed: a heading "Epoch 1/n" begins a new one. Steps are counted over a run, from 0."""
    return metrics_of_progress(text_of(content(path)))


def metrics_of_progress(text: str) -> list[LoggedMetrics]:
    """The runs that a text tells of."""
    text = CODES.sub("\n", text)
    batch = _batch_of_samples(text) if OF_SAMPLES.search(text) else 1
    runs = [_PrintedRun(batch)]
    for line in re.split(r"[\r\n]+", _joined(text)):
        if heading := EPOCH.search(line):
            if int(heading[1]) == 1 and runs[-1].series.rows:
                runs.append(_PrintedRun(batch))
            runs[-1].epoch, runs[-1].epochs = int(heading[1]), int(heading[2])
        for found in PROGRESS.finditer(line):
            runs[-1].add(int(found[1]), int(found[2]), found[3])
    told = f"the text holds {len(runs)} runs, since {len(runs)} times it begins with epoch 1"
    return [
        replace(run.metrics(), number=number, told=(f"{told}; this is run {number}",))
        if len(runs) > 1
        else run.metrics()
        for number, run in enumerate(runs, 1)
    ]


@dataclass
class _PrintedRun:
    """What was printed of one run.

    ``batch``: the samples of a step where samples are counted, and 1 where steps are; None where it is not known.
    """

    batch: int | None
    series: SeriesBuilder = field(default_factory=SeriesBuilder)
    epoch: int = 1
    epochs: int = 1
    per_epoch: int = 0

    def add(self, done: int, per_epoch: int, numbers: str) -> None:
        """The numbers after ``done`` of the steps, or of the samples, of an epoch; the last batch may go beyond it."""
        if self.batch is None:
            for name, value in NUMBER.findall(numbers) if done >= per_epoch else ():
                self.series.add(name, value, None, self.epoch)
            return
        done, per_epoch = math.ceil(min(done, per_epoch) / self.batch), math.ceil(per_epoch / self.batch)
        self.per_epoch = per_epoch
        if done > 0:
            step = (self.epoch - 1) * per_epoch + done - 1
            for name, value in NUMBER.findall(numbers):
                self.series.add(name, value, step, self.epoch)

    def metrics(self) -> LoggedMetrics:
        """All of it."""
        settings = {"steps_per_epoch": self.per_epoch, "epochs": self.epochs} if self.per_epoch else {}
        if self.batch is not None and self.batch > 1:
            settings["batch_size"] = self.batch
        return LoggedMetrics(self.series.build(), "", settings, rows="running means" if self.batch else "means")


def _batch_of_samples(text: str) -> int | None:
    """The size of a batch where samples are counted: what the first line of an epoch has; None without such a line."""
    within = [int(found[1]) for found in PROGRESS.finditer(_joined(text)) if 0 < int(found[1]) < int(found[2])]
    return min(within, default=None)


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
