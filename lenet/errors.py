"""Errors people can cause, each one line that names what was received and what was expected.

LenetError
├── DataError       a data file is missing, damaged or of the wrong form
├── ShapeError      arrays or layers that do not fit together
└── SettingsError   an argument out of its range, or a step that was left out
"""

from __future__ import annotations

import os


class LenetError(Exception):
    """Base of all errors of the trainer."""


class DataError(LenetError, ValueError):
    """A data file that cannot be used: the message names file, found and expected."""


class ShapeError(LenetError, ValueError):
    """Shapes that do not fit: the message names layer, received and expected."""


class SettingsError(LenetError, ValueError):
    """An argument that cannot be: the message names it, its value and what is allowed."""


def reason_of(error: BaseException) -> str:
    """The reason of an error in one line: what the system said, or the class and the first line of its message."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
