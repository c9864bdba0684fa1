"""Training from the command line: run, restart where asked, and tell the user what came of it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from diagnostics.detect.findings import Diagnosis
from diagnostics.detect.on_defect import RESTARTS, OnDefect
from diagnostics.record.recorder import Recorder
from diagnostics.record.training import Outcome, default_path, run_training, with_next_seed
from diagnostics.signals import ended_by
from lenet.data import Dataset, load_dataset
from lenet.hooks import Hook
from lenet.model import Model
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
        outcome = _once(settings, wishes, data, attempt)
        logged &= outcome.log_failure is None
        died = outcome.diagnosis.verdict.is_defect
        if not died or wishes.on_defect != "restart" or attempt == RESTARTS:
            return Ending(died, logged)
        attempt += 1
        settings = with_next_seed(settings)
        click.echo(f"restart {attempt} of {RESTARTS}, with seed {settings.seed}; the dead run is kept", err=True)


def _once(settings: Settings, wishes: Wishes, data: Dataset, attempt: int) -> Outcome:
    listening = _Listening(wishes.is_live)
    try:
        outcome = run_training(
            settings,
            wishes.path(settings, attempt),
            dataset=data,
            on_defect="continue" if wishes.on_defect == "continue" else "stop",
            print_every=0 if wishes.is_live else wishes.print_every,
            hooks=listening.hooks,
            **wishes.log,
        )
    except (KeyboardInterrupt, SystemExit) as interruption:
        recorder = listening.recorder
        if recorder is not None and recorder.diagnosis is not None:
            go_on = "to go on: lenet-diag train --resume --out {}"
            _tell(recorder.diagnosis, recorder.path, go_on, "interrupted", ended_by(interruption))
        raise
    _tell(outcome.diagnosis, outcome.path, "next: lenet-diag report {}", outcome.status)
    if outcome.log_failure is not None:
        click.echo(f"the log is incomplete: {outcome.log_failure}", err=True)
    return outcome


class _Listening:
    """Remembers the recorder, and adds the live view where there is a terminal."""

    def __init__(self, is_live: bool) -> None:
        self._is_live = is_live
        self.recorder: Recorder | None = None

    def hooks(self, recorder: Recorder, model: Model) -> Sequence[Hook]:
        self.recorder = recorder
        if not self._is_live:
            return []
        from reports.terminal.live import LiveView

        return [LiveView(recorder)]


def _tell(diagnosis: Diagnosis, path: Path | None, then: str, status: str, interrupted_by: str = "") -> None:
    """The verdict, where the log is, and what to type next."""
    click.echo(diagnosis_text(diagnosis, status, interrupted_by=interrupted_by), err=True)
    if path is not None:
        click.echo(f"log:  {path}", err=True)
        click.echo(then.format(shlex.quote(str(path))), err=True)
