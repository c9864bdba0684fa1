"""`lenet-diag demo`: train until a run dies, and open its report, in less than a minute."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.commands.exit_codes import FAILED, fail, one_line_errors
from reports.commands.values import FOLDER, FROM_0
from reports.terminal.output import is_terminal, say, talk

if TYPE_CHECKING:
    from lenet.settings import Settings

STEPS = 200
MOST_SEEDS = 40


@click.command(name="demo")
@click.option("-o", "--out", "folder", type=FOLDER, default=Path("demo"), show_default=True, help="Where to write.")
@click.option("--seed", type=FROM_0, default=0, show_default=True, help="The first seed that is tried.")
@click.option(
    "--open/--no-open",
    "opens",
    default=None,
    help="Open the report in a browser.  [default: where there is a terminal and a screen]",
)
def command(folder: Path, seed: int, opens: bool | None) -> None:
    """Train lenet with the paper's settings until a run dies, and open its report.

    About one seed in four dies, all of them early, so each is given 200 steps.
    The log of the run that died and its report stay in --out.
    """
    with one_line_errors():
        from diagnostics.files import make_folder
        from diagnostics.log.reader import open_run
        from diagnostics.record.training import default_path, run_training
        from lenet.data import load_dataset
        from reports.commands.report import Wanted, report_runs
        from reports.text.command_line import path_word
        from reports.text.diagnosis import diagnosis_text
        from reports.text.end_numbers import end_of

        make_folder(folder)
        data = load_dataset(None, None)
        for number in range(seed, seed + MOST_SEEDS):
            settings = settings_of(number)
            found = run_training(settings, None, dataset=data).diagnosis
            talk(f"seed {number}: {found.verdict} after {found.steps} steps")
            if found.verdict.is_dead:
                break
        else:
            fail(f"none of {MOST_SEEDS} seeds died; try others with --seed {seed + MOST_SEEDS}", FAILED)
        path = default_path(settings, folder)
        run_training(settings, path, dataset=data)
        run = open_run(path)
        say(diagnosis_text(run.diagnosis, ended_at=end_of(run)))
        pages, _ = report_runs(path, path.with_suffix(".report"), Wanted())
    talk(f"log:  {path}\nwhat would have saved it: lenet-diag rescue {path_word(path)}")
    say(pages[0])
    if opens or (opens is None and _has_screen()):
        import webbrowser

        webbrowser.open(pages[0].resolve().as_uri())


def settings_of(seed: int) -> Settings:
    """The paper's settings, which kill about one seed in four within the first hundred steps."""
    from lenet.settings import Settings

    return Settings(seed=seed, steps=STEPS)


def _has_screen() -> bool:
    """Whether there is a screen that can show a page, and a person at the terminal."""
    graphical = sys.platform in ("darwin", "win32") or any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY"))
    return is_terminal(sys.stdout) and graphical
