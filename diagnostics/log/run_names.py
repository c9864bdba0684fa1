"""RunNames: what runs are called that are looked at together, so that no two of them have one name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count, takewhile
from pathlib import Path

from diagnostics.files import readable_name

LOGS = (".h5", ".hdf5")
"""The endings of logs of lenet-diag. A name before one of them may have dots."""


class RunNames:
    """Names for the runs in some files.

    paths: the files and the folders of runs that are looked at together.

    A run is called after its file, up to the first dot. Files that share this have the folders before it in which they
    differ, as ``version_0-metrics``, or their whole names, as ``x.csv``, or both.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._given: set[str] = set()
        self._of_file: dict[Path, str] = {}
        alike: dict[str, list[Path]] = {}
        for path in dict.fromkeys(paths):
            alike.setdefault(_stem(path), []).append(path)
        for twins in alike.values():
            self._of_file |= dict(zip(twins, _told_apart(twins), strict=True))

    def of_file(self, path: Path) -> str:
        """The name of a file or of the folder of a run."""
        return self._of_file[path]

    def unused(self, name: str) -> str:
        """The name, if no run has got it yet, else with the first number from 2 on that makes it a new one."""
        free = next(one for n in count(1) if (one := name if n == 1 else f"{name}-{n}") not in self._given)
        self._given.add(free)
        return free


def _told_apart(twins: list[Path]) -> list[str]:
    """A name for each of the files whose stems are the same; the last way of making one is taken if none suffices."""
    folders = _folders(twins)
    ways: tuple[Callable[[Path], str], ...] = (
        _stem,
        lambda path: "-".join([*folders[path], _stem(path)]),
        _whole,
        lambda path: "-".join([*folders[path], _whole(path)]),
    )
    found: list[str] = []
    for way in ways:
        found = [way(path) for path in twins]
        if len(set(found)) == len(twins):
            break
    return found


def _folders(twins: list[Path]) -> dict[Path, tuple[str, ...]]:
    """The folders of each file, without those above and below that are the same for all of them."""
    parents = {path: path.absolute().parent.parts for path in twins}
    above = _alike(parents.values())
    below = _alike(parts[above:][::-1] for parts in parents.values())
    return {path: tuple(map(readable_name, parts[above : len(parts) - below])) for path, parts in parents.items()}


def _alike(many: Iterable[tuple[str, ...]]) -> int:
    """How many folders, from the first on, are the same in all."""
    return len(list(takewhile(lambda names: len(set(names)) == 1, zip(*many, strict=False))))


def _whole(path: Path) -> str:
    return readable_name(path.name.removesuffix(".h5"))


def _stem(path: Path) -> str:
    """The name up to its first dot; that of a folder, of a log, and one that begins with a dot, as they are."""
    is_cut = not (path.name.startswith(".") or path.name.endswith(LOGS) or path.is_dir())
    return readable_name(path.name.split(".")[0]) if is_cut else _whole(path)
