"""RecordingOptions: how a training is recorded, as one object that travels from the command line to the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.symptoms import window_of
from diagnostics.detect.thresholds import Thresholds
from diagnostics.log.run_log import Policy
from diagnostics.schema.run_info import RunInfo
from lenet.arguments import expect_whole
from lenet.errors import SettingsError

POLICIES = ("continue", "stop")
OnDefect = Literal["continue", "stop", "restart"]
"""What is done with a run that dies: it goes on, it is stopped, or it is stopped and another one started."""
RESTARTS = 3
"""How often a dead run is followed by one with another seed, at most."""


def while_training(on_defect: OnDefect) -> Policy:
    """What a recorder does at a defect. A restart begins when the dead run has been stopped."""
    return "continue" if on_defect == "continue" else "stop"


@dataclass(frozen=True)
class RecordingOptions:
    """How a training is recorded. The fields are keyword arguments of :class:`~diagnostics.record.recorder.Recorder`.

    ``overwrite``: whether a log of the same name is replaced; False (default) makes it an error.
    ``log_every``: steps from one row of the log to the next, at least 1; default 1.
    ``histograms_every``: steps from one snapshot of histograms, silent units and first kernels to the next; 0 takes
    none; default 25.
    ``checkpoint_every``: steps from one checkpoint of the exact state to the next; 0 saves none. None (default) is
    200 steps where there are a model and a path, or as often as the log of a resumed run says.
    ``on_error``: "continue" (default) or "stop": what training does when the log cannot be written any more.
    ``on_defect``: "continue" (default) or "stop": what training does when a defect is confirmed.
    ``detector``: True (default) judges by the default thresholds (a resumed run by those of its log), Thresholds by
    these; False does not judge.

    Raises SettingsError naming the option, what it received and what it expects.
    """

    overwrite: bool = False
    log_every: int = 1
    histograms_every: int = 25
    checkpoint_every: int | None = None
    on_error: Policy = "continue"
    on_defect: Policy = "continue"
    detector: bool | Thresholds = True

    def __post_init__(self) -> None:
        expect_whole("Recorder: log_every", self.log_every, 1)
        expect_whole("Recorder: histograms_every", self.histograms_every, 0)
        if self.checkpoint_every is not None:
            expect_whole("Recorder: checkpoint_every", self.checkpoint_every, 0)
        for name, policy in (("on_error", self.on_error), ("on_defect", self.on_defect)):
            if policy not in POLICIES:
                raise SettingsError(f"Recorder: {name}: received {policy!r}, expected 'continue' or 'stop'")
        if not isinstance(self.detector, bool | Thresholds):
            raise SettingsError(f"Recorder: detector: received {self.detector!r}, expected True, False or Thresholds")

    def judged_by(self, batch_size: int, before: RunInfo | None) -> dict[str, Any]:
        """Thresholds and window of a run, as fields of its RunInfo.

        ``batch_size``: samples a step.
        ``before``: what the log of a resumed run says; None for a new run.
        """
        if self.detector is False:
            return {}
        if self.detector is True and before is not None and before.thresholds:
            return {"thresholds": before.thresholds, "window": before.window}
        thresholds = DEFAULT_THRESHOLDS if self.detector is True else self.detector
        return {"thresholds": dict(thresholds), "window": window_of(thresholds, batch_size)}


DEFAULT_RECORDING = RecordingOptions()
