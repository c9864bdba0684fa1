"""`lenet-diag gradcheck`: compare the layers' gradients with finite differences."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from reports.commands.exit_codes import DEFECTS, one_line_errors
from reports.commands.options import model_options
from reports.commands.values import FROM_0, FROM_1, WholeNumber
from reports.terminal.output import say

if TYPE_CHECKING:
    from lenet.gradcheck import GradientCheck

COLUMNS = "{:<10} {:<9} {:>14}  {:<9}  {}"


@click.command(name="gradcheck")
@model_options
@click.option(
    "--seed", type=FROM_0, default=0, show_default=True, help="Decides initial weights, and which entries are compared."
)
@click.option(
    "--samples", type=WholeNumber(1, 64), default=4, show_default=True, help="Training images in the batch, 1 to 64."
)
@click.option(
    "--entries", type=FROM_1, default=64, show_default=True, help="Entries of each tensor to compare at most."
)
@click.option("--data", type=click.Path(), default=None, help="Folder with the four IDX files (MNIST is built in).")
@click.option("--fail-on-mistake", is_flag=True, help="Exit with code 1 where a gradient is wrong.")
def command(seed: int, samples: int, entries: int, data: str | None, fail_on_mistake: bool, **options: Any) -> None:
    """Compare the gradients of every layer with finite differences, in float64 and on real digits.

    For each gradient it prints how far the two are apart, and for a wrong one what kind of mistake
    it is. From Python, lenet.gradcheck.check(layer, inputs) checks a layer of your own, and
    check_network(loss, parameters, gradients) a whole network; see docs/own-network.md.
    """
    with one_line_errors():
        from lenet.data import load_dataset
        from lenet.gradcheck import check_model
        from lenet.settings import Settings

        settings = Settings(**options, seed=seed, data=data)
        digits = load_dataset(data, limit=samples)
        image = (digits.X_train.shape[1], digits.X_train.shape[2], digits.X_train.shape[3])
        model = settings.build_model(samples=samples, image=image)
        results = check_model(model, digits.X_train, digits.y_train, seed=seed, entries=entries)
        kinds = {layer.name: type(layer).__name__ for layer in model.layers}
    for line in text(results, kinds):
        say(line)
    if fail_on_mistake and not all(result.ok for result in results.values()):
        sys.exit(DEFECTS)


def text(results: Mapping[str, GradientCheck], kinds: Mapping[str, str]) -> Iterator[str]:
    """The table, then the mistakes of each layer in words, then the answer."""
    yield COLUMNS.format("layer", "gradient", "relative error", "verdict", "compared")
    for name, result in results.items():
        for tensor, check in result.tensors.items():
            compared = f"{check.checked} of {check.size} entries"
            if check.skipped:
                compared += f"; {check.skipped} left out, which have no derivative here"
            if result.stepped_aside:
                compared += "; inputs moved slightly, to where there are derivatives"
            verdict = "undecided" if tensor in result.undecided else "right" if check.ok else "WRONG"
            yield COLUMNS.format(name, tensor, f"{check.error:.1e}", verdict, compared).rstrip()
    tolerance = max((check.tolerance for result in results.values() for check in result.tensors.values()), default=0.0)
    yield ""
    yield (
        "The relative error is |gradient - finite differences| divided by the larger of |gradient| and "
        f"|finite differences|. Up to {tolerance:.0e} it comes from rounding, and the gradient is right."
    )
    open_ones = {name: result for name, result in results.items() if not result.ok}
    for name, result in open_ones.items():
        yield ""
        yield f"{name} ({kinds.get(name, 'the loss')}):"
        yield from (f"  - {sentence}" for sentence in _sentences(result))
    yield ""
    if not open_ones:
        yield f"All gradients are right: {len(kinds)} layers and the loss."
        return
    of_all = f"{len(results) - len(open_ones)} of {len(results)} parts are right."
    wrong = any(result.wrong for result in open_ones.values())
    yield f"{'Mistakes' if wrong else 'Not decided'} in {', '.join(open_ones)}; the other {of_all}"
    if "ReportConvolutionLayer" in {kinds.get(name) for name in open_ones}:
        yield (
            "ReportConvolutionLayer keeps the arithmetic of the paper's author on purpose; "
            "`--convolution exact` is the layer without these mistakes."
        )


def _sentences(result: GradientCheck) -> list[str]:
    """What is wrong, and what is undecided, in words."""
    named = " ".join(result.mistakes)
    unnamed = [
        name
        for name, check in result.tensors.items()
        if not check.ok and name not in result.undecided and name not in named
    ]
    return [
        *result.mistakes,
        *(f"{name}: wrong, in no way that the check can name" for name in unnamed),
        *(f"{name}: {reason}" for name, reason in result.undecided.items()),
    ]
