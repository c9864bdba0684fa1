"""Training from the command line: runs it, restarts it if asked, and prints the result."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from diagnostics.log.names import checkpoint_folder
from diagnostics.record.options import RESTARTS, OnDefect, RecordingOptions
from diagnostics.record.recorder import Recorder
from diagnostics.record.training import TrainingResult, default_path, run_training, with_next_seed
from diagnostics.signals import ended_by
from lenet.data import Dataset, load_dataset
from lenet.hooks import Hook
from lenet.settings import Settings
from reports.terminal.output import is_terminal, say, talk
from reports.text.command_line import path_word
from reports.text.diagnosis import diagnosis_text
from reports.text.end_numbers import EndNumbers, WatchEnd
from reports.text.stopping import stopping_price


@dataclass(frozen=True)
class TrainOptions:
    """What the options of `train` say beside the settings.

    out: the log of the first attempt; None for a new file in the folder ``runs``.
    no_log: whether nothing is logged.
    watch: whether the run is shown live, where there is a terminal.
    print_every: steps of an epoch between printed lines; 0 prints none.
    on_defect: what to do with a defect run.
    resume: whether the run in ``out`` is continued.
    is_longer: whether a continued run is to have more steps than it was started with, so that it may have ended.
    recording: how the run is recorded.
    """

    out: Path | None
    no_log: bool
    watch: bool
    print_every: int
    on_defect: OnDefect
    resume: bool
    is_longer: bool
    recording: RecordingOptions

    @property
    def is_live(self) -> bool:
        """Whether there is a terminal to show the run in."""
        return self.watch and is_terminal(sys.stdout)

    def path(self, settings: Settings, attempt: int) -> Path | None:
        """Where an attempt is logged: ``--out`` for the first, a new file beside it for the next ones."""
        if self.no_log:
            return None
        if self.out is not None and attempt == 0:
            return self.out
        return default_path(settings, self.out.parent if self.out is not None else Path("runs"))


def train(settings: Settings, options: TrainOptions) -> list[TrainingResult]:
    """Train, and again with the next seed where a defect run is to be restarted; the results in their order.

    A defect run is kept and counts. KeyboardInterrupt and SystemExit are passed on
    when the user has been told where the run got to.
    """
    data = load_dataset(settings.data, settings.limit)
    results = [_once(settings, options, data, 0)]
    while options.on_defect == "restart" and results[-1].diagnosis.verdict.is_defect and len(results) <= RESTARTS:
        settings = with_next_seed(settings)
        restart = f"restart {len(results)} of {RESTARTS}, with seed {settings.seed}"
        talk(f"{restart}; the defect run is kept")
        results.append(_once(settings, options, data, len(results)))
    return results


def _once(settings: Settings, options: TrainOptions, data: Dataset, attempt: int) -> TrainingResult:
    """One training, and what became of it. Raises the exception that interrupted it."""
    end = WatchEnd()

    def hooks(recorder: Recorder) -> list[Hook]:
        if not options.is_live:
            return [end]
        from reports.terminal.live import LiveView

        return [end, LiveView(recorder)]

    result = run_training(
        settings,
        options.path(settings, attempt),
        options.recording,
        dataset=data,
        resume=options.resume,
        extend=options.is_longer,
        print_every=0 if options.is_live else options.print_every,
        hooks=hooks,
    )
    _tell(result, end.numbers)
    if result.interruption is not None:
        raise result.interruption
    return result


def _tell(result: TrainingResult, ended_at: EndNumbers | None) -> None:
    """The verdict, which is the result; then where the log is, and what to type next."""
    interrupted_by = ended_by(result.interruption)
    _say_verdict(diagnosis_text(result.diagnosis, result.status, interrupted_by=interrupted_by, ended_at=ended_at))
    if result.status == "stopped" and result.diagnosis.verdict.is_defect:
        talk(f"stopped as a defect run; the price of stopping so: {stopping_price()}")
    if result.path is not None:
        path = path_word(result.path)
        then = "to go on: lenet-diag train --resume --out" if interrupted_by else "next: lenet-diag report"
        kept = checkpoint_folder(result.path)
        states = f"\nstates: {kept}{os.sep} (--resume, replay and rescue need them)" if kept.is_dir() else ""
        talk(f"log:  {result.path}{states}\n{then} {path}")
        if result.diagnosis.verdict.is_dead and not interrupted_by:
            talk(f"what would have saved it: lenet-diag rescue {path}")
    for failed in result.model.run_end.switched_off:
        talk(failed)
    if result.log_failure is not None:
        talk(f"the log is {'incomplete' if result.path else 'lost'}: {result.log_failure}")


def _say_verdict(text: str) -> None:
    """The verdict on stdout, or on stderr where stdout takes no more: the training is over and its log is whole."""
    try:
        say(text)
    except OSError:
        talk(text)
