"""Writes text to the terminal: results to stdout, messages to stderr, and escape codes as visible characters.

Names of layers, files and arms, messages of events and settings come from files that anybody may have made. An
escape code in one of them could recolour the screen, rename the window or move the cursor over what was printed
before, so it is printed as visible characters.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import sys
from typing import TextIO

import click

from reports.text.wrapping import WIDTH, fitted

# C0 without tab and newline, DEL, C1, marks that turn the direction of writing, and separators of lines.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def shown(text: str) -> str:
    r"""``text`` with control characters as visible escapes such as ``\x1b``; tabs and newlines stay."""
    return _OBEYED.sub(lambda match: ascii(match[0])[1:-1], text)


def say(text: object, *, end: str = "\n", is_data: bool = False) -> None:
    """Print a result on stdout, and ``end`` after it; in a terminal, without breaking words at its edge.

    ``is_data``: whether a program may read it (JSON, CSV), so that its lines stay as they are; default False.
    Raises OSError where stdout takes no more.
    """
    words = shown(str(text))
    try:
        click.echo((words if is_data else _fitted(words, sys.stdout)) + end, nl=False)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, "standard output") from None


def talk(text: object) -> None:
    """Print a line on stderr, without breaking words. Where stderr takes no more, the command goes on without it."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(_fitted(shown(str(text)), sys.stderr), err=True)


def _fitted(text: str, stream: TextIO) -> str:
    """``text`` for the width of a terminal; as it is where ``stream`` is none."""
    return fitted(text, screen_width(stream)) if is_terminal(stream) else text


def screen_width(stream: TextIO) -> int:
    """The columns of a terminal; 80 where ``stream`` is none."""
    return shutil.get_terminal_size().columns if is_terminal(stream) else WIDTH


def is_terminal(stream: TextIO | None) -> bool:
    """Whether ``stream`` is open and a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # the stream is closed
        return False


def fill_standard_descriptors() -> None:
    """Open the null device for a closed stdin, stdout or stderr, so that no log gets its file descriptor."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # open takes the lowest free descriptor


def settle_streams() -> None:
    """Discard what stdout or stderr did not take. Otherwise Python would write it at its exit and change the code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


class _Talk(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        talk(self.format(record))


def talk_warnings() -> None:
    """Print the warnings that modules log as all other messages on stderr."""
    root = logging.getLogger()
    if not any(isinstance(handler, _Talk) for handler in root.handlers):
        root.addHandler(_Talk(logging.WARNING))
