"""Where branches start: the moments of a run, each replayed once in each process, and the files that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

from diagnostics.executors.executor import R, Work
from diagnostics.log.names import checkpoint_folder
from diagnostics.log.reader import open_run
from diagnostics.replay.moment import Moment
from diagnostics.rescue.plan import PlannedBranch
from lenet.data.dataset import data_files


@dataclass(frozen=True)
class FromLog(Work[PlannedBranch, R]):
    """Work with branches of one run: it reads the log, its checkpoints and the data.

    log: the log of the run that died.
    data: the folder of the data; None for what the log names.
    """

    log: Path
    data: str | None

    @property
    def reads(self) -> tuple[Path, ...]:
        """The log, its checkpoints and the data."""
        folder = checkpoint_folder(self.log)
        checkpoints = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
        return (self.log, *checkpoints, *(data_files(self._folder) if self._folder is not None else ()))

    @property
    def made_by(self) -> Mapping[str, Any]:
        """The machine of the log."""
        return open_run(self.log).info.environment

    def elsewhere(self, folder: Path, there: Callable[[Path], Path]) -> Self:
        """The same with the log and the data where they lie there."""
        data = None if self._folder is None else str(there(Path(self._folder).absolute()))
        return replace(self, log=there(self.log.absolute()), data=data)

    def moment(self, step: int) -> Moment:
        """The run just before ``step``. Raises ReplayError where the run cannot be replayed up to there."""
        return _moments(self.log, self.data)(step)

    @property
    def _folder(self) -> str | None:
        """The folder of the data; None for the embedded ones."""
        named: str | None = open_run(self.log).info.settings.get("data")
        return self.data or named


@cache
def _moments(log: Path, data: str | None) -> Callable[[int], Moment]:
    """The moments of a run by step; they are kept, so that many branches can start from each.

    A branch is computed by one thread: branches share the cores, and two threads would wait for each other.
    """
    from diagnostics.replay import replay

    replayed = replay(log, data, threads=1)
    return cache(replayed.at)
