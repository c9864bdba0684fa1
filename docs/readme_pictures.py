"""Makes the pictures of the README from one real run that dies.

python -m docs.readme_pictures [SEED]      default seed 1: docs/images/live-view.svg and report.png

The picture of the report needs Chromium (Debian's package chromium). Which seeds die depends on the machine.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.text import Text

from diagnostics import Recorder, open_run
from diagnostics.record.training import run_training
from docs.live_picture import HEIGHT, WIDTH, Frame, animated
from lenet import Settings
from lenet.hooks import RunEnd, StepEnd
from reports.pages.run_page import write_report
from reports.terminal.layout import lines
from reports.terminal.live import LiveView

IMAGES = Path(__file__).resolve().parent / "images"
STEPS, EVERY = 200, 4
PAGE = (1100, 1250)  # pixels of the report that are shown


class FrameTaker(LiveView):
    """A live view that keeps its frames instead of drawing them."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.frames: list[Frame] = []

    def _draw(self) -> None:
        """The first frame, and none that only time decides."""

    def on_step_end(self, event: StepEnd) -> None:
        """A frame every few steps, however fast the machine is."""
        super().on_step_end(event)
        if event.step % EVERY == 0:
            self._take()

    def on_run_end(self, event: RunEnd) -> None:
        """The last frame has the verdict."""
        self._status = event.status
        self._take()
        self._stop_holding()

    def _take(self) -> None:
        rows = lines(self._state(), WIDTH, HEIGHT)
        self.frames.append([*rows, *[Text()] * (HEIGHT - len(rows))])


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        log = Path("dead.h5")
        takers: list[FrameTaker] = []

        def taker(recorder: Recorder) -> list[FrameTaker]:
            takers.append(FrameTaker(recorder))
            return takers

        result = run_training(Settings(seed=seed, steps=STEPS), log, hooks=taker)
        if not result.diagnosis.is_defect:
            sys.exit(f"seed {seed} lives on this machine; give another seed")
        title = f"The live view of lenet-diag train --watch: a run that dies, seed {seed}, its first {STEPS} steps"
        (IMAGES / "live-view.svg").write_text(animated(takers[0].frames, title), encoding="utf-8")
        report = write_report(open_run(log), Path(folder) / "dead.report", None)
        photograph(report, IMAGES / "report.png")


def photograph(page: Path, picture: Path) -> None:
    """A picture of the top of a page. Raises FileNotFoundError where Chromium is missing."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise FileNotFoundError("chromium is missing; install Debian's package chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    with tempfile.TemporaryDirectory() as profile:
        size = f"--window-size={PAGE[0]},{PAGE[1]}"
        shot = f"--screenshot={picture}"
        command = [program, *flags, f"--user-data-dir={profile}", size, shot, page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
