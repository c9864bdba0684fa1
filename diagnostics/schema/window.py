"""The window W: so many steps are looked at together.

A run is guessing or has learned over the last W steps, and a unit is dead when it was silent
throughout them. Meter and detector take W from the same place, :attr:`RunInfo.window`.
"""

from __future__ import annotations

import math

LEAST_STEPS = 20
LEAST_SAMPLES = 2560


def window_steps(batch_size: int, least_steps: float = LEAST_STEPS, least_samples: float = LEAST_SAMPLES) -> int:
    """W in steps: at least ``least_steps`` steps, and at least ``least_samples`` samples of ``batch_size`` a step."""
    return max(int(least_steps), math.ceil(least_samples / batch_size))
