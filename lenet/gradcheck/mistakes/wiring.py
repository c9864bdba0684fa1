"""Finds which input, weight and output a gradient connects, one weight at a time.

All weights of a dense or a convolution layer but one are set to zero. The output then
shows which pixel this weight reads. The gradient has to arrive at that pixel and at this
weight, and to come from the output channel of the weight. The place where it arrives
instead shows what was turned or exchanged, also where several mistakes come together. For
a layer whose output is not linear nothing is decided.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from lenet.gradcheck.differences import Array
from lenet.gradcheck.mistakes.axes import AxisOrder
from lenet.gradcheck.mistakes.evidence import EXACT, GradientEvidence
from lenet.gradcheck.wording import spans

Element = tuple[int, int]
Route = tuple[int, int, int]
Places = list[tuple[int, ...]]
# The place to which element (i, j) of a kernel of h x w elements goes; the first that fits gives the name.
TURNS: dict[str, Callable[[int, int, int, int], Element]] = {
    "rotated by 180 degrees": lambda i, j, h, w: (h - 1 - i, w - 1 - j),
    "transposed (rows and columns exchanged)": lambda i, j, h, w: (j, i),
    "mirrored top to bottom": lambda i, j, h, w: (h - 1 - i, j),
    "mirrored left to right": lambda i, j, h, w: (i, w - 1 - j),
    "transposed and rotated by 180 degrees": lambda i, j, h, w: (w - 1 - j, h - 1 - i),
    "rotated by 90 degrees": lambda i, j, h, w: (w - 1 - j, i),
    "rotated by 270 degrees": lambda i, j, h, w: (j, h - 1 - i),
}


def wiring_mistakes(evidence: GradientEvidence, name: str) -> list[str]:
    """Sentences about what is exchanged or turned in the gradient ``name``."""
    if evidence.axes is None or not (name == "dinputs" or evidence.is_of_kernel(name)):
        return []
    probe = OneWeight(evidence, evidence.axes, name)
    for element in probe.elements():
        landings = {route: places for route in probe.routes() if (places := probe.landings(element, *route))}
        if landings:
            found = _exchanged(probe, landings), _turned(probe, next(iter(landings)))
            return [sentence for sentence in found if sentence]
    return []


class OneWeight:
    """Follows a gradient through a layer in which one weight is 1 and all others are 0.

    A route is an input channel, an output channel, between which the weight lies,
    and the output channel at which the gradient comes in.
    """

    def __init__(self, evidence: GradientEvidence, axes: AxisOrder, name: str) -> None:
        self.evidence, self.axes, self.name = evidence, axes, name
        self.height, self.width, *self.channels = axes.kernels(evidence.layer.parameters[evidence.kernel]).shape
        rows, columns = axes.images(evidence.dvalues).shape[1:3]
        self.middle = (rows // 2, columns // 2)

    def elements(self) -> list[Element]:
        """The element of the kernel that sees the pixel itself where the padding is "same", and the corners."""
        corners = {(i, j) for i in (0, self.height - 1) for j in (0, self.width - 1)}
        return [((self.height - 1) // 2, (self.width - 1) // 2), *sorted(corners)]

    def routes(self) -> list[Route]:
        """A few channels of each kind. The gradient by the weights is the same for every weight that is 1."""
        few = {0, 1, *(count - 1 for count in self.channels)}
        sources, targets = ({channel for channel in few if channel < count} for count in self.channels)
        routes = product(sorted(sources), sorted(targets), sorted(targets))
        return [route for route in routes if self.name == "dinputs" or route[1] == route[2]]

    def pixel(self, element: Element, source: int, target: int) -> Element | None:
        """The pixel that the middle of the output sees through the weight; None where it sees nothing."""
        values = []
        for code in (0, 1, 2):  # all pixels are 1; each is its row and 1; each is its column and 1
            inputs = np.zeros_like(self.evidence.inputs)
            images = self.axes.images(inputs)
            images[..., source] = 1 + (np.indices(images.shape[:3])[code] if code else 0)
            output = self.evidence.layer.run(inputs, self._parameters(element, source, target))
            values.append(self.axes.images(output)[(0, *self.middle, target)])
        row, column = values[1] / values[0] - 1, values[2] / values[0] - 1
        is_whole = abs(row - np.round(row)) + abs(column - np.round(column)) < 1e-3  # NaN is not
        return (round(row), round(column)) if is_whole else None

    def landings(self, element: Element, source: int, target: int, lit: int) -> Places:
        """Where the gradient of the middle of one output channel lands.

        (0, row, column, channel) of the inputs, or (i, j, input channel, output channel) of the weights.
        """
        pixel = self.pixel(element, source, target)
        if pixel is None:
            return []
        inputs, dvalues = np.zeros_like(self.evidence.inputs), np.zeros_like(self.evidence.dvalues)
        self.axes.images(inputs)[(slice(None), *pixel, source)] = 1
        self.axes.images(dvalues)[(slice(None), *self.middle, lit)] = 1
        gradients = self.evidence.layer.gradients(inputs, dvalues, self._parameters(element, source, target))
        own = gradients.own[self.name]
        size = np.abs(self.axes.images(own)[:1] if self.name == "dinputs" else self.axes.kernels(own))
        # All inputs are 0 or 1, so far smaller numbers were left over by earlier calls.
        return [tuple(place) for place in np.argwhere(size > max(EXACT * size.max(), 1e-9)).tolist()]

    def landed_on(self, element: Element, route: Route) -> Element | None:
        """The element of the kernel where the gradient lands, or the corner whose pixel it lands on."""
        found = self.landings(element, *route)
        if len(found) != 1:
            return None
        if self.name != "dinputs":
            return found[0][0], found[0][1]
        pixel = found[0][1:3]
        return next((corner for corner in self.elements()[1:] if self.pixel(corner, *route[:2]) == pixel), None)

    def _parameters(self, element: Element, source: int, target: int) -> dict[str, Array]:
        empty = {name: np.zeros_like(value) for name, value in self.evidence.layer.parameters.items()}
        self.axes.kernels(empty[self.evidence.kernel])[(*element, source, target)] = 1
        return empty


def _exchanged(probe: OneWeight, landings: dict[Route, Places]) -> str | None:
    """Channels, or the inputs and neurons of a dense layer, that are paired wrongly."""
    by_inputs, dense = probe.name == "dinputs", probe.axes.is_dense
    kernels = "weights" if dense else "kernels"
    sentences = []
    for (source, target, lit), places in landings.items():
        sources = {place[3 if by_inputs else 2] for place in places}
        targets = {target} if by_inputs else {place[3] for place in places}
        other, ends = (target, {lit}) if by_inputs else (lit, targets)
        if source != other and (sources, ends) == ({other}, {source}):
            transposed = "uses the weights transposed" if by_inputs else "transposed"
            exchanged = "channels paired wrongly: input and output channels of the kernel are exchanged"
            return transposed if dense else exchanged
        if targets != {lit}:
            verb = "comes back through" if by_inputs else "reaches"
            plural = "s" if len(targets) > 1 else ""
            sentences.append(
                f"channels paired wrongly: the gradient of output channel {lit} {verb} the {kernels} of "
                f"output channel{plural} {spans(targets)} (expected: {lit})"
            )
        elif sources != {source}:
            sentences.append(
                f"channels paired wrongly: what belongs to input channel {source} is given to {spans(sources)}"
            )
    return sentences[0] if sentences else None


def _turned(probe: OneWeight, route: Route) -> str | None:
    """Kernels that are rotated, mirrored or transposed: where the gradient of each corner lands."""
    corners = probe.elements()[1:]
    landed = {corner: probe.landed_on(corner, route) for corner in corners}
    if len(corners) < 2 or None in landed.values() or all(corner == where for corner, where in landed.items()):
        return None
    what = "uses the kernel" if probe.name == "dinputs" else "its kernels are"
    for label, turn in TURNS.items():
        if all(turn(*corner, probe.height, probe.width) == where for corner, where in landed.items()):
            return f"{what} {label}"
    return None
