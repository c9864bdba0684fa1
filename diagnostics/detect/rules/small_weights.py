"""Small weights: the outputs of a hidden layer hardly depend on the input, since the initial weights are too small.

What it looks at: the standard deviation of each hidden layer's outputs beside that of the input. It fires where that
of a layer is below the limit in the first row, and small to the end of the window, while the loss is that of guessing.
It does not fire where the input is not scaled, as with token ids, and where outputs are exactly 0.

What it means: each layer shrinks the signal, and each shrinks the gradient on its way back. A larger learning rate
moves the last biases long before it moves the weights. Weights that are drawn by the number of inputs keep the signal.
The hidden layers of LeNets whose weights are drawn as usual have 0.005 of it or more.

Source: Glorot, Bengio: Understanding the difficulty of training deep feedforward neural networks, 2010,
https://proceedings.mlr.press/v9/glorot10a.html.
"""

from __future__ import annotations

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Finding
from diagnostics.detect.link import Origin
from diagnostics.detect.rule import Case, Rule, threshold
from diagnostics.detect.series import lasting_from
from diagnostics.detect.thresholds import Thresholds
from diagnostics.detect.window import Window
from diagnostics.schema.columns import INPUT
from diagnostics.schema.number_range import two_digits

STILL_SMALL = 0.1  # of the input's standard deviation
LARGEST_INPUT = 5.0  # standard deviation; the rule about the scale of the input finds larger ones


class SmallWeights(Rule):
    """Outputs that hardly depend on the input since before the first update."""

    name = "small-weights"
    title = "the initial weights are so small that hardly any signal comes through"
    rank = 1
    origin = Origin.SETTINGS
    blocks_learning = 2
    is_lasting = is_about_the_start = True
    needs_guessing = True
    explains = ("vanishing-gradient", "telling-loss", "tiny-steps")
    thresholds = (
        threshold("spread", 1e-3, "of the input's", "deviation of a layer's outputs, first row", "choice", 0, 1),
        threshold("rows", 20, "rows", "from the first to the last, of at least so many", "choice", 1, 1000),
    )
    remedies = ("lecun-init", "glorot-init", "look-at-initial-weights")

    def check(self, window: Window) -> list[Finding]:
        limit, rows = self.threshold(window, "spread"), int(self.threshold(window, "rows"))
        self.require_rows(window, rows)
        given = window.activation(INPUT, "std")
        if window.steps[0] != 0 or not 0 < given[0] <= LARGEST_INPUT:
            return []
        for layer in window.hidden:
            spread = window.activation(layer, "std")
            share = float(spread[0] / given[0])
            is_small = (spread > 0) & (spread < STILL_SMALL * given)
            if share < limit and lasting_from(is_small & window.is_guessing, rows) == 0:
                message = f"the outputs of {layer} vary {two_digits(1 / share)} times less than the input"
                below = "its weights" if layer == window.layers[0] else "its weights and those below it"
                plain = f"Since before the first update {message}: {below} are too small."
                return [self.finding(window, layer, 0, len(window) - 1, share, limit, message, plain=plain)]
        return []

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        guessing, fading = {"data_loss": 2.3}, {"dense1/std": 1e-5, "dense2/std": 1e-7}
        return (
            Case("outputs as varied as the input", example(thresholds, guessing)),
            Case("a layer with 1e-5 while guessing", example(thresholds, {**guessing, **fading}), ("dense1",)),
            Case("the same in a run that learns", example(thresholds, fading)),
            Case("units that are silent", example(thresholds, {**guessing, "dense1/std": 0.0})),
            Case("token ids", example(thresholds, {**guessing, **fading, "input/std": 2900.0})),
        )
