"""The healthy band of each statistic that has a limit, for each network."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.zoo.judged import whole_run
from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.rules.exploding_gradient import usual_level
from diagnostics.detect.rules.fading_signal import BEST, LEVEL, NOW, SETTLING_STEPS
from diagnostics.detect.rules.parameter_drift import OVER
from diagnostics.detect.series import medians
from diagnostics.detect.window import Window
from diagnostics.run.run import Run

ROWS = 5


def gradient_growth(w: Window) -> float:
    """Largest norm of a layer's gradient over its recent level."""
    return _largest(
        w.tensor(n, "weights", "gradient", "norm") / usual_level(w.tensor(n, "weights", "gradient", "norm"))
        for n in w.layers
    )


def update_ratio(w: Window) -> float:
    """Largest norm of a layer's update over its norm."""
    return _largest(w.layer_norm(n, "update") / w.layer_norm(n, "value") for n in w.layers)


def smallest_update(w: Window) -> float:
    """Median over the run of the largest update ratio of any layer."""
    ratios = [w.layer_norm(n, "update") / w.layer_norm(n, "value") for n in w.layers]
    return float(np.nanmedian(np.nanmax(ratios, axis=0)))


def dead_share(w: Window) -> float:
    """Largest share of a layer's units silent in five rows one after another."""
    return _largest(_lasting(w.activation(n, "dead_fraction")) for n in w.hidden if w.function(n) == "relu")


def saturated_share(w: Window) -> float:
    """Largest share of a layer's outputs saturated in five rows one after another."""
    return _largest(_lasting(w.activation(n, "saturated_fraction")) for n in w.hidden if w.function(n) != "relu")


def parameter_growth(w: Window) -> float:
    """Largest norm of a layer's parameters over that 500 rows earlier, or at the first row."""
    norms = [w.layer_norm(n, "value") for n in w.layers]
    return _largest(norm / np.concatenate((np.full(min(OVER, len(norm)), norm[0]), norm[:-OVER])) for norm in norms)


def fading(w: Window) -> float:
    """Smallest spread of a layer's outputs over the best it had in 300 rows before, from step 60 on."""
    smallest = np.inf
    for n in w.hidden:
        spread = w.activation(n, "std")[SETTLING_STEPS:]
        if len(spread) < BEST + NOW or not np.isfinite(spread).all():
            continue
        steady, now = medians(spread, BEST), medians(spread, NOW)
        for stop in range(BEST + NOW, len(spread) + 1, NOW):
            best = steady[max(0, stop - LEVEL) : stop - NOW - BEST + 1].max()
            if best > 0:
                smallest = min(smallest, float(now[stop - NOW] / best))
    return smallest


def gradient_quotient(w: Window) -> float:
    """Smallest gradient an entry of a hidden layer over that of the last, lasting five rows."""
    sizes = {t.layer: t.size for t in w.info.tensors if t.tensor == "weights"}
    per = {n: w.tensor(n, "weights", "gradient", "norm") / np.sqrt(sizes[n]) for n in w.layers}
    top = per[w.layers[-1]]
    return -_largest(_lasting(-per[n] / top) for n in w.hidden)


def _lasting(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(values) < ROWS:
        return np.full(1, np.nan)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(values, ROWS).min(axis=1))


def _largest(series) -> float:  # type: ignore[no-untyped-def]
    values = [np.nanmax(one[np.isfinite(one)], initial=-np.inf) for one in series]
    return float(max(values, default=np.nan))


@dataclass(frozen=True)
class RunStatistic:
    """A statistic of a whole run.

    Args:
        measure: how it is measured.
        limits: the names of the limits it is compared with.
        is_low_bad: whether small values are the bad ones.
    """

    measure: Callable[[Window], float]
    limits: tuple[str, ...]
    is_low_bad: bool = False

    @property
    def title(self) -> str:
        """What is measured, in words."""
        return (self.measure.__doc__ or "").strip().rstrip(".")


STATISTICS = (
    RunStatistic(gradient_growth, ("exploding-gradient.growth", "early-warning.growth")),
    RunStatistic(update_ratio, ("oversized-update.ratio", "early-warning.ratio")),
    RunStatistic(dead_share, ("dead-units.share", "early-warning.dead")),
    RunStatistic(saturated_share, ("saturated-units.share",)),
    RunStatistic(parameter_growth, ("parameter-drift.growth",)),
    RunStatistic(fading, ("fading-signal.share", "early-warning.fade"), True),
    RunStatistic(gradient_quotient, ("vanishing-gradient.quotient",), True),
    RunStatistic(smallest_update, ("tiny-steps.ratio",), True),
)


def measured(run: Run) -> list[float]:
    """All statistics of a run, in the order of STATISTICS."""
    window = whole_run(run)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [band.measure(window) for band in STATISTICS]


def band_rows(values: dict[str, list[list[float]]], dead: list[list[float]]) -> list[tuple[str, ...]]:
    """One row for each statistic and network.

    Args:
        values: by network, for each run that ends well what ``measured`` gives.
        dead: the same for each defect run.
    """
    rows = []
    for number, statistic in enumerate(STATISTICS):
        title = statistic.title
        limits = ", ".join(f"{key} {DEFAULT_THRESHOLDS[key]:g}" for key in statistic.limits)
        of_dead = _finite([one[number] for one in dead])
        for network, runs in sorted(values.items()):
            found = _finite([one[number] for one in runs])
            if not len(found):
                continue
            rows.append(
                (
                    title,
                    limits,
                    network,
                    str(len(found)),
                    f"{np.median(found):.3g}",
                    f"{np.percentile(found, 5 if statistic.is_low_bad else 95):.3g}",
                    f"{found.min() if statistic.is_low_bad else found.max():.3g}",
                    f"{np.median(of_dead):.3g} ({len(of_dead)})" if len(of_dead) else "-",
                )
            )
            title = limits = ""  # only in the first row of a statistic
    return rows


def _finite(values: Sequence[float]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]
