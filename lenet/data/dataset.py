"""Training set and test set as one object, from the embedded MNIST or a folder of IDX files."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lenet.data.formatting import binarise
from lenet.data.idx import IMAGES, LABELS, IdxFile, read_idx
from lenet.errors import DataError, SettingsError

EMBEDDED = Path(__file__).parent / "mnist"

# The four files, and the published MD5 of MNIST's when decompressed.
_ROLES = {
    "train-images-idx3-ubyte": (IMAGES, "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": (LABELS, "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": (IMAGES, "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": (LABELS, "27ae3e4e09519cfbb04c329615203637"),
}
_FILE_NAME = re.compile(
    r"(?P<set>emnist-[a-z]+-|)(?P<part>train|t10k|test)-(?P<kind>images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?"
)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels to train on.

    Args:
        X_train: training images, float32, (N, H, W, 1), every value 0 or 1.
        y_train: their classes, int64, (N,).
        X_test: test images, as the training images.
        y_test: their classes, int64, (N,).
        name: the name of the set.
        checksum: SHA-256 over the four decompressed files, 64 hex digits; a limit does not change it.
    """

    X_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    X_test: NDArray[np.float32]
    y_test: NDArray[np.int64]
    name: str
    checksum: str

    @property
    def classes(self) -> int:
        """The number of outputs that a network needs: the largest label plus one."""
        return int(max(self.y_train.max(), self.y_test.max())) + 1


def load_dataset(folder: Path | str | None = None, limit: int | None = None, classes: int | None = 10) -> Dataset:
    """Load the embedded MNIST, or the four IDX files of a folder.

    Args:
        folder: None for the embedded MNIST, which is checked against the published
            checksums; else a folder with files named as MNIST's, plain or gzipped
            (``train-images-idx3-ubyte``, ``train-images.idx3-ubyte``, ``t10k-...`` or
            ``test-...``) or as EMNIST's (``emnist-digits-train-images-idx3-ubyte``).
            EMNIST stores its images with rows and columns exchanged; files with an
            ``emnist-`` name are turned upright, so that they look like MNIST's.
        limit: take only the first so many training images; the test set stays whole.
        classes: outputs of the network; every label has to be below. None: any label.

    Raises:
        DataError: a file is missing, damaged, or does not go with the others.
        SettingsError: a limit below 1.
    """
    if limit is not None and limit < 1:
        raise SettingsError(f"limit={limit}, expected at least 1 training image, or None for all")
    paths = _find(EMBEDDED if folder is None else Path(folder))
    emnist = next(iter(paths.values())).name.startswith("emnist-")
    with ThreadPoolExecutor(2) as pool:  # unpacking, checksums and NumPy release the interpreter lock
        reads = [pool.submit(read_idx, path, _ROLES[role][0]) for role, path in paths.items()]
        train_images, train_labels, test_images, test_labels = files = [read.result() for read in reads]
        _agree(train_images, train_labels, classes)
        _agree(test_images, test_labels, classes)
        _same_size(train_images, test_images)
        digests = [pool.submit(file.md5) for file in files]
        pixels = [train_images.values[:limit], test_images.values]
        X_train, X_test = (binarise(x.transpose(0, 2, 1) if emnist else x) for x in pixels)
        sums = [digest.result() for digest in digests]
    if folder is None:
        _check_published(files, sums)
    checksum = hashlib.sha256(" ".join(sums).encode()).hexdigest()
    y_train, y_test = train_labels.values[:limit].astype(np.int64), test_labels.values.astype(np.int64)
    return Dataset(X_train, y_train, X_test, y_test, _name(train_images.path), checksum)


def data_files(folder: Path | str) -> list[Path]:
    """The four files of a folder that :func:`load_dataset` reads. Raises DataError where they are not there."""
    return list(_find(Path(folder)).values())


def _name(path: Path) -> str:
    """The name of the set with these training images: EMNIST's name, or that of the folder."""
    match = re.match(r"emnist-[a-z]+", path.name)
    return match[0] if match else path.parent.resolve().name


def _find(folder: Path) -> dict[str, Path]:
    """The four files of a folder, by role."""
    try:
        if not folder.exists():
            folder = Path(str(folder).replace("\\", "/"))
        found = "not a folder" if folder.exists() else "no such folder"
        content = sorted(folder.iterdir(), reverse=True) if folder.is_dir() else None
    except (OSError, ValueError) as error:  # no permission, a name too long, or a zero byte in it
        found, content = f"cannot be read ({error})", None
    if content is None:
        raise DataError(f"{folder}: {found}, expected a folder with the four IDX files of MNIST")
    sets: dict[str, dict[str, Path]] = {}
    for path in content:  # in reverse order, so that a plain file replaces its .gz
        match = _FILE_NAME.fullmatch(path.name)
        if match:
            part = "train" if match["part"] == "train" else "t10k"
            role = f"{part}-{match['kind'].replace('.', '-')}-ubyte"
            sets.setdefault(match["set"], {})[role] = path
    if not sets:
        raise DataError(f"{folder}: no IDX files found, expected {', '.join(_ROLES)} (plain or .gz)")
    if "" not in sets and len(sets) > 1:
        names = ", ".join(sorted(prefix.rstrip("-") for prefix in sets))
        raise DataError(f"{folder}: several sets found ({names}), expected one set to a folder")
    prefix = "" if "" in sets else next(iter(sets))
    chosen = sets[prefix]
    for role in _ROLES:
        if role not in chosen:
            raise DataError(f"{folder}: {prefix}{role} is missing, expected it plain or as .gz")
    return {role: chosen[role] for role in _ROLES}


def _agree(images: IdxFile, labels: IdxFile, classes: int | None) -> None:
    """Raises DataError for images and labels that do not go together."""
    if len(images.values) != len(labels.values):
        raise DataError(
            f"{labels.path}: {len(labels.values)} labels found, "
            f"expected {len(images.values)}, one for each image of {images.path.name}"
        )
    largest = int(labels.values.max())
    if classes is not None and largest >= classes:
        raise DataError(
            f"{labels.path}: label {largest} found, expected 0 to {classes - 1}: the network has {classes} outputs"
        )


def _same_size(train: IdxFile, test: IdxFile) -> None:
    """Raises DataError for a test set whose images have another size than those of the training set."""
    found, expected = (" x ".join(map(str, file.values.shape[1:])) for file in (test, train))
    if found != expected:
        raise DataError(f"{test.path}: images of {found} found, expected {expected} as in the training set")


def _check_published(files: list[IdxFile], sums: list[str]) -> None:
    """Raises DataError for embedded files that do not have the checksums published for MNIST."""
    for file, found, (_, published) in zip(files, sums, _ROLES.values(), strict=True):
        if found != published:
            raise DataError(
                f"{file.path}: MD5 {found} found, expected {published}: "
                "the embedded MNIST is damaged, install the package again"
            )
