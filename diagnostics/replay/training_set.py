"""Finds the data that a run was trained on, and compares their checksum with the log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import ReplayError
from diagnostics.provenance import data_digest
from diagnostics.schema.run_info import RunInfo
from lenet.data import Dataset, load_dataset
from lenet.data.dataset import EMBEDDED
from lenet.errors import DataError

Data = tuple[NDArray[Any], NDArray[Any]]
GivenData = Data | Dataset | Path | str | None
DIGITS = 10  # digits of a checksum in a message


@dataclass(frozen=True)
class TrainingSet:
    """Samples and their classes.

    Args:
        X: the samples, (N, H, W, C) or (N, F).
        y: their classes, (N,), or one-hot (N, classes).
        name: their name in messages.
        validation: samples of the same data set that are not trained on, and their classes; None where none are known.
    """

    X: NDArray[Any]
    y: NDArray[Any]
    name: str
    validation: Data | None = None


def find_training_set(info: RunInfo, given: GivenData) -> TrainingSet:
    """The training set of a run.

    Args:
        info: what the log says of the run.
        given: inputs and labels, a data set, the folder of one, or None: the folder that the log names, or the
            embedded MNIST.

    Raises:
        ReplayError: there are no such data here, or they are others.
    """
    if given is None or isinstance(given, str | Path):
        return _from_files(info, given)
    name, checksum, validation = "the data handed over", None, None
    if isinstance(given, Dataset):
        name, checksum, validation = given.name, given.checksum, (given.X_test, given.y_test)
        limit = info.settings.get("limit")
        given = given.X_train[:limit], given.y_train[:limit]
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ReplayError(f"data: received {type(given).__name__}, expected (X, y), a data set or a folder")
    X, y = np.asarray(given[0]), np.asarray(given[1])
    if checksum is not None and "data_checksum" in info.environment:
        _compare(name, "checksum", checksum, info.environment["data_checksum"])
    return _checked(info, TrainingSet(X, y, name, validation))


def _from_files(info: RunInfo, folder: Path | str | None) -> TrainingSet:
    """From a folder with IDX files, or from the embedded MNIST."""
    settings, checksum = info.settings, info.environment.get("data_checksum")
    chosen = folder if folder is not None else settings.get("data")
    limit = settings.get("limit") if settings else info.samples
    try:
        found = load_dataset(chosen, limit)
    except DataError as error:
        cure = f"hand over {'other data' if folder is not None else 'the data'}: --data FOLDER, or data=(X, y)"
        raise ReplayError(f"the data of the run are not here ({error}); {cure}") from None
    name = str(chosen) if chosen is not None else f"the embedded {EMBEDDED.name.upper()}"
    if checksum is not None:
        _compare(name, "checksum", found.checksum, checksum)
    validation = found.X_test, found.y_test
    return _checked(info, TrainingSet(found.X_train, found.y_train, name, validation))


def _checked(info: RunInfo, found: TrainingSet) -> TrainingSet:
    """The set. Raises ReplayError unless its size and its digest are those of the log."""
    if len(found.X) != info.samples or len(found.y) != info.samples:
        raise ReplayError(
            f"{found.name}: found {len(found.X):,} samples and {len(found.y):,} labels, expected {info.samples:,} as "
            "in the log; the run was trained on other data"
        )
    digest = info.environment.get("data_digest")
    if digest is not None:
        labels = found.y.argmax(axis=1) if found.y.ndim == 2 else found.y
        _compare(found.name, "digest", data_digest(found.X, labels), digest)
    return found


def _compare(name: str, what: str, found: str, expected: str) -> None:
    if found != expected:
        raise ReplayError(
            f"{name}: other data than those of the run (their {what} is {found[:DIGITS]}, in the log it is "
            f"{expected[:DIGITS]}); hand over the right ones: --data FOLDER, or data=(X, y)"
        )
