"""A line on stderr that is overwritten while work goes on; off a terminal only its last state is printed."""

from __future__ import annotations

import sys
from contextlib import suppress

from reports.terminal.output import is_terminal, shown, talk


def progress_line(text: str, is_last: bool) -> None:
    """Show ``text`` in place of what was shown before."""
    if is_terminal(sys.stderr):
        with suppress(OSError):  # a closed stderr ends no command
            sys.stderr.write("\r\x1b[K" + shown(text) + ("\n" if is_last else ""))
            sys.stderr.flush()
    elif is_last:
        talk(text)
