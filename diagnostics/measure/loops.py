"""The loops that measure a step: each number is read once.

They are plain Python, which :mod:`diagnostics.measure.compiler` compiles for the argument types in TYPES. What they
find is defined in :mod:`diagnostics.schema.measures`. The compiler makes vector instructions of an inner loop that
indexes contiguous arrays with ``range(x.shape[0])``, adds up numbers of their own width, and has no branch.

Sums of at most BLOCK entries are added up in float32, which holds seven digits, and these sums in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION = 1
"""Raised when a change of the loops changes a bit of what they find."""

TYPES = {
    "tensor_sums": "void(Array(float32, 1, 'C', readonly=True), Array(int32, 1, 'C', readonly=True), int64[::1], "
    "float64[:, ::1], int64[::1], float32[:, ::1], int32[:, ::1])",
    "output_sums": "void(Array(float32, 4, 'C', readonly=True), int64, int64, int64, float64[::1], int64[::1])",
    "mark_active": "void(Array(float32, 4, 'C', readonly=True), boolean[::1], uint8[::1])",
    "map_sums": "void(Array(float32, 3, 'C', readonly=True), int64, int64, int64, int64, float64, float64[::1], "
    "uint8[::1])",
    "row_sums": "void(Array(float32, 2, 'C', readonly=True), int64, float64, float64[::1], int64[::1], uint8[::1])",
    "moments": "int64(float64[:, ::1], int64[::1], int64[::1], float32[:, ::1], uint8[::1])",
    "count_silence": "void(uint8[::1], int64[::1], int64, int64, int64[::1], float32[::1], float32[::1])",
    "histogram": "void(float32[::1], float64, float64, uint32[::1])",
}
"""The argument types that each function is compiled for."""

OPTIONS: dict[str, Any] = {"fastmath": {"reassoc", "nsz"}, "error_model": "numpy"}
"""How they are compiled: sums may be reordered; NaN and infinity keep their meaning."""

BLOCK = 4096
# Float32 squares keep their digits above this mean of squares; where they overflow, the mean is infinite.
SMALLEST_SQUARE = 1e-32
# Below this share of the mean square, the variance has lost digits to cancellation.
SMALLEST_SHARE = 0.02

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.uint8]


def tensor_sums(
    entries: Floats,
    bits: NDArray[np.int32],
    ends: Integers,
    sums: Doubles,
    places: Integers,
    out: Floats,
    out_bits: NDArray[np.int32],
) -> None:
    """Sums, norm, smallest and largest entry of each tensor.

    ``entries``: the tensors, one after the other; ``bits`` is the same memory as int32.
    ``ends`` (tensor + 1,): where each tensor begins, and where the last one ends.
    ``sums`` (tensor, 3): where the sum, the sum of squares and the number of zeros are written.
    ``places`` (3,): the rows of ``out`` that smallest, largest and norm are written to.
    ``out`` (statistic, tensor): where they are written; ``out_bits`` is the same memory as int32.

    The bits of floats above 0 are integers in the order of the floats. Those below 0 are in the opposite order, which
    flipping all bits but the sign puts right; NaN then lies beyond the infinities. Integers are compared because the
    compiler makes no vector instructions of comparisons that have to respect NaN.
    """
    for t in range(sums.shape[0]):
        total = squares = np.float64(0)
        low, high, zeros = np.int32(0x7FFFFFFF), np.int32(-0x80000000), np.int32(0)
        for start in range(ends[t], ends[t + 1], BLOCK):
            stop = min(start + BLOCK, ends[t + 1])
            x, b = entries[start:stop], bits[start:stop]
            block_total = block_squares = np.float32(0)
            for i in range(x.shape[0]):
                block_total += x[i]
                block_squares += x[i] * x[i]
                ordered = b[i] ^ ((b[i] >> np.int32(31)) & np.int32(0x7FFFFFFF))
                low, high = min(low, ordered), max(high, ordered)
                zeros += np.int32((b[i] & np.int32(0x7FFFFFFF)) == 0)
            total += block_total
            squares += block_squares
        sums[t, 0], sums[t, 1], sums[t, 2] = total, squares, zeros
        out_bits[places[0], t] = low ^ ((low >> np.int32(31)) & np.int32(0x7FFFFFFF))
        out_bits[places[1], t] = high ^ ((high >> np.int32(31)) & np.int32(0x7FFFFFFF))
        out[places[2], t] = np.sqrt(squares)


def output_sums(x: Floats, first: int, stride: int, samples: int, sums: Doubles, zeros: Integers) -> None:
    """Add a subsample of a layer's outputs to its sums.

    ``x`` (H, C, W, n): the outputs.
    ``first``, ``stride``, ``samples``: of H the rows from ``first`` on, ``stride`` apart; of n so many samples.
    ``sums`` (3,): the sum, the sum of squares and the number of zeros, which are added to.
    ``zeros`` (C,): the number of zeros of each unit, which is added to.
    """
    total = squares = np.float64(0)
    all_zeros = np.int64(0)
    for unit in range(x.shape[1]):
        unit_zeros = np.int64(0)
        for row in range(first, x.shape[0], stride):
            for column in range(x.shape[2]):
                part = x[row, unit, column, :samples]
                part_total = part_squares = np.float32(0)
                part_zeros = np.int32(0)
                for i in range(part.shape[0]):
                    part_total += part[i]
                    part_squares += part[i] * part[i]
                    part_zeros += np.int32(part[i] == 0)
                total += part_total
                squares += part_squares
                unit_zeros += part_zeros
        zeros[unit] += unit_zeros
        all_zeros += unit_zeros
    sums[0] += total
    sums[1] += squares
    sums[2] += all_zeros


def mark_active(x: Floats, asked: NDArray[np.bool_], silent: Flags) -> None:
    """Take the units that have an output other than 0 from the silent ones.

    ``x`` (H, C, W, n): outputs.
    ``asked`` (C,): the units to look at.
    ``silent`` (C,): set to 0 for those of them with an output other than 0.
    """
    for unit in range(x.shape[1]):
        if not (asked[unit] and silent[unit]):
            continue
        for row in range(x.shape[0]):
            for column in range(x.shape[2]):
                part = x[row, unit, column]
                others = np.int32(0)
                for i in range(part.shape[0]):
                    others += np.int32(part[i] != 0)
                if others:
                    silent[unit] = 0
                    break
            if not silent[unit]:
                break


def map_sums(
    x: Floats, samples: int, height: int, first: int, stride: int, least: float, sums: Doubles, silent: Flags
) -> None:
    """Add a subsample of feature maps to its sums, and find the channels that are 0 for the whole batch.

    ``x`` (n, C, H * W): the feature maps; ``height`` is H.
    ``samples``, ``first``, ``stride``: of n the first so many; of H the rows from ``first`` on, ``stride`` apart.
    ``least``: smaller entries count as this, 0 for what comes before a ReLU; minus infinity changes none.
    ``sums`` (3,): the sum, the sum of squares and the number of zeros, which are added to.
    ``silent`` (C,): set to 0 for every channel that is not 0 throughout.
    """
    low = np.float32(least)
    width = x.shape[2] // height
    total = squares = np.float64(0)
    all_zeros = np.int64(0)
    for unit in range(x.shape[1]):
        unit_zeros = entries = np.int64(0)
        for n in range(samples):
            for row in range(first, height, stride):
                part = x[n, unit, row * width : (row + 1) * width]
                part_total = part_squares = np.float32(0)
                part_zeros = np.int32(0)
                for i in range(part.shape[0]):
                    value = low if part[i] < low else part[i]
                    part_total += value
                    part_squares += value * value
                    part_zeros += np.int32(value == 0)
                total += part_total
                squares += part_squares
                unit_zeros += part_zeros
                entries += part.shape[0]
        all_zeros += unit_zeros
        if silent[unit] and unit_zeros < entries:
            silent[unit] = 0
        for n in range(x.shape[0]):
            if not silent[unit]:
                break
            whole = x[n, unit]
            others = np.int64(0)
            for i in range(whole.shape[0]):
                others += np.int64((low if whole[i] < low else whole[i]) != 0)
            if others:
                silent[unit] = 0
    sums[0] += total
    sums[1] += squares
    sums[2] += all_zeros


def row_sums(x: Floats, samples: int, least: float, sums: Doubles, zeros: Integers, silent: Flags) -> None:
    """As :func:`map_sums`, for outputs (n, F). ``zeros`` (F,) is scratch."""
    low = np.float32(least)
    total = squares = np.float64(0)
    zeros[:] = 0
    for n in range(x.shape[0]):
        row = x[n]
        row_total = row_squares = np.float32(0)
        for i in range(row.shape[0]):
            value = low if row[i] < low else row[i]
            row_total += value
            row_squares += value * value
            zeros[i] += np.int64(value == 0)
        if n < samples:
            total += row_total
            squares += row_squares
        if n == samples - 1:
            all_zeros = np.int64(0)
            for i in range(zeros.shape[0]):
                all_zeros += zeros[i]
            sums[2] += all_zeros
    for i in range(zeros.shape[0]):
        if zeros[i] < x.shape[0]:
            silent[i] = 0
    sums[0] += total
    sums[1] += squares


def moments(sums: Doubles, sizes: Integers, places: Integers, out: Floats, doubtful: Flags) -> Any:
    """Mean, deviation and share of zeros from sums, which are set back to 0.

    ``sums`` (tensor, 3): of each tensor the sum, the sum of squares, and the number of zeros.
    ``sizes`` (tensor,): the number of entries of each.
    ``places`` (3,): the rows of ``out`` (statistic, tensor) that the statistics are written to, in their order.
    ``doubtful`` (tensor,): set to 1 where float32 sums have lost digits or are not finite, else to 0.

    Returns the number of doubtful tensors.
    """
    found = 0
    for t in range(sizes.shape[0]):
        mean, mean_square, zeros = sums[t, 0] / sizes[t], sums[t, 1] / sizes[t], sums[t, 2]
        sums[t] = 0
        variance = mean_square - mean * mean
        # Comparisons with NaN, and of infinity with itself, are false: what is not finite is doubtful.
        is_good = variance > max(SMALLEST_SHARE * mean_square, SMALLEST_SQUARE) or zeros == sizes[t]
        doubtful[t] = not is_good
        found += not is_good
        out[places[0], t] = mean
        out[places[1], t] = np.sqrt(max(variance, 0.0))
        out[places[2], t] = zeros / sizes[t]
    return found


def count_silence(
    silent: Flags, counts: Integers, steps: int, window: int, ends: Integers, dead: Floats, dead_window: Floats
) -> None:
    """Go on counting for how many steps each unit has been silent, and write the shares of silent units.

    ``silent`` (unit,): which units are silent now.
    ``counts`` (unit,): for how many steps each has been silent; ``steps`` have passed since.
    ``window``: W, in steps.
    ``ends`` (layer,): where the units of each layer end.
    ``dead``, ``dead_window`` (layer,): where the shares are written of units that are silent now, and for W steps.
    """
    start = 0
    for layer in range(ends.shape[0]):
        now = long = 0
        for u in range(start, ends[layer]):
            counts[u] = (counts[u] + steps) * silent[u]
            now += silent[u]
            long += counts[u] >= window
        dead[layer] = now / (ends[layer] - start)
        dead_window[layer] = long / (ends[layer] - start)
        start = ends[layer]


def histogram(entries: Floats, low: float, high: float, counts: NDArray[np.uint32]) -> None:
    """Count the finite ``entries``, which go from ``low`` to ``high``, in equal bins: ``counts`` (bin,)."""
    bins = counts.shape[0]
    per_unit = bins / (high - low)
    for i in range(entries.shape[0]):
        if low <= entries[i] <= high:
            counts[min(int((entries[i] - low) * per_unit), bins - 1)] += np.uint32(1)
