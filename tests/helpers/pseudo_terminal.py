"""Commands on a pseudo-terminal: what they write to it, byte for byte."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import threading
from pathlib import Path

from tests.helpers.forked import start

ROOT = Path(__file__).parents[2]


def on_a_terminal(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Run a command on a pseudo-terminal; exit code and all that was written to it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    command = ("-m", "reports", *arguments)
    process = start(*command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    read: list[bytes] = []

    def drain() -> None:
        try:
            while data := os.read(ours, 1 << 16):
                read.append(data)
        except OSError:  # Linux: the other end is closed
            return

    reader = threading.Thread(target=drain)
    reader.start()
    code = process.wait()
    reader.join()
    os.close(ours)
    return code, b"".join(read).decode("utf-8", "replace")
