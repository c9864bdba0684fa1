"""The batch of a step: how large a share of the gradient each sample has, and the sixteen with the largest share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from diagnostics.replay.opened import OpenedRun, OpenedStep
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place
from reports.text.numbers import percent
from reports.text.opened import step_title

PLACE = Place("origin", "origin", 10)
STRONGEST, ACROSS = 16, 4
GAP = 0.12
"""The gap between two samples of the mosaic, as a share of their width."""
ROOM = 0.62
"""The room for words below each sample, as a share of its height."""


@dataclass(frozen=True)
class BatchData:
    """The batch of one step.

    title: the title of the step.
    shares: each sample's share of the gradient of the whole network, the largest first, (n,).
    layer_shares: the same for the layer in question, the largest first, (n,).
    pictures: the samples with the largest share of the network's gradient, at most 16, as grey or coloured pictures,
        (k, H, W) or (k, H, W, 3).
    words: of each of them its label, the network's answer, and its shares.
    """

    title: str
    shares: NDArray[np.float64]
    layer_shares: NDArray[np.float64]
    pictures: NDArray[Any]
    words: tuple[str, ...]


def prepare(opened: OpenedRun) -> list[BatchData]:
    """The batches of the opened steps."""
    return [_prepare(opened, one) for one in opened.steps]


def _prepare(opened: OpenedRun, one: OpenedStep) -> BatchData:
    moment = one.moment
    shares, layer_shares = moment.shares(), moment.shares(one.layer)
    strongest = strongest_samples(shares)
    words = tuple(
        f"{moment.labels[i]} \N{RIGHTWARDS ARROW} {moment.answers[i]}\n{percent(float(shares[i]))}" for i in strongest
    )
    pictures = as_pictures(moment.images[strongest])
    return BatchData(step_title(opened, one), largest_first(shares), largest_first(layer_shares), pictures, words)


def strongest_samples(shares: NDArray[np.float64]) -> NDArray[np.intp]:
    """The samples with the largest shares, the largest first; the first ones where no share is known."""
    return np.argsort(-np.nan_to_num(shares, nan=-np.inf), kind="stable")[:STRONGEST]


def largest_first(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sorted from the largest to the smallest; NaN at the end."""
    return -np.sort(-shares)


def as_pictures(samples: NDArray[Any]) -> NDArray[Any]:
    """Samples (k, H, W, C) or (k, F) as pictures: one or three channels, a row of numbers as a square if it is one."""
    if samples.ndim == 4 and samples.shape[-1] == 3:
        low, high = float(samples.min(initial=0)), float(samples.max(initial=1))
        return (samples - low) / (high - low)
    if samples.ndim == 4:
        return samples[..., 0]
    side = round(np.sqrt(samples.shape[1]))
    return samples.reshape(len(samples), side, side) if side * side == samples.shape[1] else samples[:, None, :]


def draw_shares(steps: list[tuple[str, NDArray[np.float64]]], axes: Axes) -> None:
    """A curve a step: the shares of its samples, the largest first."""
    for place, (title, shares) in enumerate(steps):
        last = place == len(steps) - 1
        axes.plot(
            np.arange(1, len(shares) + 1),
            100 * shares,
            linestyle=style.LINES[len(steps) - 1 - place],
            color=style.VERMILLION if last else style.CYCLE[place],
            linewidth=1.8 if last else 1.2,
            label=title,
        )
    equal = 100 / len(steps[-1][1])
    axes.axhline(equal, color=style.GREY, linewidth=0.8, linestyle=":")
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    axes.set_xlabel("samples of the batch, the largest share first")
    axes.set_ylabel("share of the gradient in %")


def draw_strongest(data: BatchData, axes: Axes) -> None:
    """The strongest samples as a mosaic, each with its words below."""
    axes.set_title(data.title, fontsize=9)
    axes.axis("off")
    height, width = data.pictures.shape[1:3]
    right, down = 1 + GAP, height / width + ROOM
    for place, (picture, words) in enumerate(zip(data.pictures, data.words, strict=True)):
        column, row = place % ACROSS, place // ACROSS
        left, top = column * right, row * down
        axes.imshow(
            picture,
            cmap="gray_r",
            interpolation="nearest",
            aspect="auto",
            vmin=float(data.pictures.min()),
            vmax=max(float(data.pictures.max()), 1e-9),
            extent=(left, left + 1, top + height / width, top),
        )
        axes.text(left + 0.5, top + height / width + 0.04, words, ha="center", va="top", fontsize=6.5, linespacing=0.95)
    rows = -(-len(data.words) // ACROSS)
    axes.set_xlim(-GAP, ACROSS * right)
    axes.set_ylim(rows * down, -GAP)
    axes.set_aspect("equal")


@style.styled
def step_batch_figure(opened: OpenedRun) -> Figure:
    """Above the shares in the whole network and in the layer, below the strongest samples of each step."""
    data = prepare(opened)
    figure = style.new_figure(6.3)
    above, below = figure.subfigures(2, 1, height_ratios=[1, 1.55], squeeze=False)[:, 0]
    network, layer = above.subplots(1, 2, sharey=True)
    draw_shares([(one.title, one.shares) for one in data], network)
    draw_shares([(one.title, one.layer_shares) for one in data], layer)
    network.set_title("whole network")
    layer.set_title(opened.layer)
    layer.set_ylabel("")
    network.legend(loc="upper right", fontsize=8)
    for one, axes in zip(data, below.subplots(1, len(data), squeeze=False)[0], strict=True):
        draw_strongest(one, axes)
    return figure


def captioned(opened: OpenedRun) -> Iterator[CaptionedFigure]:
    """The figure with its words."""
    data = prepare(opened)
    told = "; ".join(
        f"{one.title}: the largest share is {percent(float(one.shares[0]))}, the sixteen largest together "
        f"{percent(float(np.sum(one.shares[:STRONGEST])))}"
        for one in data
    )
    yield CaptionedFigure(
        "origin-1-batch",
        "The batch: which samples pulled",
        "Curves of the share that each sample of a batch has in the gradient, and pictures of the sixteen samples "
        f"with the largest share. {told}.",
        "The gradient of a step is the sum of what its samples ask for: look how high each curve starts and how far it "
        "falls below 0, since a few samples with large shares can make a step alone and those below 0 hold it back. "
        "The sixteen samples with the largest shares stand below, each with its label, the network's answer and its "
        "share: look whether the answers are nearly all the same.",
        step_batch_figure(opened),
    )
