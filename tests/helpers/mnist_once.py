"""The embedded MNIST in tests: unpacked once a process, and with the first 1,000 of its 10,000 test images.

Each command that loads MNIST would unpack it for a third of a second. Each epoch of a small training would validate on
10,000 images, which takes longer than the epoch. A test of the whole test set asks for the fixture
``whole_test_set``. Programs that are not forked from the tests, as ``python -m reports``, have all images anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from lenet.data import dataset, formatting
from lenet.data.idx import IdxFile, locate, read_idx

FOLDER = dataset.EMBEDDED
TEST_IMAGES = 1000


class SummedFile(IdxFile):
    """An IDX file whose checksum is computed once; it is that of the whole file."""

    __eq__, __hash__ = object.__eq__, object.__hash__
    md5 = cache(IdxFile.md5)


@cache
def _embedded(path: Path, magic: int) -> IdxFile:
    return SummedFile(**vars(read_idx(path, magic)))


@cache
def _fewer(path: Path, magic: int) -> IdxFile:
    whole = vars(_embedded(path, magic))
    return SummedFile(**{**whole, "values": whole["values"][:TEST_IMAGES]})


def _read_once(path: Path, magic: int) -> IdxFile:
    path = locate(path)
    return _embedded(path, magic) if path.parent == FOLDER else read_idx(path, magic)


def _read_fewer(path: Path, magic: int) -> IdxFile:
    is_test_set = path.parent == FOLDER and path.name.startswith("t10k")
    return _fewer(path, magic) if is_test_set else _read_once(path, magic)


def unpack() -> None:
    """Let the processes that are forked from this one find MNIST unpacked."""
    dataset.load_dataset(limit=1)


@pytest.fixture(scope="module")
def whole_test_set() -> Iterator[None]:
    """MNIST as users have it, with 10,000 test images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "read_idx", _read_once)
        yield


dataset.read_idx = _read_fewer  # type: ignore[assignment]
formatting.read_idx = _read_once  # type: ignore[assignment]
