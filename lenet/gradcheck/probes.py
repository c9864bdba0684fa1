"""Asks a layer questions that have one answer if it is right, and another for each mistake.

These work where several mistakes come together: which channels does a gradient
reach; does one lit pixel meet the kernel's element that it should; does the
gradient change when samples are added that have none. Truth is always what the
*output* does. A layer that is not linear enough for a question gets no answer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lenet.gradcheck.case import TURNS, Case, Turn, number, spans
from lenet.gradcheck.differences import Array
from lenet.gradcheck.layout import Layout

MOST_CHANNELS = 64
# Gradients that a layer keeps in float32 are no more exact than this.
EXACT = 1e-6
Tap = tuple[int, int]


def probe(case: Case, name: str) -> list[str]:
    """All that can be said about a gradient in which several things are wrong."""
    tails: list[str] = []
    for question in (_repeated, _reach, _substituted, _orientation, _batch):
        try:
            tail = question(case, name)
        except Exception:  # a foreign layer may fail on a probe in any way; then nothing is known
            continue
        if tail and tail not in tails:
            tails.append(tail)
    return tails


def silent_channels(case: Case, generator: np.random.Generator) -> tuple[int, list[int]]:
    """How many input channels there are (the last axis, or that of the kernels), and which have no effect."""
    subject, layout = case.subject, case.layout
    if layout is None and len(case.output) > 2 and case.output[-1] != case.inputs.shape[-1]:
        return 0, []  # it is not known which axis the channels are on
    # Weights that happen to be zero are no fault of the layer: new ones are drawn.
    drawn = {name: generator.standard_normal(p.shape) for name, p in subject.parameters.items()}
    base = subject.run(case.inputs, drawn)
    view = case.inputs if layout is None else layout.images(case.inputs)
    channels = view.shape[-1]
    silent = []
    # A unit that is off for a small input, or hidden behind a larger one, may answer to a large one.
    reach = 1e3 * max(1.0, float(np.abs(case.inputs).max()))
    for channel in _some(channels, generator):
        for size in (1.0, -1.0, 10.0, -10.0, reach, -reach):
            inputs = case.inputs.copy()
            images = inputs if layout is None else layout.images(inputs)
            images[..., channel] = size * (1 + np.abs(generator.standard_normal(images.shape[:-1])))
            if not np.array_equal(subject.run(inputs, drawn), base):
                break
        else:
            silent.append(channel)
    return channels, silent


def batch_power(case: Case, name: str) -> int:
    """-1 where the gradient is divided by the batch size, 1 where multiplied, 0 where neither.

    Samples are added whose output gradient is zero. They have no part in the
    right gradient, so only a factor of the batch size can change it.
    """
    inputs = np.concatenate([case.inputs, case.inputs])
    dvalues = np.concatenate([case.dvalues, np.zeros_like(case.dvalues)])
    try:
        doubled = case.subject.gradients(inputs, dvalues).own[name]
    except Exception:  # a layer may insist on its batch size
        return 0
    own = case.own[name]
    doubled = doubled[: len(own)] if name == "dinputs" else doubled.reshape(own.shape)
    for power in (-1, 1):
        if _close(doubled, own * 2.0**power):
            return power
    return 0


def scaled(case: Case, name: str, scale: float) -> str:
    """'times 1/4', and that it is the batch size where it is."""
    reason = {-1: "the batch size is divided out once too often", 1: "the batch size is multiplied in"}
    why = reason.get(batch_power(case, name), "its sign is wrong" if abs(scale + 1) < case.tolerance else "")
    return f"times {number(scale)}" + (f" ({why})" if why else "")


def _repeated(case: Case, name: str) -> str | None:
    """One number given to all elements of a kernel, or to all biases."""
    layout, own, numeric = case.layout, case.own[name], case.numeric[name]
    if name == "dinputs" or layout is None:
        return None
    view = layout.view(name, own)
    axes, what = ((0, 1), "all elements of a kernel") if view.ndim == 4 else ((view.ndim - 1,), "all of them")
    if name == "dweights" and view.ndim == 2:
        axes, what = (0, 1), "all weights"
    if not _close(view, np.broadcast_to(view.mean(axis=axes, keepdims=True), view.shape)):
        return None
    wanted = np.full(own.shape, np.nan)
    wanted.flat[numeric.entries] = numeric.values
    wanted = layout.view(name, wanted)
    known = ~np.isnan(wanted)
    high, low = np.where(known, wanted, -np.inf).max(axis=axes), np.where(known, wanted, np.inf).min(axis=axes)
    several = known.sum(axis=axes) > 1
    spread = np.max((high - low)[several], initial=0.0)
    return f"one value repeated over {what}" if spread > case.tolerance * np.abs(numeric.values).max() else None


def _reach(case: Case, name: str) -> str | None:
    """Which channels a gradient that comes in at one output channel reaches."""
    layout, subject = case.layout, case.subject
    if layout is None:
        return None
    generator = np.random.default_rng(0)
    tensor = case.inputs if name == "dinputs" else subject.parameters[name[1:]]
    parts = layout.view(name, tensor).shape[-1]
    output_channels = case.output[layout.image_axes[-1]]
    base = layout.images(subject.run(case.inputs))
    moves = np.zeros((output_channels, parts), bool)
    for part in range(parts):
        changed = tensor.copy()
        layout.view(name, changed)[..., part] += generator.standard_normal(tensor.size // parts).reshape(
            layout.view(name, changed).shape[:-1]
        )
        if name == "dinputs":
            output = subject.run(changed)
        else:
            output = subject.run(case.inputs, {**subject.parameters, name[1:]: changed})
        moves[:, part] = (layout.images(output) != base).reshape(-1, output_channels).any(axis=0)
    for channel in _some(output_channels, generator):
        dvalues = np.zeros_like(case.dvalues)
        layout.images(dvalues)[..., channel] = layout.images(case.dvalues)[..., channel]
        gradient = layout.view(name, subject.gradients(case.inputs, dvalues).own[name].reshape(tensor.shape))
        sizes = np.abs(gradient).reshape(-1, parts).max(axis=0)
        reached, expected = sizes > EXACT * max(sizes.max(), 1e-300), moves[channel]
        if (reached != expected).any():
            break
    else:
        return None
    what, nothing = {
        "dinputs": ("input channels ", "no input channel"),
        "dweights": ("the kernels of output channels ", "no kernel"),
        "dbiases": ("biases ", "no bias"),
    }[name]
    where = what + _marked(reached) if reached.any() else nothing
    return (
        f"channels paired wrongly: the gradient of output channel {channel} reaches {where} "
        f"(expected: {_marked(expected)})"
    )


def _substituted(case: Case, name: str) -> str | None:
    """The input gradient of other weights: those that give the right one tell what was done to them."""
    layout, weights = case.layout, case.subject.parameters.get("weights")
    if name != "dinputs" or layout is None or weights is None:
        return None
    kernel = layout.kernels(weights)
    turns: list[tuple[str, Turn]] = []
    if kernel.ndim == 4:
        square = kernel.shape[0] == kernel.shape[1]
        turns = [(f"uses the kernel {t.label}", t.inverse) for t in TURNS if square or not t.square]
    if kernel.shape[-1] == kernel.shape[-2]:
        label = "channels paired wrongly: input and output channels of the kernel are exchanged"
        turns += [
            (label if kernel.ndim == 4 else "uses the weights transposed", lambda k: k.swapaxes(-1, -2)),
            *((f"{label}; {other}", lambda k, t=turn: t(k).swapaxes(-1, -2)) for other, turn in turns),
        ]
    for label, undo in turns:
        other = np.empty_like(weights)
        layout.kernels(other)[...] = undo(kernel)
        own = case.subject.gradients(case.inputs, case.dvalues, {**case.subject.parameters, "weights": other}).own
        scale = case.scale(name, own[name])
        if scale is not None:
            return label if abs(scale - 1) < case.tolerance else f"{label}, and {scaled(case, name, scale)}"
    return None


def _orientation(case: Case, name: str) -> str | None:
    """Light one output pixel and one kernel element, and see whether the gradient lands where it should."""
    layout = case.layout
    if layout is None or name == "dbiases" or len(case.output) != 4:
        return None
    kh, kw = layout.kernels(case.subject.parameters["weights"]).shape[:2]
    corners = sorted({(i, j) for i in (0, kh - 1) for j in (0, kw - 1)})
    if len(corners) < 2:
        return None
    pixels = {tap: _pixel_seen(case, layout, tap) for tap in corners}
    landed: dict[Tap, Tap] = {}
    for tap in corners:
        where = _landing(case, layout, name, tap, pixels[tap])
        if name == "dinputs":
            where = next((other for other in corners if pixels[other] == where), None)
        if where is None:
            return None
        landed[tap] = where
    if all(tap == where for tap, where in landed.items()):
        return None
    grid = np.moveaxis(np.indices((kh, kw)), 0, -1).astype(np.float64)
    what = "uses the kernel" if name == "dinputs" else "its kernels are"
    for turn in TURNS:
        if turn.square and kh != kw:
            continue
        origin = turn.turn(grid)  # the element that the turn brings to each place
        if all(tuple(origin[where]) == tap for tap, where in landed.items()):
            return f"{what} {turn.label}"
    return None


def _pixel_seen(case: Case, layout: Layout, tap: Tap) -> Tap:
    """The input pixel that the middle output pixel sees through one kernel element, from the output alone."""
    parameters = _single_tap(case, layout, tap)
    values = []
    for code in (0, 1, 2):  # all pixels one; each its row and one; each its column and one
        inputs = np.ones_like(case.inputs)
        images = layout.images(inputs)
        if code:
            images += np.indices(images.shape)[code]
        values.append(layout.images(case.subject.run(inputs, parameters))[(0, *_middle(case, layout), 0)])
    row, column = values[1] / values[0] - 1, values[2] / values[0] - 1
    if abs(row - round(row)) + abs(column - round(column)) > 1e-3:
        raise ValueError("the output is not linear in the inputs")
    return round(row), round(column)


def _landing(case: Case, layout: Layout, name: str, tap: Tap, pixel: Tap) -> Tap | None:
    """Where the gradient of the middle output pixel lands: the one pixel, or the one kernel element."""
    dvalues = np.zeros_like(case.dvalues)
    layout.images(dvalues)[(slice(None), *_middle(case, layout))] = 1
    inputs = case.inputs
    parameters = _single_tap(case, layout, tap)
    if name == "dweights":
        inputs = np.zeros_like(case.inputs)
        layout.images(inputs)[(slice(None), *pixel)] = 1
    gradient = layout.view(name, case.subject.gradients(inputs, dvalues, parameters).own[name])
    size = np.abs(gradient[0]).max(axis=-1) if name == "dinputs" else np.abs(gradient).max(axis=(2, 3))
    places = np.argwhere(size > EXACT * size.max())
    return (int(places[0][0]), int(places[0][1])) if len(places) == 1 else None


def _single_tap(case: Case, layout: Layout, tap: Tap) -> Mapping[str, Array]:
    """Kernels that are one at one element and zero elsewhere; no biases."""
    parameters = {name: np.zeros_like(p) for name, p in case.subject.parameters.items()}
    layout.kernels(parameters["weights"])[tap] = 1
    return parameters


def _middle(case: Case, layout: Layout) -> Tap:
    height, width = (case.output[axis] for axis in layout.image_axes[1:3])
    return height // 2, width // 2


def _batch(case: Case, name: str) -> str | None:
    """A factor of the batch size, whatever else is wrong."""
    power = batch_power(case, name)
    size = f"batch size ({case.batch})"
    return {-1: f"the {size} is divided out once too often", 1: f"the {size} is multiplied in"}.get(power)


def _marked(channels: NDArray[np.bool_]) -> str:
    return spans(np.flatnonzero(channels).tolist()) or "none"


def _close(first: Array, second: Array) -> bool:
    return bool(np.linalg.norm(first - second) <= EXACT * np.linalg.norm(second))


def _some(channels: int, generator: np.random.Generator) -> list[int]:
    """All channels, or 64 drawn ones."""
    if channels <= MOST_CHANNELS:
        return list(range(channels))
    drawn: list[int] = np.sort(generator.choice(channels, MOST_CHANNELS, replace=False)).tolist()
    return drawn
