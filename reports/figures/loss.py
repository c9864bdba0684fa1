"""Loss and accuracy over the whole run: did it learn, and where did it stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from diagnostics.detect.findings import Stretch
from diagnostics.detect.symptoms import prior_entropy
from diagnostics.measure.tensors import window_steps
from diagnostics.run.run import Run
from diagnostics.run.turning_point import turning_step
from reports.figures import style
from reports.figures.curves import Array, extremes, mark_epochs, mark_stretches, moving_mean


@dataclass(frozen=True)
class LossCurves:
    """Curves to draw. ``guess_loss`` and ``guess_accuracy`` are what guessing by class frequency gives."""

    loss: tuple[Array, Array]
    accuracy: tuple[Array, Array]
    mean_loss: tuple[Array, Array]
    mean_accuracy: tuple[Array, Array]
    window: int
    guess_loss: float
    guess_accuracy: float
    not_finite_from: int | None
    stretches: tuple[Stretch, ...]
    epoch_starts: tuple[int, ...]
    validation: tuple[NDArray[np.int64], Array]
    turn: int | None
    last_step: int


def prepare(run: Run) -> LossCurves:
    """Reduce the curves so that every extreme stays, and gather the marks.

    Loss is the data loss, which guessing is measured by; the window of the
    means is that of the detector: 20 steps or 2,560 samples.
    """
    columns = run.columns
    values = run.block([columns.scalar("data_loss"), columns.scalar("accuracy")]).astype(np.float64)
    steps = np.ascontiguousarray(run.index["step"])
    window = window_steps(run.info.batch_size)
    loss, accuracy = values[:, 0], values[:, 1]
    broken = steps[~np.isfinite(loss)]
    per_epoch = max(run.info.steps_per_epoch, 1)
    last = int(steps[-1]) if len(steps) else 0
    checks = run.validations
    return LossCurves(
        loss=extremes(steps, loss),
        accuracy=extremes(steps, accuracy),
        mean_loss=extremes(steps, np.where(np.isfinite(loss), moving_mean(loss, window), np.nan)),
        mean_accuracy=extremes(steps, moving_mean(accuracy, window)),
        window=window,
        guess_loss=prior_entropy(run.info.prior),
        guess_accuracy=max(run.info.prior),
        not_finite_from=int(broken[0]) if len(broken) else None,
        stretches=run.diagnosis.stretches,
        epoch_starts=tuple(range(per_epoch, last + 1, per_epoch)) if last // per_epoch <= 30 else (),
        validation=(checks["step"].to_numpy(np.int64), checks["accuracy"].to_numpy(np.float64)),
        turn=turning_step(run),
        last_step=last,
    )


def draw(data: LossCurves, top: Axes, bottom: Axes) -> None:
    """Loss above (logarithmic), accuracy below, the defect stretch shaded through both."""
    for axes in (top, bottom):
        mark_stretches(axes, data.stretches, data.last_step)
        mark_epochs(axes, data.epoch_starts)
        if data.not_finite_from is not None:
            axes.axvline(data.not_finite_from, color=style.BLACK, linewidth=1.2, linestyle="-.")
        if data.turn is not None:
            axes.plot([data.turn], [1.0], transform=axes.get_xaxis_transform(), clip_on=False, marker="v",
                      color=style.BLACK, markersize=8, zorder=7)  # fmt: skip
    top.plot(*data.loss, color=style.SKY, linewidth=0.7, marker=style.marker(data.loss[1]), label="each step")
    top.plot(*data.mean_loss, color=style.BLUE, linewidth=1.8, marker=style.marker(data.mean_loss[1]),
             label=f"mean of the last {data.window} steps")  # fmt: skip
    top.axhline(data.guess_loss, color=style.BLACK, linewidth=1.1, linestyle=(0, (6, 3)))
    _above(top, data.guess_loss, f"guessing: {data.guess_loss:.3f} nats")
    style.log_axis(top)
    top.set_ylabel("loss (nats, log scale)")
    top.set_title("Loss")
    bottom.plot(*data.accuracy, color=style.SKY, linewidth=0.7, marker=style.marker(data.accuracy[1]))
    bottom.plot(*data.mean_accuracy, color=style.BLUE, linewidth=1.8, marker=style.marker(data.mean_accuracy[1]))
    bottom.plot(*data.validation, color=style.PURPLE, marker="D", markersize=6, linestyle="none", clip_on=False,
                markeredgecolor="white", zorder=5, label="validation")  # fmt: skip
    bottom.axhline(data.guess_accuracy, color=style.BLACK, linewidth=1.1, linestyle=(0, (6, 3)))
    _above(bottom, data.guess_accuracy, f"guessing: {data.guess_accuracy:.1%}")
    bottom.set_ylim(-0.02, 1.03)
    bottom.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    bottom.set_ylabel("accuracy")
    bottom.set_title("Accuracy")
    style.step_axis(bottom)
    top.set_xlim(*(0, data.last_step) if data.last_step else (-0.5, 0.5))  # a single point stands in the middle


def _above(axes: Axes, y: float, label: str) -> None:
    """A label at the right edge, above the level ``y``, however few steps there are."""
    axes.annotate(label, (1.0, y), xycoords=axes.get_yaxis_transform(), xytext=(-3, 3), textcoords="offset points",
                  ha="right", va="bottom", fontsize=8.5, color=style.BLACK, zorder=6,
                  bbox={"facecolor": "white", "alpha": 0.75, "pad": 0.8, "edgecolor": "none"})  # fmt: skip


def _legend(figure: Figure, data: LossCurves) -> None:
    """One legend on top: the curves, and the marks by their names and steps."""
    entries: list[Line2D | Patch] = [
        Line2D([], [], color=style.SKY, linewidth=0.9, label="each step"),
        Line2D([], [], color=style.BLUE, linewidth=1.8, label=f"mean of the last {data.window} steps"),
    ]
    if len(data.validation[0]):
        entries.append(Line2D([], [], color=style.PURPLE, marker="D", linestyle="none", label="validation"))
    if data.stretches:
        entries.append(Patch(facecolor=(*_rgb(style.VERMILLION), 0.12), edgecolor=style.VERMILLION, hatch="//",
                             linewidth=0, label="defect stretch"))  # fmt: skip
    for s in data.stretches[:2]:
        entries.append(Line2D([], [], color=style.VERMILLION, linewidth=1.6, label=f"onset: step {s.onset:,}"))
        entries.append(Line2D([], [], color=style.VERMILLION, linewidth=1.1, linestyle="--",
                              label=f"confirmed: step {s.confirmed:,}"))  # fmt: skip
        if s.recovery is not None:
            entries.append(Line2D([], [], color=style.GREEN, linewidth=1.6, linestyle=":",
                                  label=f"recovered: step {s.recovery:,}"))  # fmt: skip
    if data.turn is not None:
        entries.append(Line2D([], [], color=style.BLACK, marker="v", linestyle="none", markersize=8,
                              label=f"went down: step {data.turn:,}"))  # fmt: skip
    if data.not_finite_from is not None:
        entries.append(Line2D([], [], color=style.BLACK, linewidth=1.2, linestyle="-.",
                              label=f"loss not finite from step {data.not_finite_from:,}"))  # fmt: skip
    figure.legend(handles=entries, loc="outside upper left", ncols=3)


def _rgb(colour: str) -> tuple[float, float, float]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))  # type: ignore[return-value]


@style.styled
def loss_figure(run: Run) -> Figure:
    """Loss and accuracy over all steps, with onset, confirmation, recovery and the level of guessing."""
    figure = style.new_figure(5.2)
    top, bottom = figure.subplots(2, 1, sharex=True)
    data = prepare(run)
    draw(data, top, bottom)
    _legend(figure, data)
    return figure
