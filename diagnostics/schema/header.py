"""The header of a log: its attributes from before the first row, and how the run ended."""

from __future__ import annotations

import math
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Annotated

from diagnostics.schema.attributes import Attribute, attributes_of
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import FORMAT, VERSION

STATUSES = ("unknown", "running", "completed", "stopped", "interrupted", "failed", "log-stopped", "crashed")
_STATUS_MEANING = (
    "1 running, 2 completed, 3 stopped, 4 interrupted, 5 failed, 6 the log stopped before the run did (disk full), "
    "7 the writer was killed (set by repair)"
)
_SUBSAMPLE_MEANING = (
    "which samples of a batch the activation statistics are taken from (dead fractions are taken from the whole batch)"
)
_MEASURING_MEANING = (
    "the code that measured the rows: two codes differ in the last digits of sums; empty where it was none of the "
    "compiled loops, or more than one"
)
_CHECKPOINTS_MEANING = "every how many steps the exact state is saved beside the log; 0 is never"
_ON_DEFECT_MEANING = (
    "what is done when a defect is confirmed: continue, stop, or rollback with a remedy, reshuffled where the samples "
    "get a new order"
)


@dataclass(frozen=True)
class Header:
    """All attributes of a log. Those that change later have their first values here.

    ``checkpoint_every`` is None where the log is of version 1.0, which does not have it.
    """

    info: RunInfo
    format: Annotated[str, Attribute("text", "", f'always "{FORMAT}"')] = FORMAT
    schema_version: Annotated[tuple[int, ...], Attribute("int32[2]", "", "major and minor version of this layout")] = (
        VERSION
    )
    run_id: Annotated[str, Attribute("text", "", "a random name of the run, kept when it is resumed")] = field(
        default_factory=lambda: uuid.uuid4().hex
    )
    created: Annotated[float, Attribute("float64", "s since 1970", "when the file was made")] = field(
        default_factory=time.time
    )
    status: Annotated[str, Attribute("int64", "", _STATUS_MEANING, changes=True, choices=STATUSES)] = "running"
    subsample: Annotated[str, Attribute("text", "", _SUBSAMPLE_MEANING)] = "unknown"
    measuring: Annotated[str, Attribute("text", "", _MEASURING_MEANING, since=2)] = ""
    log_every: Annotated[int, Attribute("int64", "steps", "every how many steps a row is written", least=1)] = 1
    histograms_every: Annotated[
        int, Attribute("int64", "steps", "every how many steps a snapshot is taken; 0 is never")
    ] = 25
    checkpoint_every: Annotated[int | None, Attribute("int64", "steps", _CHECKPOINTS_MEANING, since=1)] = None
    on_defect: Annotated[str, Attribute("text", "", _ON_DEFECT_MEANING, since=3)] = "continue"
    digest_start: Annotated[str, Attribute("text", "", "hash of all parameters before the first step")] = ""
    digest_end: Annotated[
        str, Attribute("text", "", "hash of all parameters at the end; empty until then", changes=True)
    ] = ""
    seconds: Annotated[float, Attribute("float64", "s", "time of the whole run; NaN until the end", changes=True)] = (
        math.nan
    )
    cost_seconds: Annotated[
        float,
        Attribute("float64", "s", "time spent on measuring, judging and writing; NaN until the end", changes=True),
    ] = math.nan

    def continued(self, of: Header) -> Header:
        """The header of a resumed run, which keeps its id, its time of creation and its first digest."""
        measuring = self.measuring if self.measuring == of.measuring else ""
        return replace(self, run_id=of.run_id, created=of.created, digest_start=of.digest_start, measuring=measuring)


ATTRIBUTES = {**attributes_of(Header), **attributes_of(RunInfo)}
"""All attributes of a log, by name."""
