"""The range of the numbers of a row, which are float32, and what a row says of a finite number beyond it.

A network of float64 may have finite numbers that float32 cannot hold. A row has the largest float32 with their sign in
their place, so that NaN and infinity in a row are NaN and infinity in the network.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = float(np.finfo(np.float32).max)
"""The largest number of a row."""
MANY_TIMES = 10
"""From this ratio on a size is told in times and not in percent."""
MEANING = (
    "Where a finite number is beyond the range of `<f4`, as one of a float64 network may be, its place has the largest "
    "number of that type (3.4028235e38) with its sign; NaN and infinity stand for NaN and infinity in the network."
)
"""What the page of the log format says of such numbers."""
BEYOND = "larger than 3.4e38, the largest number that the log holds"
BELOW = "below -3.4e38, the smallest number that the log holds"


def logged_number(value: float) -> float:
    """A number as a row may hold it: a finite one beyond the range becomes the largest of its sign."""
    return math.copysign(LARGEST, value) if LARGEST < abs(value) < math.inf else value


def logged_numbers(values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Numbers as float32: finite ones beyond the range become the largest of their sign."""
    with np.errstate(all="ignore"):
        found = values.astype(np.float32)
    if values.dtype.itemsize <= found.dtype.itemsize:
        return found
    lost = np.isinf(found) & np.isfinite(values)
    if lost.any():
        found[lost] = np.copysign(np.float32(LARGEST), found[lost])
    return found


def are_beyond(values: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Which numbers of rows stand for finite ones beyond the range."""
    found: NDArray[np.bool_] = np.abs(values) == LARGEST
    return found


def loss_text(value: float, places: int = 3) -> str:
    """A loss with so many decimal places; with three significant digits where these suit its size better."""
    return f"{value:.{places}f}" if 0.01 <= abs(value) < 1000 else number_text(value)


def number_text(value: float, digits: str = ".3g") -> str:
    """A number of a row as text in the given format, and in words where it stands for one beyond the range."""
    if abs(value) == LARGEST:
        return BEYOND if value > 0 else BELOW
    return f"{value:{digits}}"


def two_digits(value: float) -> str:
    """A number of a row with two significant digits, written out from 100 up to a million: 270 and no 2.7e+02."""
    text = number_text(value, ".2g")
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if 100 <= abs(rounded) < 1e6 else text


def share_words(ratio: float) -> str:
    """How large something is beside something else, to be followed by that: "61% of", or "80 times" from 10 on."""
    if ratio < MANY_TIMES:
        return f"{ratio:.0%} of"
    if math.isinf(ratio):
        return "more than the log can hold of"
    return f"{ratio:,.0f} times" if ratio < 1e6 else f"{ratio:.1e} times"
