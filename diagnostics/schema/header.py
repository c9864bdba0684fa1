"""The header of a log: what is known before the first row, and how the run ended."""

from __future__ import annotations

import math
import time
import uuid
from dataclasses import dataclass, field, replace

from diagnostics.schema.run_info import RunInfo


@dataclass(frozen=True)
class Header:
    """All attributes of a log; those that change later have their first values.

    ``checkpoint_every`` is None where the log is of version 1.0, which does not say.
    """

    info: RunInfo
    log_every: int = 1
    histograms_every: int = 25
    checkpoint_every: int | None = 0
    subsample: str = ""
    digest_start: str = ""
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: float = field(default_factory=time.time)
    status: str = "running"
    digest_end: str = ""
    seconds: float = math.nan
    cost_seconds: float = math.nan

    def continued(self, of: Header) -> Header:
        """The header of a resumed run: it keeps the name, age and first digest it had."""
        return replace(self, run_id=of.run_id, created=of.created, digest_start=of.digest_start)
