"""How finely the rows of a file resolve its run: every step, every k-th, some at random, or means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from diagnostics.imports.metrics import MetricSeries, Numbers

REGULAR = 0.9
"""This share of the gaps between rows has to be the same for "every k-th step"."""
LEAST_ROWS, LEAST_LEVERAGE = 8, 5
"""Running means are told by so many rows, with so many times as many steps of the epoch before them as in them."""


def resolution_words(steps: NDArray[np.int64], are_means: bool, unit: str = "step") -> str:
    """Which steps have rows, in words.

    steps: (rows,), the step of each row, rising.
    are_means: whether a row is the mean over the steps since the row before.
    unit: what is counted: "step" or "epoch".
    """
    if len(steps) < 2:
        return f"one row, of {unit} {int(steps[0]):,}" if len(steps) else "no row"
    gaps = np.diff(steps)
    usual = int(np.median(gaps))
    is_regular = bool((gaps == usual).mean() >= REGULAR)
    whole = int(steps[-1]) + 1
    if are_means and usual > 1:
        about = "" if is_regular else "about "
        return f"means over {about}{usual:,} {unit}s each; {len(steps):,} rows of {whole:,} {unit}s"
    if usual == 1 and is_regular:
        missing = whole - len(steps)
        return f"every {unit}" + (f" but {missing:,} of {whole:,}" if missing else "")
    if is_regular:
        return f"every {ordinal(usual)} {unit}; {len(steps):,} rows of {whole:,} {unit}s"
    return f"{len(steps):,} of {whole:,} {unit}s, at irregular distances of up to {int(gaps.max()):,}"


def ordinal(number: int) -> str:
    """2nd, 3rd, 10th, 21st."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def are_running_means(loss: MetricSeries, accuracy: MetricSeries | None, per_epoch: float | None) -> bool:
    """Whether values are means since the beginning of their epoch.

    Taken apart, running means give losses of at least 0 and accuracies of 0 to 1. The values of single steps do not:
    their noise grows with the place in the epoch. If too few rows lie late enough in an epoch to decide, or if there is
    no accuracy and the losses differ so little that those of single steps would not fall below 0, it is False.

    loss, accuracy: the values, in the order of their steps; None where there is no accuracy.
    per_epoch: the steps of an epoch; None where there is one epoch, or it is not known.
    """
    if per_epoch is None and len(np.unique(loss.epochs[np.isfinite(loss.epochs)])) > 1:
        return False
    could_tell = accuracy is not None
    for series, most in ((loss, np.inf), (accuracy, 1.0)):
        if series is None:
            continue
        if not np.isfinite(series.epochs).all():
            return False
        grown, places = _leverage(series, per_epoch)
        values = taken_apart(series, per_epoch).values
        told = np.isfinite(values) & (grown >= LEAST_LEVERAGE)
        if told.sum() < LEAST_ROWS or (places < 1).any():
            return False
        could_tell = could_tell or _would_contradict(series.values, grown)
        room = _digit(series.values) * grown + 1e-6
        if (values[told] < -room[told]).any() or (values[told] > most + room[told]).any():
            return False
    return could_tell


def _would_contradict(losses: Numbers, grown: Numbers) -> bool:
    """Whether in some epoch losses of single steps, as noisy as its first ones are, would fall below 0 taken apart.

    losses: (rows,), in the order of their steps.
    grown: (rows,), how many times noise is enlarged; 0 where an epoch begins.
    """
    noise = np.abs(np.diff(losses, n=2, prepend=[np.nan, np.nan])) / np.sqrt(3)
    for epoch in np.split(np.arange(len(losses)), np.flatnonzero(grown == 0)):
        early = epoch[2:][grown[epoch[2:]] < LEAST_LEVERAGE]
        if len(early) and np.median(noise[early]) * grown[epoch].max() >= np.median(losses[epoch]):
            return True
    return False


def taken_apart(series: MetricSeries, per_epoch: float | None) -> MetricSeries:
    """Running means of an epoch as means over the steps between rows.

    A mean m over the first n steps has the sum n m, so that the steps between two rows have the difference of sums.
    """
    places, before, begins = _places(series, per_epoch)
    sums = places * series.values
    before_sum = np.where(begins, 0.0, np.concatenate([[0.0], sums[:-1]]))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = (sums - before_sum) / (places - before)
    return series.with_values(values)


def _leverage(series: MetricSeries, per_epoch: float | None) -> tuple[Numbers, Numbers]:
    """How many times the noise of a value is enlarged where it is taken apart; and its place in the epoch."""
    places, before, _ = _places(series, per_epoch)
    with np.errstate(invalid="ignore", divide="ignore"):
        return before / (places - before), places


def _places(series: MetricSeries, per_epoch: float | None) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """The place of each row in its epoch, from 1; that of the row before, 0 at a beginning; and where epochs begin."""
    begins = np.concatenate([[True], np.diff(series.epochs) != 0])
    places = series.steps - (series.epochs - 1) * (per_epoch or 0) + 1
    before = np.where(begins, 0.0, np.concatenate([[0.0], places[:-1]]))
    return places, before, begins


def _digit(values: Numbers) -> float:
    """One in the last printed digit; 0 where there are more than six digits."""
    known = values[np.isfinite(values)]
    for digits in range(1, 7):
        if np.allclose(known * 10**digits, np.round(known * 10**digits), rtol=0, atol=1e-6):
            return float(10.0**-digits)
    return 0.0
