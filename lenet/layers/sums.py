"""Sums of arrays in a fixed order, so that they are the same to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def add_up(parts: Sequence[NDArray[Any]], out: NDArray[Any]) -> None:
    """Write the sum of one or more arrays of one shape to ``out``, which may be the first of them."""
    if len(parts) == 1:
        np.copyto(out, parts[0])
        return
    np.add(parts[0], parts[1], out=out)
    for part in parts[2:]:
        out += part
