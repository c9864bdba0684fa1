"""RowRecorder: a recorder of steps that were measured elsewhere, such as on a GPU or within a compiled step."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from diagnostics.record.recorder import Recorder
from diagnostics.record.recording import MeterMaker
from diagnostics.schema.columns import Columns
from lenet.hooks import RunStart

ColumnsOf = Callable[[RunStart], Columns | None]


class RowRecorder(Recorder):
    """A recorder whose rows come from a meter of its own. It judges and logs them as any other recorder does.

    A run that lacks columns says so in its description, under ``not_recorded``; its tensors without a gradient stand
    under ``without_gradient``. Rules that need what is not there are not asked.

    ``path``: the log; None measures and judges without one.
    ``columns``: told of the start of the run, returns the columns of its rows; None for all that are declared.
    ``meter``: makes the meter of the run, whose ``finish`` returns the row of the step that ends.
    ``options``: those of :class:`Recorder`.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None, *, columns: ColumnsOf, meter: MeterMaker, **options: Any
    ) -> None:
        super().__init__(path, **options)
        self._columns_of, self._meter_maker = columns, meter

    @property
    def counts_targets(self) -> bool:
        """Whether :meth:`targets` are still counted, since the loss of guessing is not known yet."""
        return self._recording is not None and self._recording.counts_targets

    def _columns(self, start: RunStart) -> Columns | None:
        return self._columns_of(start)

    @property
    def _make_meter(self) -> MeterMaker:
        return self._meter_maker

    def _measuring(self) -> str:
        return ""  # other code than the compiled loops, or together with it
