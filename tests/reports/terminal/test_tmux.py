"""The live view in a real terminal: start, resize, Ctrl-C, finish, and a writer that is killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.forked import start
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


class Terminal:
    """A tmux server of its own with one window."""

    def __init__(self, name: str, width: int, height: int) -> None:
        self._command = ["tmux", "-L", name, "-f", "/dev/null"]
        self._tmux("new-session", "-d", "-x", str(width), "-y", str(height), "env PS1='$ ' sh")

    def type(self, line: str) -> None:
        self._tmux("send-keys", line, "Enter")

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def wait_for(self, seen: Callable[[str], bool]) -> str:
        shown = ""

        def look() -> bool:
            nonlocal shown
            shown = self.screen()
            return seen(shown)

        wait_until(look, lambda: f"another screen than\n{shown}", pause=0.1)
        return shown

    def close(self) -> None:
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        return subprocess.run([*self._command, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(f"lenet-diag-{os.getpid()}-{tmp_path.name[-8:]}", 80, 24)
    terminal.wait_for(lambda s: s.startswith("$"))
    yield terminal
    terminal.close()


def lenet_diag(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "reports", *map(str, arguments)]


def train(out: Path, *more: object) -> list[str]:
    return lenet_diag(
        "train", "--network", "feedforward", "--lr", 0.1, "--limit", 6400, "--threads", 1, "--out", out, *more
    )


SLOW_WRITER = """
import os, sys
from pathlib import Path
from tests.helpers.log_writers import write_for_ever
write_for_ever(Path(sys.argv[1]), os.open(os.devnull, os.O_WRONLY), pause=0.05)
"""
"""A training would take all of a core until the follower has started."""


def test_a_training_is_watched_to_its_end_and_leaves_its_last_state(terminal, tmp_path):
    terminal.type(" ".join(train(tmp_path / "x.h5", "--epochs", 4, "--watch")))
    last = terminal.wait_for(lambda s: "next: lenet-diag report" in s)

    assert "completed" in last or "verdict: healthy" in last
    assert "Traceback" not in last


def test_a_resize_redraws_and_ctrl_c_leaves_the_last_state_with_exit_code_130(terminal, tmp_path):
    terminal.type(" ".join(train(tmp_path / "x.h5", "--epochs", 5000, "--watch")))
    small = terminal.wait_for(lambda s: "steps/s" in s and "dense3" in s)
    terminal.resize(120, 50)
    large = terminal.wait_for(lambda s: len(s.splitlines()[0]) > 100 and s.splitlines()[0].endswith("running"))
    terminal.press("C-c")
    terminal.wait_for(lambda s: "interrupted" in s)
    terminal.type("echo code $?")
    last = terminal.wait_for(lambda s: "code 130" in s)

    assert all(len(line) <= 80 for line in small.splitlines())
    assert large.count("lenet-diag ") == 1
    assert "interrupted" in last
    assert "Traceback" not in last


def test_a_follower_shows_a_run_of_another_process_and_says_when_its_writer_is_gone(terminal, tmp_path):
    log = tmp_path / "x.h5"
    writer = start("-c", SLOW_WRITER, str(log))
    try:
        wait_until(log.exists, "the log")
        terminal.type(" ".join(lenet_diag("watch", log)))
        terminal.wait_for(lambda s: "running" in s and "steps/s" in s)
    finally:
        writer.kill()
        writer.wait()
    shown = terminal.wait_for(lambda s: "the log reaches step" in s)

    assert "writer gone" in shown
