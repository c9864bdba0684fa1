"""Checks of the arguments of frames, bands and statistics: what was received, and what there is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

from diagnostics.errors import UnknownNameError

T = TypeVar("T")
MOST_SHOWN = 60
"""Characters of a received value that a message repeats."""


def expect_name(argument: str, received: object, known: Iterable[str]) -> None:
    """Raises UnknownNameError, with the names that there are, unless ``received`` is one of ``known``."""
    known = tuple(dict.fromkeys(known))
    if not isinstance(received, str) or received not in known:
        there = f"one of {', '.join(known)}" if known else "none, since there is none"
        raise UnknownNameError(f"{argument}: received {_shown(received)}, expected {there}")


def expect_names(argument: str, received: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The names as a tuple. Raises TypeError for a single text, and UnknownNameError for a name not in ``known``."""
    known = tuple(known)
    names: tuple[str, ...] = expect_several(argument, received, "names")
    for name in names:
        expect_name(argument, name, known)
    return names


def expect_several(argument: str, received: Iterable[T], what: str, kind: type | None = None) -> tuple[T, ...]:
    """The items as a tuple.

    argument: the name of the argument.
    received: what was handed over.
    what: what the items are, in the plural.
    kind: the class of each item; None (default) for any.

    Raises TypeError for a single text or path, for what is no collection, and for an item of another class.
    """
    if isinstance(received, str | bytes | os.PathLike) or not isinstance(received, Iterable):
        raise TypeError(
            f"{argument}: received {_shown(received)}, expected a list of {what}, such as [{_one(received)}]"
        )
    items = tuple(received)
    for item in items:
        if kind is not None and not isinstance(item, kind):
            raise TypeError(f"{argument}: received a list with {_shown(item)}, expected a list of {what}")
    return items


def expect_kind(argument: str, received: object, kind: type, what: str) -> None:
    """Raises TypeError unless ``received`` is of a class; ``what`` says in words what that is."""
    if not isinstance(received, kind):
        raise TypeError(f"{argument}: received {_shown(received)}, expected {what}")


def expect_range(argument: str, received: Sequence[int]) -> tuple[int, int]:
    """The first and the last step. Raises ValueError unless these are two whole numbers in ascending order."""
    pair = tuple(received) if isinstance(received, Iterable) else ()
    if len(pair) != 2 or not all(isinstance(step, int) for step in pair) or pair[0] > pair[1]:
        raise ValueError(f"{argument}: received {_shown(received)}, expected the first and the last step, (-200, 200)")
    return pair[0], pair[1]


def _one(received: object) -> str:
    """How a single item is written into a list."""
    return _shown(received) if isinstance(received, str) else "..."


def _shown(received: object) -> str:
    """What was received, in one line."""
    line = " ".join(repr(received).split())
    return line if len(line) <= MOST_SHOWN else line[: MOST_SHOWN - 3] + "..."
