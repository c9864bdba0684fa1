"""Draws frames in place on the terminal's alternate screen, and leaves the last one on the ordinary screen."""

from __future__ import annotations

import atexit
import os
from contextlib import suppress

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from reports.terminal.layout import lines
from reports.terminal.state import LiveState

LAST_LINES = 24  # lines left free below the last frame, for the verdict


class Screen:
    """The screen for frames. Off a terminal only the last frame is drawn.

    Every frame starts at the top left corner and clears what is left of each
    line, so that a terminal may be resized at any time.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._size: tuple[int, int] | None = None
        self._open = False
        encoding = (console.encoding or "").lower()
        self._plain = not encoding.startswith("utf")

    def open(self) -> None:
        """Switch to the alternate screen."""
        if self._console.is_terminal and not self._open:
            self._open = True
            self._console.set_alt_screen(True)
            self._console.show_cursor(False)
            atexit.register(self.leave)

    def draw(self, state: LiveState) -> None:
        """Draw one frame over the one before."""
        if not self._open:
            return
        width, height = size = self._measure()
        with self._console:
            if size != self._size:
                self._console.control(Control.clear())
                self._size = size
            self._console.control(Control.home())
            rows = lines(state, width, height - 1, self._plain)
            rows += [Text()] * (height - 1 - len(rows))
            for row in rows:
                # Cleared before the text: after a full line, clearing would remove its last character.
                self._console.control(Control((ControlType.ERASE_IN_LINE, 2)))
                self._console.print(row, soft_wrap=True, highlight=False)

    def leave(self) -> None:
        """Go back to the ordinary screen."""
        if self._open:
            self._open = False
            atexit.unregister(self.leave)
            with suppress(OSError):  # the terminal may be gone
                self._console.show_cursor(True)
                self._console.set_alt_screen(False)

    def close(self, state: LiveState) -> None:
        """Leave the last frame on the ordinary screen."""
        self.leave()
        width, height = self._measure()
        for row in lines(state, width, max(min(height - 8, LAST_LINES), 12), self._plain):
            self._console.print(row, soft_wrap=True, highlight=False)

    def _measure(self) -> tuple[int, int]:
        """Columns and lines of the terminal itself; rich takes COLUMNS and LINES, which do not follow its size."""
        try:
            width, height = os.get_terminal_size(self._console.file.fileno())
        except (OSError, ValueError, AttributeError):
            width, height = self._console.size
        return max(width, 1), max(height, 2)
