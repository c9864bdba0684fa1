"""Settings and paths as words of a command line, so that what commands and pages suggest can be run unchanged."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from lenet.setting_values import option_name
from lenet.settings import shown_setting


def flags(name: str, value: Any) -> list[str]:
    """One setting as words of a command line: ``["--lr", "0.1"]``, ``["--no-shuffle"]``; none for None."""
    option = option_name(name)
    if value is None:
        return []
    if isinstance(value, bool):
        return [option if value else option.replace("--", "--no-", 1)]
    if isinstance(value, float):
        short = f"{value:g}"
        return [option, short if float(short) == value else repr(value)]
    return [option, str(shown_setting(name, value))]


def path_word(path: Path | str) -> str:
    """A path as one word of a command line; "./" stands before a path that begins with "-"."""
    word = str(path)
    return shlex.quote(f"./{word}" if word.startswith("-") else word)
