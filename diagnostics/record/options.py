"""RecordingOptions: how a training is recorded, as one object for command line, study, recorder and log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from diagnostics.detect.detector import DEFAULT_THRESHOLDS
from diagnostics.detect.rollback_remedies import DEFAULT_REMEDY, ROLLBACK_REMEDIES
from diagnostics.detect.symptoms import window_of
from diagnostics.detect.thresholds import Thresholds
from diagnostics.log.run_log import Policy
from diagnostics.schema.header import Header
from diagnostics.schema.run_info import RunInfo
from lenet.arguments import expect_whole
from lenet.errors import SettingsError

POLICIES = ("continue", "stop")
DefectPolicy = Literal["continue", "stop", "rollback"]
"""What a recorder does at a defect: the training goes on, stops, or goes on from a state before the defect."""
DEFECT_POLICIES = (*POLICIES, "rollback")
OnDefect = Literal["continue", "stop", "restart", "rollback"]
"""What is done at a defect. With restart the run is stopped, and another one is started with the next seed."""
RESHUFFLED = "reshuffled"
RESTARTS = 3
"""The largest number of restarts after a defect run."""


def while_training(on_defect: OnDefect) -> DefectPolicy:
    """What a recorder does at a defect. A restart begins after the recorder has stopped the defect run."""
    return "stop" if on_defect == "restart" else on_defect


@dataclass(frozen=True)
class RecordingOptions:
    """How a training is recorded. The fields are keyword arguments of :class:`~diagnostics.record.recorder.Recorder`.

    ``overwrite``: whether a log of the same name is replaced; False (default) makes it an error.
    ``log_every``: steps from one row of the log to the next, at least 1; default 1.
    ``histograms_every``: steps from one snapshot of histograms, silent units and first kernels to the next; 0 takes
    none; default 25.
    ``checkpoint_every``: steps from one checkpoint of the exact state to the next; 0 saves none. None (default) is
    100 steps where there are a model and a path, or as often as the log of a resumed run says.
    ``on_error``: "continue" (default) or "stop": what training does when the log cannot be written any more.
    ``on_defect``: "continue", "stop" or "rollback": what training does when a defect is confirmed. None (default) is
    "continue", or what the log of a resumed run says. A rollback goes back to the newest checkpoint before the chain
    of events, and on from there with a remedy, at most three times.
    ``rollback_with``: the remedy, a key of :data:`diagnostics.detect.rollback_remedies.ROLLBACK_REMEDIES`; default
    "quarter-rate".
    ``rollback_reshuffle``: whether a rollback gives the samples that the epoch has left, and those of later epochs, a
    new order; default False.
    ``detector``: True (default) judges by the default thresholds, or by those of the log of a resumed run. Thresholds
    are used as they are. False does not judge.

    Raises SettingsError naming the option, what it received and what it expects.
    """

    overwrite: bool = False
    log_every: int = 1
    histograms_every: int = 25
    checkpoint_every: int | None = None
    on_error: Policy = "continue"
    on_defect: DefectPolicy | None = None
    detector: bool | Thresholds = True
    rollback_with: str = DEFAULT_REMEDY
    rollback_reshuffle: bool = False

    def __post_init__(self) -> None:
        expect_whole("Recorder: log_every", self.log_every, 1)
        expect_whole("Recorder: histograms_every", self.histograms_every, 0)
        if self.checkpoint_every is not None:
            expect_whole("Recorder: checkpoint_every", self.checkpoint_every, 0)
        if self.on_error not in POLICIES:
            raise SettingsError(f"Recorder: on_error: received {self.on_error!r}, expected 'continue' or 'stop'")
        if self.on_defect not in (None, *DEFECT_POLICIES):
            raise SettingsError(
                f"Recorder: on_defect: received {self.on_defect!r}, expected 'continue', 'stop' or 'rollback'"
            )
        if self.rollback_with not in ROLLBACK_REMEDIES:
            known = ", ".join(ROLLBACK_REMEDIES)
            raise SettingsError(f"Recorder: rollback_with: received {self.rollback_with!r}, expected one of {known}")
        if self.on_defect == "rollback" and (self.detector is False or self.checkpoint_every == 0):
            missing = "a detector" if self.detector is False else "checkpoints"
            raise SettingsError(f"Recorder: on_defect: received 'rollback' without {missing}, which it needs")
        if not isinstance(self.detector, bool | Thresholds):
            raise SettingsError(f"Recorder: detector: received {self.detector!r}, expected True, False or Thresholds")

    @property
    def on_defect_words(self) -> str:
        """What is done at a defect, in the words of the log."""
        words: list[str] = [self.on_defect or "continue"]
        if self.on_defect == "rollback":
            words += [self.rollback_with, *([RESHUFFLED] if self.rollback_reshuffle else [])]
        return " ".join(words)

    def resumed(self, header: Header) -> RecordingOptions:
        """The options of a resumed run.

        ``header``: that of its log. It says how often rows and snapshots come. It says how often checkpoints come, and
        what is done at a defect, unless these options say it.
        """
        known: dict[str, Any] = {"log_every": header.log_every, "histograms_every": header.histograms_every}
        if self.checkpoint_every is None:
            known["checkpoint_every"] = header.checkpoint_every or None
        policy, *how = header.on_defect.split()
        if self.on_defect is None and policy in DEFECT_POLICIES:
            remedy = how[0] if how and how[0] in ROLLBACK_REMEDIES else DEFAULT_REMEDY
            known |= {"on_defect": policy, "rollback_with": remedy, "rollback_reshuffle": RESHUFFLED in how}
        return replace(self, **known)

    def judged_by(self, batch_size: int, before: RunInfo | None) -> dict[str, Any]:
        """Thresholds and window of a run, as fields of its RunInfo.

        ``batch_size``: samples of a step.
        ``before``: the RunInfo in the log of a resumed run; None for a new run.
        """
        if self.detector is False:
            return {}
        if self.detector is True and before is not None and before.thresholds:
            return {"thresholds": before.thresholds, "window": before.window}
        thresholds = DEFAULT_THRESHOLDS if self.detector is True else self.detector
        return {"thresholds": dict(thresholds), "window": window_of(thresholds, batch_size)}


DEFAULT_RECORDING = RecordingOptions()
