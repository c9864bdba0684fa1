"""Finds in the numbers of a log what it does not name: per cent, the batch size, and the number of classes."""

from __future__ import annotations

import math

import numpy as np

from diagnostics.imports.metrics import Numbers

TOO_MANY_RIGHT = 30
"""So many times as right as guessing is no classifier whose loss is that of guessing."""
LARGEST_BATCH = 4096
MOST_CLASSES = 20
FEW_DIGITS, SHARE = 3, 20
"""Accuracies of at most so many digits may be rounded. By those of d digits a batch of up to 10^d / SHARE is told."""
LEAST_ROWS = 5
FROZEN, NEAR = 0.03, 0.02


def are_per_cent(accuracies: Numbers, name: str = "", losses: Numbers | None = None) -> bool:
    """Whether accuracies (n,) are per cent, since one is well above 1.

    name: what the file calls them. PyTorch's example for ImageNet calls those in per cent Acc@1, and those of a run
    that guesses are all below 1 there. They are told by the losses (m,): e to their mean is about the number of
    classes.
    """
    known = accuracies[np.isfinite(accuracies)]
    if (known > 1.5).any() or "@" not in name or losses is None or not len(known) or not np.isfinite(losses).any():
        return bool((known > 1.5).any())
    return bool(known.mean() * math.exp(min(float(losses[np.isfinite(losses)].mean()), 50)) > TOO_MANY_RIGHT)


def batch_size_of(accuracies: Numbers) -> int | None:
    """The smallest batch of which nearly all accuracies are whole numbers of samples; None where none fits.

    accuracies: (n,), each the share of one batch. Where they have few digits, only a small batch is told, since
    accuracies that were rounded are whole numbers of many batches.
    """
    known = accuracies[np.isfinite(accuracies)]
    values = known[(known > 0) & (known < 1)]
    if len(np.unique(values)) < 4:
        return None
    few = [digits for digits in range(1, FEW_DIGITS + 1) if np.allclose(values, np.round(values, digits), atol=1e-7)]
    for size in range(2, (10 ** few[0] // SHARE if few else LARGEST_BATCH) + 1):
        right = values * size
        room = max(1e-4 * size, 1e-6)
        if room > 0.1:
            return None
        if (np.abs(right - np.round(right)) <= room).mean() >= 0.99:
            return size
    return None


def classes_of_frozen_loss(losses: Numbers, accuracies: Numbers) -> int | None:
    """The number of classes k where the loss stands still at ln k at the end, with an accuracy of about 1/k.

    losses, accuracies: (n,), in the order of their steps. None where the loss does not stand still, or at no ln k.
    """
    rows = max(LEAST_ROWS, len(losses) // 5)
    last, right = losses[-rows:], accuracies[-rows:]
    if len(last) < LEAST_ROWS or not np.isfinite(last).all() or not np.isfinite(right).all():
        return None
    with np.errstate(over="ignore"):
        mean = float(last.mean())
    if not 0 < mean < math.log(MOST_CLASSES + 0.5) or last.std() > FROZEN * mean:
        return None
    classes = round(math.exp(mean))
    if classes < 2 or abs(mean / math.log(classes) - 1) > NEAR:
        return None
    share = float(right.mean())
    return classes if 0.3 / classes <= share <= 1.7 / classes else None
