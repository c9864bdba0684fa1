"""How a command turns errors of the library into one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reports.terminal.output import talk

if TYPE_CHECKING:
    from diagnostics.run.run import Run

DEFECTS, USAGE, UNREADABLE, FAILED, FAULT, INTERRUPTED, BROKEN_PIPE, TERMINATED = 1, 2, 3, 4, 70, 130, 141, 143


def fail(message: str, code: int) -> None:
    """Print one line on stderr and exit."""
    talk(f"error: {message}")
    sys.exit(code)


def tell_damage(path: Path, run: Run) -> int:
    """One line on stderr where part of a log could not be read; returns the exit code.

    The part that can be trusted is shown, and the exit code tells scripts that it is not the whole.
    """
    if not run.notes:
        return 0
    talk(f"error: {path}: damaged: {'; '.join(run.notes)}; going by what can be trusted")
    return UNREADABLE


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Wrong settings and taken names are 2, files that cannot be read 3, what cannot be written 4."""
    from diagnostics.errors import DiagnosticsError
    from lenet.errors import DataError, LenetError

    try:
        yield
    except LenetError as error:
        fail(str(error), UNREADABLE if isinstance(error, DataError) else USAGE)
    except DiagnosticsError as error:
        fail(str(error), error.exit_code)
