"""The console for views: where nobody reads any more, it raises an error, so that a view can be switched off."""

from __future__ import annotations

import errno
import os

from rich.console import Console


class TerminalConsole(Console):
    """A console that raises BrokenPipeError where nobody reads any more; the one of rich ends the process."""

    def on_broken_pipe(self) -> None:
        """Print nothing from now on, and raise the error."""
        self.quiet = True
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE), "the terminal")
