"""How a fault of lenet-diag itself is shown: one line, a file with the traceback, exit code 70."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

from reports.commands.exit_codes import FAULT
from reports.terminal.output import talk


def end_with_fault(error: BaseException) -> NoReturn:
    """Print the fault in one line, keep its traceback in a file, and exit with code 70."""
    talk(fault_line(error))
    sys.exit(FAULT)


def fault_line(error: BaseException) -> str:
    """The line for an unexpected error; its traceback is written into a new file, which the line names."""
    return line_of(_in_a_line(error), "".join(traceback.format_exception(error)))


def line_of(what: str, details: str) -> str:
    """The line for a fault that is known by its words; ``details``, its traceback, are written into a new file."""
    return f"a fault of lenet-diag: {what}; {_kept(details)}"


def _in_a_line(error: BaseException) -> str:
    """The class of the error and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _kept(details: str) -> str:
    """Write the traceback into the folder for temporary files, or else into this one; says where it is."""
    text = f"lenet-diag {' '.join(sys.argv[1:])}\n{_version()}\n\n{details}"
    reason = "no folder can be written to"
    for folder in (None, os.curdir):
        try:
            handle, name = tempfile.mkstemp(prefix="lenet-diag-fault-", suffix=".txt", dir=folder, text=True)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError as error:
            reason = error.strerror or str(error)
            continue
        return f"the traceback is in {Path(name).resolve()}"
    return f"the traceback could not be kept ({reason})"


def _version() -> str:
    from diagnostics.provenance import code_version

    try:
        return ", ".join(f"{name} {value}" for name, value in code_version().items())
    except Exception as error:  # the fault may be there
        return f"version unknown ({type(error).__name__})"
