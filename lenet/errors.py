"""The errors that a user can cause. Each message is one line that names what was received and what was expected.

LenetError
├── DataError       a data file is missing, damaged or of the wrong form
├── ShapeError      arrays or layers do not fit together
└── SettingsError   an argument is out of its range, or a call was left out
"""

from __future__ import annotations

import os


class LenetError(Exception):
    """Base of all errors of the trainer."""


class DataError(LenetError, ValueError):
    """A data file cannot be used; the message names the file, what was found and what was expected."""


class ShapeError(LenetError, ValueError):
    """Shapes do not fit; the message names the layer, the shape that was received and the one expected."""


class SettingsError(LenetError, ValueError):
    """An argument is out of its range; the message names it, its value and what is allowed."""


class NotRegularError(OSError):
    """Something other than a regular file stands where one is needed; ``strerror`` says what, in words."""


def reason_of(error: BaseException) -> str:
    """The reason of an error in one line: what the system said, or the class and the first line of its message."""
    if isinstance(error, NotRegularError):
        return str(error.strerror)
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
