"""Training from the command line: run, restart where asked, and tell the user what came of it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from diagnostics.detect.on_defect import RESTARTS, OnDefect
from diagnostics.record.recorder import Recorder
from diagnostics.record.training import TrainingResult, default_path, run_training, with_next_seed
from diagnostics.signals import ended_by
from lenet.data import Dataset, load_dataset
from lenet.hooks import Hook
from lenet.settings import Settings
from reports.text.diagnosis import diagnosis_text


@dataclass(frozen=True)
class Wishes:
    """What the options of `train` say beside the settings; ``log`` goes to ``run_training`` as it is."""

    out: Path | None
    no_log: bool
    watch: bool
    print_every: int
    on_defect: OnDefect
    log: dict[str, Any]

    @property
    def is_live(self) -> bool:
        """Whether there is a terminal to show the run in."""
        return self.watch and sys.stdout.isatty()

    def path(self, settings: Settings, attempt: int) -> Path | None:
        """Where an attempt is logged: ``--out`` for the first, a new file beside it for the next ones."""
        if self.no_log:
            return None
        if self.out is not None and attempt == 0:
            return self.out
        return default_path(settings, self.out.parent if self.out is not None else Path("runs"))


@dataclass(frozen=True)
class Ending:
    """Whether the last run died, and whether every log is whole."""

    died: bool
    logged: bool


def train(settings: Settings, wishes: Wishes) -> Ending:
    """Train, and again with the next seed where a dead run is to be restarted.

    A dead run is kept and counts. KeyboardInterrupt and SystemExit are passed on
    when the user has been told where the run got to.
    """
    data = load_dataset(settings.data, settings.limit)
    attempt = 0
    logged = True
    while True:
        result = _once(settings, wishes, data, attempt)
        logged &= result.log_failure is None
        died = result.diagnosis.verdict.is_defect
        if not died or wishes.on_defect != "restart" or attempt == RESTARTS:
            return Ending(died, logged)
        attempt += 1
        settings = with_next_seed(settings)
        click.echo(f"restart {attempt} of {RESTARTS}, with seed {settings.seed}; the dead run is kept", err=True)


def _once(settings: Settings, wishes: Wishes, data: Dataset, attempt: int) -> TrainingResult:
    """One training, and what became of it on stderr. Raises the exception that interrupted it."""
    result = run_training(
        settings,
        wishes.path(settings, attempt),
        dataset=data,
        on_defect="continue" if wishes.on_defect == "continue" else "stop",
        print_every=0 if wishes.is_live else wishes.print_every,
        hooks=_live_view if wishes.is_live else None,
        **wishes.log,
    )
    _tell(result)
    if result.interruption is not None:
        raise result.interruption
    return result


def _live_view(recorder: Recorder) -> Sequence[Hook]:
    from reports.terminal.live import LiveView

    return [LiveView(recorder)]


def _tell(result: TrainingResult) -> None:
    """The verdict, where the log is, and what to type next."""
    interrupted_by = ended_by(result.interruption)
    click.echo(diagnosis_text(result.diagnosis, result.status, interrupted_by=interrupted_by), err=True)
    if result.path is not None:
        path = shlex.quote(str(result.path))
        then = "to go on: lenet-diag train --resume --out" if interrupted_by else "next: lenet-diag report"
        click.echo(f"log:  {result.path}\n{then} {path}", err=True)
    if result.log_failure is not None:
        click.echo(f"the log is incomplete: {result.log_failure}", err=True)
