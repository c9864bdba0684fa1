"""What the arguments and options of several commands take: paths of each kind, whole numbers, and names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem


class PathWord(click.Path):
    """A path; the empty word, which a variable of the shell that is not set leaves behind, does not stand for "."."""

    ending = ""
    """How the name has to end; "" for any name."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        if value == "":
            self.fail("received '', expected a path", param, ctx)
        if not os.fsdecode(value).endswith(self.ending):
            self.fail(f"received {os.fsdecode(value)!r}, expected a name that ends in {self.ending}", param, ctx)
        return super().convert(value, param, ctx)


# Whether a log can be read is told by the command itself, with its own exit code.
LOG = PathWord(path_type=Path, readable=False)
PATH = PathWord(path_type=Path)
FOLDER = PathWord(path_type=Path, file_okay=False)


def file_ending_in(ending: str) -> PathWord:
    """A file to write whose name has to end so, which the name of no log does: a log is not to be replaced."""
    kind = PathWord(path_type=Path, dir_okay=False)
    kind.ending = ending
    return kind


class WholeNumber(click.ParamType):  # type: ignore[type-arg]  # no generic class before click 8.4
    """A whole number within limits, which its errors name.

    least: the smallest number that is allowed.
    most: the largest; None (default) for no limit.
    """

    name = "integer"

    def __init__(self, least: int, most: int | None = None) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        try:
            number = int(value)
        except ValueError:
            self.fail(f"received {value!r}, expected a whole number", param, ctx)
        if number < self._least:
            self.fail(f"received {number}, expected at least {self._least}", param, ctx)
        if self._most is not None and number > self._most:
            self.fail(f"received {number}, expected at most {self._most}", param, ctx)
        return number


FROM_0, FROM_1 = WholeNumber(0), WholeNumber(1)


class KnownName(click.ParamType):  # type: ignore[type-arg]
    """Any name; those that are known are offered by the completion of the shell.

    names: makes the list of known names, when it is asked for.
    """

    name = "text"

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The known names that begin as what was typed."""
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]
