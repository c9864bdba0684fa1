"""The window W, in steps.

A run guesses or has learned over the last W steps, and a unit is dead when it was silent
throughout them. Meter and detector take W from :attr:`RunInfo.window`, which a log has since
version 1.2. Older logs are judged with the default.
"""

from __future__ import annotations

import math

LEAST_STEPS = 20
LEAST_SAMPLES = 2560
# The limit keeps W short for small batches. The margin of chance grows where there are fewer samples.
MOST_STEPS = 200


def window_steps(batch_size: int, least_steps: float = LEAST_STEPS, least_samples: float = LEAST_SAMPLES) -> int:
    """W in steps.

    Args:
        batch_size: samples of a step.
        least_steps: the smallest W.
        least_samples: W has as many steps as hold so many samples, where these are more, and at most 200.

    Raises ValueError for a batch without samples.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size: received {batch_size}, expected at least 1")
    return max(int(least_steps), min(math.ceil(least_samples / batch_size), MOST_STEPS))
