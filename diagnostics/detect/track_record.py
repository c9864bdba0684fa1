"""How often a rule was right where the truth is known: counts from the zoo, kept beside the rules.

The zoo writes the counts (``python -m benchmarks.zoo table --record``). For each rule they say
how often it was named as the first link of a run with an injected fault, and how often that was
right; and in how many runs that learned and kept it the same sign occurs as well. A rule
without counts has no measured confidence.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("track_record.json")


@dataclass(frozen=True)
class TrackRecord:
    """The counts of one rule.

    right, named: how often it named an injected fault right, of how often it was named.
    seen, alive: in how many runs that learned its sign occurs, of how many.
    """

    right: int = 0
    named: int = 0
    seen: int = 0
    alive: int = 0

    @property
    def confidence(self) -> float:
        """The share of injected faults that it named right; NaN where it was never named."""
        return self.right / self.named if self.named else math.nan


@cache
def track_records() -> dict[str, TrackRecord]:
    """The counts by rule."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    return {rule: TrackRecord(**counts) for rule, counts in kept["rules"].items()}


def track_record(rule: str) -> TrackRecord:
    """The counts of a rule; zeros where there are none."""
    return track_records().get(rule, TrackRecord())
