"""Drawing in place: frames on the terminal's other screen, the last one left on the ordinary one."""

from __future__ import annotations

import atexit

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from reports.terminal.layout import lines
from reports.terminal.state import LiveState


class Screen:
    """Where frames go. Off a terminal nothing is drawn but the last frame.

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
        """Switch to the other screen."""
        if self._console.is_terminal and not self._open:
            self._open = True
            self._console.set_alt_screen(True)
            self._console.show_cursor(False)
            atexit.register(self._leave)

    def draw(self, state: LiveState) -> None:
        """Draw one frame over the one before."""
        if not self._open:
            return
        size = self._console.size
        with self._console:
            if (size.width, size.height) != self._size:
                self._console.control(Control.clear())
                self._size = (size.width, size.height)
            self._console.control(Control.home())
            rows = lines(state, size.width, size.height - 1, self._plain)
            rows += [Text()] * (size.height - 1 - len(rows))
            for row in rows:
                # Before the text: after a full line it would take the last character with it.
                self._console.control(Control((ControlType.ERASE_IN_LINE, 2)))
                self._console.print(row, soft_wrap=True, highlight=False)

    def close(self, state: LiveState) -> None:
        """Go back to the ordinary screen and leave the last frame there."""
        self._leave()
        size = self._console.size
        for row in lines(state, size.width, max(size.height - 2, 12), self._plain):
            self._console.print(row, soft_wrap=True, highlight=False)

    def _leave(self) -> None:
        if self._open:
            self._open = False
            self._console.show_cursor(True)
            self._console.set_alt_screen(False)
            atexit.unregister(self._leave)
