"""A line on stderr that is written over while work goes on; off a terminal nothing but its last state."""

from __future__ import annotations

import sys


def progress_line(text: str, is_last: bool) -> None:
    """Show ``text`` in place of what was shown before."""
    terminal = sys.stderr.isatty()
    if terminal:
        sys.stderr.write("\r\x1b[K" + text + ("\n" if is_last else ""))
        sys.stderr.flush()
    elif is_last:
        sys.stderr.write(text + "\n")
