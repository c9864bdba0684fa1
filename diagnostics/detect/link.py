"""Link: one of the two events that decide a chain, the first link or the blow, and what it points to."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from diagnostics.detect.track_record import in_setting, track_record


class Origin(StrEnum):
    """What a first link or a blow points to."""

    CODE = "code"
    SETTINGS = "settings"
    DATA = "data"
    LUCK = "luck"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Link:
    """The first link or the blow of a chain of events.

    rule: the name of the rule that saw it.
    layer: the layer that it hit most; None for the whole network.
    step: the step at which it happened.
    message: what was seen, in one clause.
    origin: whether it points to the code, the settings, the data or luck.
    layers: every layer that it hit.
    confidence: the share of injected faults that the rule named right, 0 to 1; NaN where that was not measured.
    plain: the message as a sentence; "" where the message is plain enough.
    setting: network, optimiser and learning rate of the run, by which healthy runs are counted; "" where unknown.
    """

    rule: str
    layer: str | None
    step: int
    message: str
    origin: Origin = Origin.UNKNOWN
    layers: tuple[str, ...] = ()
    confidence: float = math.nan
    plain: str = ""
    setting: str = ""

    def to_json(self) -> dict[str, Any]:
        """Its fields, with the counts of its rule over all settings and over runs of the same setting."""
        same = in_setting(self.rule, self.setting)
        counts = {**asdict(track_record(self.rule)), "same_setting": asdict(same) if same else None}
        return {**asdict(self), "measured": counts}
