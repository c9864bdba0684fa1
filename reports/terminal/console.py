"""The console of rich as views use it: a reader who is gone is an error that a view can be switched off for."""

from __future__ import annotations

import errno
import os

from rich.console import Console


class TerminalConsole(Console):
    """A console that raises BrokenPipeError where nobody reads any more; rich would end the whole process."""

    def on_broken_pipe(self) -> None:
        """Be silent from now on, and raise the error."""
        self.quiet = True
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE), "the terminal")
