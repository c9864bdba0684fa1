"""The options that say what the log of another tool does not: `import`, `diagnose`, `report` and `stats` have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reports.commands.values import FROM_1, LOG, WholeNumber

if TYPE_CHECKING:
    from diagnostics.imports.options import ImportOptions

F = TypeVar("F", bound=Callable[..., Any])
NOT_SAID = "Where a log does not say it: "
OF_OTHERS = "Of logs of other tools: "
OPTIONS = (
    click.option("--classes", metavar="K", type=WholeNumber(2), help=f"{NOT_SAID}the number of classes."),
    click.option("--prior", metavar="SHARES", help=f"{NOT_SAID}the share of each class, such as 0.9,0.1."),
    click.option("--labels", metavar="FILE", type=LOG, help=f"{NOT_SAID}the training labels, to count classes in."),
    click.option(
        "--columns", metavar="NAME=COLUMN", multiple=True, help=f"{OF_OTHERS}such as loss=my_cost or step=it."
    ),
    click.option("--batch-size", metavar="N", type=FROM_1, help=f"{OF_OTHERS}samples a step."),
    click.option("--steps-per-epoch", metavar="N", type=FROM_1, help=f"{OF_OTHERS}steps an epoch."),
)


def import_options(function: F) -> F:
    """Give a command these options, as keywords that :func:`chosen` takes."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def chosen(
    classes: int | None,
    prior: str | None,
    labels: Path | None,
    columns: tuple[str, ...],
    batch_size: int | None,
    steps_per_epoch: int | None,
) -> ImportOptions:
    """What the user said. Raises click's UsageError where it contradicts itself, and LogError for unreadable labels."""
    from diagnostics.imports.options import LARGEST_CLASSES, ImportOptions, prior_of_labels

    if classes is not None and classes > LARGEST_CLASSES:
        raise click.UsageError(f"--classes: received {classes}, expected at most {LARGEST_CLASSES:,}")
    if sum(one is not None for one in (classes, prior, labels)) > 1:
        raise click.UsageError("--classes, --prior and --labels say the same thing: give one of them")
    pairs = [pair.partition("=") for pair in columns]
    wrong = [name for name, equals, column in pairs if not (name and equals and column)]
    if wrong:
        raise click.UsageError(f"--columns: received {wrong[0]!r}, expected NAME=COLUMN, such as loss=my_cost")
    return ImportOptions(
        classes=classes,
        prior=prior_of_labels(labels) if labels else _shares(prior) if prior else None,
        columns={name: column for name, _, column in pairs},
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
    )


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(share) for share in text.split(","))
    except ValueError:
        shares = ()
    if len(shares) < 2 or not all(0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-3:
        raise click.UsageError(f"--prior: received {text!r}, expected shares that add up to 1, such as 0.9,0.1")
    return shares
