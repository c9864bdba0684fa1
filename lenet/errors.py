"""Errors people can cause, each one line that names what was received and what was expected.

LenetError
├── DataError       a data file is missing, damaged or of the wrong form
├── ShapeError      arrays or layers that do not fit together
└── SettingsError   an argument out of its range, or a step that was left out
"""

from __future__ import annotations


class LenetError(Exception):
    """Base of all errors of the trainer."""


class DataError(LenetError, ValueError):
    """A data file that cannot be used: the message names file, found and expected."""


class ShapeError(LenetError, ValueError):
    """Shapes that do not fit: the message names layer, received and expected."""


class SettingsError(LenetError, ValueError):
    """An argument that cannot be: the message names it, its value and what is allowed."""
