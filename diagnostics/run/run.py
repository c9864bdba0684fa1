"""Run: one training as pandas frames with its diagnosis, in memory or read from its log as far as it is needed.

No file format is known here: a run is built from arrays (:meth:`Run.from_rows`)
or by :func:`diagnostics.log.reader.open_run`. Steps in arguments are steps of the
run, and both ends of a range are included, as in ``DataFrame.loc``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diagnostics.detect.findings import Diagnosis, Finding, Verdict
from diagnostics.detect.recorded import diagnose
from diagnostics.files import readable_name
from diagnostics.run import frames
from diagnostics.run.plots import RunPlots
from diagnostics.run.recorded_rows import RecordedRows
from diagnostics.run.snapshots import Snapshots
from diagnostics.run.source import MemorySource, Source
from diagnostics.run.step_range import BLOCK
from diagnostics.schema.rollback import Rollback, rollbacks_of
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.tables import CHECKPOINTS, EVENTS, ROLLBACKS, VALIDATIONS
from diagnostics.views import ShownInNotebooks, view
from lenet.arguments import expect_whole

T = TypeVar("T")


class Run(RecordedRows, ShownInNotebooks):
    """One training run, or a range of its steps (:meth:`between`). Frames are read when first asked for, and kept.

    ``source``: gives its rows and tables.
    ``name``: its name.
    ``path``: its log; None (default) for a run in memory.

    ``status`` is one of running, completed, stopped, interrupted, failed, log-stopped, crashed (the writer was
    killed), and unclear (it is not known whether the writer lives, since the file system has no locks).
    ``notes`` names the parts of a damaged log that could not be read.
    """

    def __init__(self, source: Source, name: str, path: Path | None = None) -> None:
        super().__init__(source)
        self.name = name
        self.path = path
        self.notes: tuple[str, ...] = ()
        self._whole: Run = self
        self._kept: dict[str, Any] = {}

    @classmethod
    def from_rows(
        cls,
        info: RunInfo,
        steps: Sequence[int] | NDArray[np.integer[Any]],
        epochs: Sequence[int] | NDArray[np.integer[Any]],
        values: NDArray[np.float32],
        *,
        name: str = "run",
        **known: Any,
    ) -> Self:
        """A run in memory.

        ``info``: what is known of it before its first step.
        ``steps``: (rows,), the step of each row.
        ``epochs``: (rows,), the epoch of each row, counted from 1.
        ``values``: (rows, columns), in the order of ``info.columns``.
        ``name``: its name; default "run".
        ``known``: more that is known of it, by the names of :meth:`MemorySource.from_rows`.

        Raises ValueError where the shape of ``values`` fits neither steps nor columns.
        """
        return cls(MemorySource.from_rows(info, steps, epochs, values, **known), name)

    # -- what it is -----------------------------------------------------------------------

    @property
    def config(self) -> dict[str, Any]:
        """Its settings, or the model's description where training was run from Python."""
        run = {"seed": self.info.seed, "batch_size": self.info.batch_size, "epochs": self.info.epochs}
        return {**run, **(self.info.settings or self.info.description)}

    def __repr__(self) -> str:
        return f"<Run {self.name}: {len(self)} steps recorded, {self.status}>"

    # -- parts ----------------------------------------------------------------------------

    def between(self, first: int | None = None, last: int | None = None) -> Run:
        """The same run, reduced to the steps from ``first`` to ``last``; diagnosed as the whole is."""
        part = Run(self.source, self.name, self.path)
        part._range = self._range.narrowed(first, last)
        part._whole, part.notes = self._whole, self.notes
        return part

    @property
    def rollbacks(self) -> tuple[Rollback, ...]:
        """Its rollbacks in order; mostly none."""
        return rollbacks_of(self.source.table(ROLLBACKS))

    def undone(self) -> tuple[Run, ...]:
        """The run as it was each time that it was turned back, its undone steps included.

        Its frames and its diagnosis are those of that moment. All other frames of a run leave undone steps out.
        """
        return tuple(Run(source, self.name, self.path) for source in self.source.undone())

    def parts(self, rows: int = BLOCK) -> Iterator[Run]:
        """The run in parts of at most ``rows`` recorded steps, so that any length fits into memory.

        Raises SettingsError for less than one row.
        """
        expect_whole("rows", rows, 1)
        steps = self.index["step"]
        for start in range(0, len(steps), rows):
            yield self.between(int(steps[start]), int(steps[min(start + rows, len(steps)) - 1]))

    def refresh(self) -> bool:
        """Look for rows that were written since. Returns whether anything changed; if so, frames are read again."""
        changed = self.source.refresh()
        if changed:
            self._kept.clear()
            if self._whole is not self:
                self._whole._kept.clear()
        return changed

    # -- frames ---------------------------------------------------------------------------

    @property
    def steps(self) -> pd.DataFrame:
        """Index step; columns epoch, the scalars of a step, wall (when, in UTC), and ``defect`` from the diagnosis."""
        return self._keep("steps", lambda: frames.steps_frame(self, self.diagnosis.stretches))

    @property
    def tensors(self) -> pd.DataFrame:
        """Index (step, layer, tensor, kind); columns the statistics, and ``ratio`` on the rows of updates."""
        return self._keep("tensors", self.tensor_frame)

    @property
    def activations(self) -> pd.DataFrame:
        """Index (step, layer); columns the statistics of the layer's outputs."""
        return self._keep("activations", self.activation_frame)

    @property
    def epochs(self) -> pd.DataFrame:
        """Index epoch; training loss and accuracy, times, and the validation that followed."""
        return self._keep("epochs", lambda: frames.epochs_frame(self.source, self.validations))

    @property
    def validations(self) -> pd.DataFrame:
        """One row a validation; epoch -1 is one of the finished model."""
        return frames.table_frame(VALIDATIONS, self.source.table(VALIDATIONS))

    @property
    def events(self) -> pd.DataFrame:
        """What happened: rules that fired, verdicts, checkpoints, validations, interruptions."""
        return frames.table_frame(EVENTS, self.source.table(EVENTS))

    @property
    def checkpoints(self) -> pd.DataFrame:
        """The checkpoints that were taken, the deleted ones too."""
        return frames.table_frame(CHECKPOINTS, self.source.table(CHECKPOINTS))

    @property
    def snapshots(self) -> Snapshots:
        """Histograms, silent units and first kernels."""
        return self._keep("snapshots", lambda: Snapshots(self.info, self.source))

    def tensor_frame(
        self,
        statistics: Sequence[str] | None = None,
        kind: str | None = None,
        layer: str | None = None,
        tensor: str | None = None,
    ) -> pd.DataFrame:
        """As :attr:`tensors`, but only a part of it is read.

        ``statistics``: names of statistics; None for all.
        ``kind``: value, gradient or update; None for all.
        ``layer``: the name of a layer; None for all.
        ``tensor``: weights or biases; None for both.

        Raises UnknownNameError for a name that the run does not have, and TypeError for statistics that are no list.
        """
        return frames.tensor_frame(self, statistics, kind, layer, tensor)

    def activation_frame(self, statistics: Sequence[str] | None = None, layer: str | None = None) -> pd.DataFrame:
        """As :attr:`activations`, but only a part of it is read.

        ``statistics``: names of statistics; None for all.
        ``layer``: the name of a layer, or "input"; None for all.

        Raises UnknownNameError for a name that the run does not have, and TypeError for statistics that are no list.
        """
        return frames.activation_frame(self, statistics, layer)

    # -- pictures and pages ---------------------------------------------------------------

    @property
    def plot(self) -> RunPlots:
        """Its ready figures: ``run.plot()``, and ``run.plot.chain()``, ``.layers()``, ``.loss()``, ``.origin()``."""
        return RunPlots(self)

    def report(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        replay: bool = True,
        data: str | os.PathLike[str] | None = None,
    ) -> Path:
        """Write its report, ``report.html`` and the figures as PNG, as ``lenet-diag report`` does; returns the page.

        ``folder``: where to; None (default) for RUN.report beside the log.
        ``replay``: whether a run that died is trained again up to where it died, to show what happened there, if
        that takes at most 10 seconds; default True.
        ``data``: the folder of the data to replay with; None (default) for those that the log names.

        Raises MissingLibraryError where the package ``reports`` is not installed, LogError for a run without steps,
        ValueError for what is no folder, and LogWriteError where nothing can be written.
        """
        page: Path = view("report")(self, folder, replay, data)
        return page

    # -- judgement ------------------------------------------------------------------------

    @property
    def diagnosis(self) -> Diagnosis:
        """The detector's diagnosis of the whole run, also where this is only a part of it."""
        if self._whole is not self:
            return self._whole.diagnosis
        return self._keep("diagnosis", lambda: diagnose(self))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all rules that fired."""
        return self.diagnosis.findings

    @property
    def verdict(self) -> Verdict:
        """The verdict on the run."""
        return self.diagnosis.verdict

    def to_json(self, diagnosis: Diagnosis | None = None) -> dict[str, Any]:
        """The keys of ``lenet-diag diagnose --json``: the diagnosis, and of the run its path, seed, task and more.

        ``diagnosis``: one by other thresholds; None (default) for that of the run.
        """
        accuracies = self.epochs["accuracy"].astype(float)
        return {
            **(diagnosis or self.diagnosis).to_json(),
            "path": None if self.path is None else readable_name(str(self.path)),
            "seed": self.info.seed if self.info.seed >= 0 else None,
            "status": self.status,
            "epoch_accuracy": [float(one) if np.isfinite(one) else None for one in accuracies],
            "damage": list(self.notes),
            "task": self.info.task.to_dict(),
            "not_recorded": list(self.info.not_recorded),
        }

    # -- inside ---------------------------------------------------------------------------

    def _keep(self, name: str, make: Callable[[], T]) -> T:
        if name not in self._kept:
            self._kept[name] = make()
        return cast("T", self._kept[name])
