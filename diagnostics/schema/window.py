"""The window W: so many steps are looked at together.

A run is guessing or has learned over the last W steps, and a unit is dead when it was silent
throughout them. Meter and detector take W from the same place, :attr:`RunInfo.window`, which a log
keeps since version 1.2. Older logs do not say it and are judged with the default of today.
"""

from __future__ import annotations

import math

LEAST_STEPS = 20
LEAST_SAMPLES = 2560
# Small batches need no thousands of rows: the margin of chance allows for the samples that there are.
MOST_STEPS = 200


def window_steps(batch_size: int, least_steps: float = LEAST_STEPS, least_samples: float = LEAST_SAMPLES) -> int:
    """W in steps.

    Args:
        batch_size: samples a step.
        least_steps: W has at least so many steps.
        least_samples: and so many samples, but for that never more than 200 steps.

    Raises ValueError for a batch without samples.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size: received {batch_size}, expected at least 1")
    return max(int(least_steps), min(math.ceil(least_samples / batch_size), MOST_STEPS))
