"""Natural deaths: runs of the paper's settings, seed by seed, trained until it is certain what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diagnostics.executors.executor import Work
from diagnostics.executors.sent_files import put_files
from diagnostics.log.reader import open_run
from diagnostics.provenance import commit
from diagnostics.record.options import RecordingOptions
from diagnostics.record.recorder import Recorder
from diagnostics.record.training import run_training
from diagnostics.run.run import Run
from diagnostics.study.worker import dataset
from lenet.hooks import Hook, StepEnd, StopTraining
from lenet.settings import Settings

RECORDING = RecordingOptions(overwrite=True, histograms_every=0, checkpoint_every=0)


@dataclass(frozen=True)
class Population:
    """Where natural deaths are sought.

    name: what tables call it.
    deaths: how many deaths are wanted.
    settings: what differs from the paper's settings; the seeds count from 0.
    """

    name: str
    deaths: int
    settings: Mapping[str, Any] = field(default_factory=dict)


POPULATIONS = (Population("exact", 40, {"epochs": 1}), Population("report", 20, {"convolution": "report"}))
"""With the exact convolution all deaths that were seen began in the first quarter of the first epoch
(docs/why-it-breaks.md), so that one epoch finds them; with the paper's own most are later."""


class EndWhenLost(Hook):
    """Ends a training once no later step can end its defect, so that no time is spent on the rest.

    recorder: what judges the training.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def on_step_end(self, event: StepEnd) -> None:
        """Ask the detector; it has seen the row of this step, since hooks are called in order."""
        detector = self._recorder.detector
        if detector is not None and detector.is_beyond_recovery:
            raise StopTraining("nothing can end its defect any more")


def train_seed(population: Population, seed: int, path: Path) -> Run:
    """The run of one seed, trained to its end or until it is lost.

    population: its settings.
    seed: its seed.
    path: its log. One that this commit has written to its end is read; any other is written anew.
    Raises KeyboardInterrupt or SystemExit where the training was interrupted.
    """
    if path.exists() and is_of_this_code(run := open_run(path)):
        return run
    settings = Settings.from_dict({**Settings().to_dict(), **population.settings, "seed": seed, "threads": 1})
    result = run_training(
        settings,
        path,
        RECORDING,
        dataset=dataset(settings.data, settings.limit),
        hooks=lambda recorder: [EndWhenLost(recorder)],
    )
    if result.interruption is not None:
        raise result.interruption
    return open_run(path)


@dataclass(frozen=True)
class SeedTraining(Work[tuple[Population, int], None]):
    """Trains one seed of a population. It can be pickled, so that it can be given to another process.

    folder: where the logs go.
    """

    folder: Path

    def __call__(self, task: tuple[Population, int]) -> None:
        """Train one seed, or leave its log where this commit has written it to its end."""
        train_seed(*task, self.log_of(task))

    def log_of(self, task: tuple[Population, int]) -> Path:
        """Where the log of a seed lies."""
        population, seed = task
        return self.folder / f"{population.name}-{seed}.h5"

    def elsewhere(self, folder: Path, there: Callable[[Path], Path]) -> SeedTraining:
        """The same in another folder."""
        return SeedTraining(folder)

    def arrived(self, task: tuple[Population, int], result: None, files: Mapping[str, bytes]) -> None:
        """Put the log into the folder. Raises LogWriteError."""
        put_files(self.folder, files)


def is_of_this_code(run: Run) -> bool:
    """Whether a run ended in order and was trained by the commit that runs now."""
    return run.status in ("completed", "stopped") and run.info.environment.get("commit") == commit()
