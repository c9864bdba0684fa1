"""The counts of the zoo: how often each rule, and the verdict, was right. Reports show them beside a finding.

The zoo is a set of labelled runs (docs/zoo.md). ``python -m benchmarks.zoo table --record`` writes
the counts. For each rule they say how often it was named as the first link of a run with an injected
fault, and how often that was right. They also say in how many runs that learned the same sign
occurs, over all settings and over runs of the same setting. A rule without counts has no measured
confidence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("track_record.json")


@dataclass(frozen=True)
class TrackRecord:
    """The counts of one rule.

    right, named: in how many runs with an injected fault it was named right, of those in which it was named.
    seen, alive: in how many runs that learned its sign occurs, of all runs that learned.
    """

    right: int = 0
    named: int = 0
    seen: int = 0
    alive: int = 0

    @property
    def confidence(self) -> float:
        """The share of injected faults that it named right; NaN where it was never named."""
        return self.right / self.named if self.named else math.nan


@dataclass(frozen=True)
class SettingRecord:
    """How often the sign of a rule occurs in runs of one setting that learned.

    setting: network, optimiser and learning rate.
    times: how often the sign occurs, in all these runs together.
    seen, alive: in how many of these runs the sign occurs, of all of them.
    """

    setting: str
    times: int
    seen: int
    alive: int


@dataclass(frozen=True)
class Counted:
    """k of n runs.

    at_most: the upper end of Wilson's 95 % interval of the share; NaN where it was not asked for.
    """

    k: int = 0
    n: int = 0
    at_most: float = math.nan


@cache
def _kept() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return kept


def track_record(rule: str) -> TrackRecord:
    """The counts of a rule; zeros where there are none."""
    return TrackRecord(**_kept()["rules"].get(rule, {}))


def setting_of(settings: Mapping[str, Any]) -> str:
    """Network, optimiser and learning rate of a run, in words; "" where they are not known."""
    try:
        return f"{settings['network']}, {settings['optimizer']}, learning rate {settings['lr']:g}"
    except KeyError:
        return ""


def in_setting(rule: str, setting: str) -> SettingRecord | None:
    """How often the sign of ``rule`` occurs in runs of ``setting`` that learned; None where there are none."""
    counts = _kept()["settings"].get(setting)
    if counts is None:
        return None
    times, seen = counts["signs"].get(rule, (0, 0))
    return SettingRecord(setting, times, seen, counts["alive"])


def stopped_though_alive() -> Counted:
    """How many of the runs that were alive in the end had been called defect runs for a while.

    ``--on-defect stop`` would have ended these runs. Runs whose settings were chosen because none dies of them are not
    counted.
    """
    return Counted(**_kept()["stopping"])


def plateaus() -> Counted:
    """How many of the runs that guessed at patience, and were not proven dead, were not dead in the end."""
    return Counted(**_kept()["plateau"])
