"""Loss and accuracy over the whole run, with the defect stretches and the level of guessing."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from diagnostics.detect.findings import Diagnosis, Stretch
from diagnostics.run.run import Run
from diagnostics.run.turning_point import deciding_stretch
from diagnostics.schema.number_range import loss_text
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.figures.curves import Array, extremes, mark_epochs, mark_stretches, moving_mean
from reports.text.imported import onset_words
from reports.text.numbers import counted, number, percent
from reports.text.phrases import died_word

PLACE = Place("run", "opening", 10)
LAST = 50
"""The number of recorded steps whose means the words give for loss and accuracy at the end."""


@dataclass(frozen=True)
class LossCurves:
    """Curves to draw. ``guess_loss`` and ``guess_accuracy`` are those of guessing by class frequency.

    ``named``: the stretches whose steps are in the legend.
    """

    loss: tuple[Array, Array]
    accuracy: tuple[Array, Array]
    mean_loss: tuple[Array, Array]
    mean_accuracy: tuple[Array, Array]
    window: int
    guess_loss: float
    guess_accuracy: float
    not_finite_from: int | None
    stretches: tuple[Stretch, ...]
    named: tuple[Stretch, ...]
    epoch_starts: tuple[int, ...]
    validation: tuple[NDArray[np.int64], Array]
    broke_at: int | None
    mark: str
    last_step: int
    has_accuracy: bool
    unit: str


def prepare(run: Run) -> LossCurves:
    """Reduce the curves so that every extreme stays, and gather the marks.

    The loss is the data loss, by which guessing is measured. The means are over the window of the
    detector: 20 steps or 2,560 samples, whichever is more, and at most 200 steps.
    """
    values = run.scalars("data_loss", "accuracy")
    steps = np.ascontiguousarray(run.index["step"])
    gap = float(np.median(np.diff(steps))) if len(steps) > 1 else 1.0
    window = max(1, round(run.info.window / max(gap, 1.0)))
    loss, accuracy = values[:, 0], values[:, 1]
    broken = steps[~np.isfinite(loss)]
    per_epoch = run.info.steps_per_epoch or sys.maxsize
    last = int(steps[-1]) if len(steps) else 0
    checks = run.validations
    return LossCurves(
        loss=extremes(steps, loss),
        accuracy=extremes(steps, accuracy),
        mean_loss=extremes(steps, np.where(np.isfinite(loss), moving_mean(loss, window), np.nan)),
        mean_accuracy=extremes(steps, moving_mean(accuracy, window)),
        window=window,
        guess_loss=run.info.guessing[0] or np.nan,
        guess_accuracy=run.info.guessing[1],
        not_finite_from=int(broken[0]) if len(broken) else None,
        stretches=run.diagnosis.stretches,
        named=_named(run.diagnosis),
        epoch_starts=tuple(range(per_epoch, last + 1, per_epoch)) if last // per_epoch <= 30 else (),
        validation=(checks["step"].to_numpy(np.int64), checks["accuracy"].to_numpy(np.float64)),
        broke_at=run.diagnosis.broke_at,
        mark=died_word(run) if run.diagnosis.blow is None else "blow",
        last_step=last,
        has_accuracy=_has_accuracy(run),
        unit=run.info.task.unit,
    )


def _named(diagnosis: Diagnosis) -> tuple[Stretch, ...]:
    """All stretches where there are two at most, else the one that decides the verdict."""
    deciding = deciding_stretch(diagnosis)
    return diagnosis.stretches if len(diagnosis.stretches) <= 2 or deciding is None else (deciding,)


def _has_accuracy(run: Run) -> bool:
    """Whether there is an accuracy to draw, of the training or of a validation."""
    return run.columns.find("accuracy") is not None or bool(run.validations["accuracy"].notna().any())


def draw(data: LossCurves, top: Axes, bottom: Axes | None) -> None:
    """Loss above (logarithmic), accuracy below where there is one, the defect stretch shaded through both."""
    for axes in (top, bottom or top):
        mark_stretches(axes, data.stretches, data.last_step)
        mark_epochs(axes, data.epoch_starts)
        if data.not_finite_from is not None:
            axes.axvline(data.not_finite_from, **style.NO_LONGER_FINITE)
        if data.broke_at is not None:
            top_edge = axes.get_xaxis_transform()
            axes.plot([data.broke_at], [1.0], transform=top_edge, clip_on=False, zorder=7, **style.DIED_MARK)
    top.plot(*data.loss, color=style.SKY, linewidth=0.7, marker=style.marker(data.loss[1]))
    top.plot(*data.mean_loss, color=style.BLUE, linewidth=1.8, marker=style.marker(data.mean_loss[1]))
    top.axhline(data.guess_loss, **style.GUESSING, linewidth=1.1)
    if np.isfinite(data.guess_loss):
        _above(top, data.guess_loss, f"guessing: {loss_text(data.guess_loss)} {data.unit}".rstrip())
    style.log_axis(top)
    top.set_ylabel(f"loss ({data.unit}, log scale)" if data.unit else "loss (log scale)")
    top.set_title("Loss", pad=_above_mark(data))
    top.set_xlim(*(0, data.last_step) if data.last_step else (-0.5, 0.5))  # a single point stands in the middle
    if bottom is None:
        style.step_axis(top)
        return
    bottom.plot(*data.accuracy, color=style.SKY, linewidth=0.7, marker=style.marker(data.accuracy[1]))
    bottom.plot(*data.mean_accuracy, color=style.BLUE, linewidth=1.8, marker=style.marker(data.mean_accuracy[1]))
    bottom.plot(*data.validation, **style.VALIDATION, markersize=6, markeredgecolor="white", clip_on=False, zorder=5)
    bottom.axhline(data.guess_accuracy, **style.GUESSING, linewidth=1.1)
    if np.isfinite(data.guess_accuracy):
        _above(bottom, data.guess_accuracy, f"guessing: {data.guess_accuracy:.1%}")
    bottom.set_ylim(-0.02, 1.03)
    style.share_axis(bottom)
    bottom.set_ylabel("accuracy")
    bottom.set_title("Accuracy", pad=_above_mark(data))
    style.step_axis(bottom)


def _above_mark(data: LossCurves) -> float | None:
    """The points between a title and its axes, with room for the mark of the blow; None for the usual ones."""
    return None if data.broke_at is None else 10.0


def _above(axes: Axes, y: float, label: str) -> None:
    """A label at the right edge, above the level ``y``, however few steps there are."""
    box = {"facecolor": "white", "alpha": 0.75, "pad": 0.8, "edgecolor": "none"}
    where: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "zorder": 6}
    look: dict[str, Any] = {"ha": "right", "va": "bottom", "fontsize": 8.5, "color": style.BLACK, "bbox": box}
    axes.annotate(label, (1.0, y), xytext=(-3, 3), **where, **look)


def _legend(figure: Figure, data: LossCurves) -> None:
    """One legend on top: the curves, and the marks by their names and steps."""
    entries: list[Line2D | Patch] = [
        style.key("each step", color=style.SKY, linewidth=0.9),
        style.key(f"mean of the last {counted(data.window, 'recorded step')}", color=style.BLUE, linewidth=1.8),
    ]
    if data.has_accuracy and len(data.validation[0]):
        entries.append(style.key("validation", **style.VALIDATION))
    if data.stretches:
        what = "defect stretch" if len(data.stretches) == 1 else f"{len(data.stretches)} defect stretches"
        entries.append(Patch(facecolor=to_rgba(style.VERMILLION, 0.12), label=what, **style.STRETCH))
    for stretch in data.named:
        entries.append(style.key(f"onset: {onset_words(stretch)}", **style.ONSET))
        entries.append(style.key(f"confirmed: step {stretch.confirmed:,}", **style.CONFIRMED))
        if stretch.recovery is not None:
            entries.append(style.key(f"recovered: step {stretch.recovery:,}", **style.RECOVERED))
    if data.broke_at is not None:
        entries.append(style.key(f"{data.mark}: step {data.broke_at:,}", **style.DIED_MARK))
    if data.not_finite_from is not None:
        entries.append(style.key(f"loss not finite from step {data.not_finite_from:,}", **style.NO_LONGER_FINITE))
    figure.legend(handles=entries, loc="outside upper left", ncols=3)


@style.styled
def loss_figure(run: Run) -> Figure:
    """Loss and accuracy over all steps, with onset, confirmation, recovery and the level of guessing."""
    data = prepare(run)
    figure = style.new_figure(5.2 if data.has_accuracy else 3.2)
    if data.has_accuracy:
        draw(data, *figure.subplots(2, 1, sharex=True))
    else:
        draw(data, figure.subplots(), None)
    _legend(figure, data)
    return figure


def captioned(run: Run) -> Iterator[CaptionedFigure]:
    """The figure with its words."""
    stretches = run.diagnosis.stretches
    marks = _marks_words(run.diagnosis)
    by = " by class frequency" if run.info.task.has_classes else ""
    level = f"The dashed level is what guessing{by} gives. " if np.isfinite(run.info.guessing[0]) else ""
    yield CaptionedFigure(
        "1-loss-and-accuracy",
        "Loss and accuracy" if _has_accuracy(run) else "Loss",
        " ".join([_curves_words(run), *map(_stretch_words, stretches)]),
        f"{level}{marks} Where steps are many, each pixel keeps the smallest and the largest value.",
        loss_figure(run),
    )


def _marks_words(diagnosis: Diagnosis) -> str:
    """What is shaded, what its lines mean, and which of several stretches the legend names."""
    stretches = diagnosis.stretches
    if not stretches:
        return "Nothing is shaded: no defect stretch was found."
    shaded = "the defect stretch, from its" if len(stretches) == 1 else "the defect stretches, each from its"
    has_recovery = any(stretch.recovery is not None for stretch in stretches)
    dotted = ", and at the dotted line the run had recovered" if has_recovery else ""
    told = f"Shaded: {shaded} onset (solid line); at the dashed line the detector was first sure{dotted}."
    is_partial = len(_named(diagnosis)) < len(stretches)
    return f"{told} The legend has the steps of the one that decides the verdict." if is_partial else told


def _curves_words(run: Run) -> str:
    """The course of the curves in words, for readers who do not see them."""
    steps = run.index["step"]
    if not len(steps):
        return "A curve over no steps: none was recorded."
    last = run.scalars("data_loss", "accuracy")[-LAST:]
    loss, accuracy = (float(mean) for mean in last.mean(axis=0))
    reach, over = f"over steps {int(steps[0]):,} to {int(steps[-1]):,}", counted(len(last), "recorded step")
    level = f"{number(loss)} {run.info.task.unit}".rstrip() if math.isfinite(loss) else "not finite"
    if not _has_accuracy(run):
        return f"A curve of the loss {reach}: over the last {over} the mean loss is {level}."
    if run.columns.find("accuracy") is None:
        ended = percent(float(run.validations["accuracy"].dropna().iloc[-1]))
        return (
            f"A curve of the loss {reach}, and below it the accuracies of the validations: over the last {over} the "
            f"mean loss is {level}; the last validation has an accuracy of {ended}."
        )
    return (
        f"Two curves {reach}, loss above and accuracy below: over the last {over} the mean loss is {level} and the "
        f"mean accuracy {percent(accuracy)}."
    )


def _stretch_words(stretch: Stretch) -> str:
    end = f"its recovery at step {stretch.recovery:,}" if stretch.recovery is not None else "the end of the run"
    return (
        f"A defect stretch is shaded from its onset at step {stretch.onset:,} to {end}; it was confirmed at step "
        f"{stretch.confirmed:,}."
    )
