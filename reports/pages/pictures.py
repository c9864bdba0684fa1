"""A run's figures as pictures of a document: each with a title, what it shows in words, and how to read it."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure

from diagnostics.run.run import Run
from diagnostics.run.turning_point import focus, suspects, turning_step
from reports.figures import style
from reports.figures.chain import chain_figure
from reports.figures.guilty import guilty_figure
from reports.figures.heat import heat_figure
from reports.figures.kernels import kernels_figure
from reports.figures.loss import loss_figure
from reports.figures.moments import moments
from reports.figures.shapes import shapes_figure
from reports.figures.tensors import tensors_figure
from reports.figures.units import prepare as unit_data
from reports.figures.units import units_figure
from reports.pages.document import Picture
from reports.text.numbers import counted, number, percent
from reports.text.phrases import measured, rule_name

Maker = Callable[[Run], Figure | None]


def picture(name: str, title: str, alt: str, caption: str, figure: Figure) -> Picture:
    """A figure drawn, with its words."""
    width, height = figure.get_size_inches() * style.DPI
    return Picture(name, title, alt, caption, style.png(figure), round(width), round(height))


def loss_picture(run: Run) -> Picture:
    """Loss and accuracy, the picture that proves the verdict."""
    last = run.block([run.columns.scalar("data_loss"), run.columns.scalar("accuracy")])[-50:].astype(float)
    steps = run.index["step"]
    ends = "no steps were recorded"
    if len(last):
        ends = f"over the last {counted(len(last), 'recorded step')} the mean loss is "
        ends += f"{number(float(last[:, 0].mean()))} nats"
        ends += f" and the mean accuracy {percent(float(last[:, 1].mean()))}"
    shaded = "".join(
        f" A defect stretch is shaded from its onset at step {s.onset:,} to "
        + (f"its recovery at step {s.recovery:,}" if s.recovery is not None else "the end of the run")
        + f"; it was confirmed at step {s.confirmed:,}."
        for s in run.diagnosis.stretches
    )
    reach = f"{int(steps[0]):,} to {int(steps[-1]):,}" if len(steps) else "none"
    alt = f"Two curves over steps {reach}, loss above and accuracy below: {ends}.{shaded}"
    caption = (
        "The dashed level is what guessing by class frequency gives. "
        + ("Shaded: the defect stretch, from its onset (solid line); at the dashed line the detector was first sure. "
           if run.diagnosis.stretches else "Nothing is shaded: no defect stretch was found. ")
        + "Where steps are many, each pixel keeps the smallest and the largest value."
    )  # fmt: skip
    return picture("1-loss-and-accuracy", "Loss and accuracy", alt, caption, loss_figure(run))


def chain_picture(run: Run) -> Picture | None:
    """The chain of events, None where there is none."""
    figure = chain_figure(run)
    if figure is None:
        return None
    told = "; ".join(
        f"{i}, step {f.first_step:,}, {f.layer or 'whole network'}, {rule_name(f.rule)}"
        + (f", {measured(f)}" if measured(f) else "")
        for i, f in enumerate(run.diagnosis.chain, 1)
    )
    alt = f"Time line, one lane a layer; events numbered in the order in which they began, the verdict last: {told}."
    caption = ("A circle marks the step at which an event began, its bar how long it lasted; an arrow leads beyond "
               "the picture. Below: the measured number and the limit it crossed.")  # fmt: skip
    return picture("2-chain-of-events", "What happened first, and what followed", alt, caption, figure)


def guilty_pictures(run: Run) -> tuple[Picture, ...]:
    """Small multiples of the layer that went down, and of the one where it began if that is another."""
    window = focus(run)
    made = []
    for layer, letter in zip(suspects(run), "ab", strict=False):
        title = "One layer, closely"
        if layer is not None and window is not None:
            title = f"{layer}, {'which went down' if layer == window.layer else 'where it began'}"
        alt = (f"Gradient norm, update to weight norm, share of silent units and weight norm of {layer or 'one layer'} "
               "over the whole run") + (
            f", and enlarged from step {window.first:,} to {window.last:,} around step {window.turn:,}."
            if window else "."
        )  # fmt: skip
        caption = "Red ticks at the bottom of a logarithmic panel mark values of exactly zero."
        if window:
            caption += f" The dotted line is step {window.turn:,}, where the run went down."
        made.append(picture(f"3{letter}-one-layer", title, alt, caption, guilty_figure(run, layer)))
    return tuple(made)


def heat_picture(run: Run) -> Picture:
    """Heat maps of all layers."""
    turn = turning_step(run)
    alt = "Heat maps with a row for each layer and steps from left to right: gradient norm, update to weight norm, "
    alt += "share of silent units"
    alt += " and share saturated." if any(la.activation in ("sigmoid", "tanh") for la in run.info.layers) else "."
    if turn is not None:
        alt += f" The right half enlarges the steps around step {turn:,}."
    caption = ("Rows are layers, the input side on top. Each cell shows the most unusual value of its steps, so that "
               "no peak is lost. Shares are on a plain scale from 0 to 1. Saturation is measured only for sigmoid and "
               "tanh layers.")  # fmt: skip
    return picture("4-all-layers", "All layers over all steps", alt, caption, heat_figure(run))


def tensor_pictures(run: Run) -> tuple[Picture, ...]:
    """Distributions of all tensors, kernels and units; fewer where no snapshots were logged."""
    when = ", ".join(f"{m.name} (step {m.step:,})" for m in moments(run))
    plans: tuple[tuple[str, str, str, str, Maker], ...] = (
        ("5-tensors-over-time", "Every tensor over time",
         "For each weight and bias tensor, bands over the steps that hold all values, the middle 90 % and the middle "
         "50 %, with the median as a line.",
         "From light to dark: all values, the middle 90 %, the middle 50 %; the line is the median. From the logged "
         "histograms.", tensors_figure),
        ("6-tensors-side-by-side", "Every tensor, side by side",
         f"Histograms of each weight and bias tensor at {when}.",
         "A row a tensor, on one scale from left to right; the dotted line is zero.", shapes_figure),
        ("7-first-kernels", "The kernels of the first convolution",
         f"The kernels of the first convolution as small images at {when}, on one colour scale.",
         "A row a moment, a column a filter. Orange is negative, purple positive.", kernels_figure),
        ("8-units", "Which units were silent", _unit_words(run),
         "Each square is a unit: a channel of a convolution or a neuron of a dense layer.", units_figure),
    )  # fmt: skip
    made = []
    for name, title, alt, caption, maker in plans:
        figure = maker(run)
        if figure is not None:
            made.append(picture(name, title, alt, caption, figure))
    return tuple(made)


def _unit_words(run: Run) -> str:
    data = unit_data(run)
    if data is None:
        return ""
    last = len(data.moments) - 1
    counts = ", ".join("{} {} of {}".format(la, *data.count(i, last)) for i, la in enumerate(data.layers))
    return f"Maps of the units of each layer; silent at the last of the moments: {counts}."
