"""A run whose steps are measured elsewhere, as on a GPU, announced to a recorder and to other hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.record.row_recorder import RowRecorder
from lenet.errors import SettingsError
from lenet.hooks import Hook, RunStatus, TensorInfo
from lenet.training.announcer import Announcer, StepResult
from lenet.training.listeners import Listeners
from lenet.training.progress import ENDLESS, TrainingProgress

NEEDS_ARRAYS = ("on_activations_ready", "on_gradients_ready", "on_update_done")


class FarParameters:
    """Parameters whose numbers lie elsewhere, as an announcer knows them."""

    def __init__(self) -> None:
        self.tensors: tuple[TensorInfo, ...] = ()
        self.values: NDArray[Any] = np.zeros(0, np.float32)
        self.gradients: NDArray[Any] = np.zeros(0, np.float32)

    def digest(self) -> str:
        """An empty text: reading all parameters from a device would cost too much."""
        return ""


class MeasuredRun:
    """Announces the start, the steps, the validations and the end of a run.

    Args:
        recorder: the recorder, whose meter has measured a step when it is announced.
        hooks: further hooks of the run, default none; hooks that need arrays are refused.
        began: called once the run has begun, and its log is there; default nothing.

    Raises:
        SettingsError: a hook that needs arrays.
    """

    def __init__(
        self, recorder: RowRecorder, hooks: Sequence[Hook] = (), began: Callable[[], object] = lambda: None
    ) -> None:
        for hook in hooks:
            needed = [name for name in NEEDS_ARRAYS if getattr(type(hook), name) is not getattr(Hook, name)]
            if needed:
                raise SettingsError(
                    f"hooks: received {type(hook).__name__}, which listens to {needed[0]}, expected one that needs no "
                    "arrays: they stay on their devices"
                )
        self._progress = TrainingProgress(steps_per_epoch=ENDLESS)
        self._parameters = FarParameters()
        self._announcer = Announcer(Listeners([recorder, *hooks]), self._parameters, self._progress)
        self._announcer.__enter__()
        self.clock = self._announcer.clock
        self.clock.restart()
        self._began, self.has_begun = began, False

    @property
    def step(self) -> int:
        """The number of the step that comes next, counted from 0."""
        return self._progress.step

    @property
    def status(self) -> RunStatus | None:
        """How the run ended; None until then."""
        return self._announcer.end.status if self._announcer.end else None

    def wants_next(self) -> bool:
        """Whether a hook wants the next step."""
        return self._announcer.wants(self._progress.step)

    def begin(
        self,
        tensors: Sequence[TensorInfo],
        *,
        samples: int | None,
        batch_size: int,
        epochs: int,
        steps_per_epoch: int | None,
        **known: Any,
    ) -> None:
        """Before the first step is announced; ``samples`` and ``steps_per_epoch`` are None where they are not known.

        ``known``: layers, description, seed and threads, as :meth:`Announcer.run_start` takes them.
        """
        self.has_begun, per_epoch = True, steps_per_epoch or 0
        self._progress.steps_per_epoch = steps_per_epoch or ENDLESS
        self._parameters.tensors = tuple(tensors)
        self._announcer.run_start(
            labels=None,
            inputs=None,
            classes=0,
            samples=samples or batch_size * max(1, per_epoch),
            epochs=epochs,
            batch_size=batch_size,
            total_steps=epochs * per_epoch,
            **known,
        )
        self._began()

    def measured(self, result: StepResult, seconds: float) -> None:
        """The step that came next has been measured."""
        self._announcer.step_start()
        self._announcer.step_end(result, seconds)
        self._end_epoch(result.learning_rate)

    def unheard(self, learning_rate: float) -> None:
        """A step has been made that no hook wants."""
        self._progress.step += 1
        self._end_epoch(learning_rate)

    def validated(self, loss: float, accuracy: float, samples: int) -> None:
        """The model has been validated between two steps."""
        self._announcer.validation_end(loss, accuracy, samples, self.clock.seconds)

    def end(self, error: BaseException | None) -> bool:
        """The run is over. Returns whether ``error`` was a request to stop, which goes no further."""
        return self._announcer.__exit__(type(error) if error else None, error, None)

    def raise_if_stopped(self) -> None:
        """Raise StopTraining where a hook has asked for it."""
        self._announcer.raise_if_stopped()

    def _end_epoch(self, learning_rate: float) -> None:
        if self._progress.ended_epoch is not None and self._progress.samples:
            self._announcer.epoch_end(learning_rate)
