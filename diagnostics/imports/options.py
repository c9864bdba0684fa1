"""What a user knows of a run and its file does not say."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from pathlib import Path
from tokenize import TokenError

import numpy as np

from diagnostics.errors import LogError
from diagnostics.imports.content import DAMAGE, content
from lenet.errors import DataError, reason_of
from lenet.regular_files import open_regular

LARGEST_CLASSES = 1_000_000
"""The most classes that a run is taken to have; each has a share in its log."""
COMMONEST = 1.25
"""Of classes whose shares are not known the commonest is taken to be so many times as large as their mean."""


@dataclass(frozen=True)
class ImportOptions:
    """What a user says of a run; None and {} leave it to the file.

    ``classes``: the number of classes, of about equal size; default None.
    ``prior``: (classes,), the share of each class; default None.
    ``columns``: metrics by what they are, such as ``{"loss": "my_cost"}``, and "step" and "epoch"; default {}.
    ``batch_size``: samples a step; default None.
    ``steps_per_epoch``: steps an epoch; default None.

    Raises LogError where a number cannot be.
    """

    classes: int | None = None
    prior: Sequence[float] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    batch_size: int | None = None
    steps_per_epoch: int | None = None

    def __post_init__(self) -> None:
        for name in ("classes", "batch_size", "steps_per_epoch"):
            number, least = getattr(self, name), 2 if name == "classes" else 1
            if number is not None and not isinstance(number, Integral):
                raise LogError(f"{name}: received {number!r}, expected a whole number")
            if number is not None and number < least:
                raise LogError(f"{name}: received {number}, expected at least {least}")
        if self.classes is not None and self.classes > LARGEST_CLASSES:
            raise LogError(f"classes: received {self.classes}, expected at most {LARGEST_CLASSES:,}")
        if self.prior is not None:
            shares = list(self.prior) if isinstance(self.prior, Iterable) else [self.prior]
            are_numbers = all(isinstance(share, Real) for share in shares)
            if not are_numbers or not all(0 <= share <= 1 for share in shares) or abs(sum(shares) - 1) > 1e-3:
                raise LogError(f"prior: received {shares}, expected the shares of the classes, which add up to 1")

    @property
    def shares(self) -> tuple[float, ...]:
        """(classes,), the share of each class as far as the user says it; () where he does not."""
        if self.prior is not None:
            return tuple(self.prior)
        return even_prior(self.classes) if self.classes else ()

    def without_columns(self, names: Collection[str]) -> ImportOptions:
        """The same without the columns that are known as these."""
        return replace(self, columns={name: one for name, one in self.columns.items() if name not in names})


def even_prior(classes: int) -> tuple[float, ...]:
    """Shares of classes of about equal size: the commonest is taken to be a quarter larger than their mean."""
    first = min(COMMONEST / classes, 0.5 + 0.1 / classes)
    return (first, *((1 - first) / (classes - 1),) * (classes - 1))


def prior_of_labels(path: Path) -> tuple[float, ...]:
    """The share of each class in a file of labels: IDX, gzip too, NumPy's npy, or text with a whole number a line.

    Raises LogError where it cannot be read.
    """
    try:
        labels = _labels(path)
    except (*DAMAGE, DataError, SyntaxError, TokenError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else " ".join(str(error).split())[:200]
        raise LogError(f"{path}: cannot be read as labels: {reason.removeprefix(f'{path}: ')}") from None
    if labels.ndim == 2 and labels.shape[1] > 1:
        labels = labels.argmax(axis=1)
    whole = labels.ravel()
    if not len(whole) or not np.isfinite(whole).all() or (whole != np.floor(whole)).any():
        raise LogError(f"{path}: found labels that are no whole numbers, expected one class a sample")
    _, counts = np.unique(whole, return_counts=True)
    if len(counts) < 2:
        raise LogError(f"{path}: found one class in all its {len(whole):,} labels, expected those of the training set")
    return tuple((counts / math.fsum(counts)).tolist())


def _labels(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The numbers in the file. Raises what parsers raise for damaged files."""
    from lenet import load_mnist_labels

    if path.suffix == ".npy":
        with os.fdopen(open_regular(path), "rb"):  # no folder and no device
            found = np.lib.format.open_memmap(path, mode="r")  # what its header claims is not allocated
        if found.dtype.kind not in "biufU":
            raise ValueError(f"found {found.dtype}, expected whole numbers")
        return np.asarray(found, np.float64)
    if content(path)[:2] == b"\0\0":
        return np.asarray(load_mnist_labels(path), np.float64)
    return np.array(content(path).decode("utf-8").replace(",", " ").split(), np.float64)
