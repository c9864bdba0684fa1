"""TorchRecorder: records the training of a PyTorch model without a change to its loop.

    with TorchRecorder(model, optimizer, path="run.h5", criterion=criterion):
        ...                                           # the loop, unchanged

Hooks on modules see the outputs of layers, hooks on the optimisers gradients and updates, a hook on the criterion loss
and targets. Statistics are computed on the device of the tensors, and one vector a step comes to the host.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from diagnostics.adapters.measured_run import MeasuredRun
from diagnostics.adapters.torch_hooks import HookSet
from diagnostics.adapters.torch_layers import has_outputs, not_measured, takes_hooks
from diagnostics.adapters.torch_listener import TorchListener
from diagnostics.adapters.torch_loss import LossTap
from diagnostics.adapters.torch_meter import TorchMeter, recorded_columns
from diagnostics.adapters.torch_optimizers import have_own_rates, within
from diagnostics.adapters.torch_start import RunKnowledge
from diagnostics.adapters.torch_step_losses import StepLosses
from diagnostics.adapters.torch_warnings import COMPLEX, NO_STEP, Warnings
from diagnostics.detect.findings import Diagnosis
from diagnostics.measure.meter import Meter
from diagnostics.record.row_recorder import RowRecorder
from diagnostics.schema.columns import Columns
from diagnostics.schema.run_info import RunInfo
from diagnostics.schema.task import Task
from lenet.arguments import expect_whole
from lenet.errors import SettingsError, reason_of
from lenet.hooks import Hook, RunStart, RunStatus

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("lenet-diag")
FOUND = ("layer", "class", "tensors", "without gradient", "activation", "outputs")
"""The columns of what was found."""


class TorchRecorder:
    """Records a training loop of PyTorch; a context manager, or :meth:`attach` and :meth:`detach`.

    Args:
        model: the module that is trained.
        optimizer: its optimiser, or a list of several. A step is over when all of them have made theirs, or when one
            begins the next.
        path: the log; None (default) measures and judges without one.
        criterion: the module that computes the loss, called as ``criterion(outputs, targets)``; None (default) where
            each step calls :meth:`observe` instead.
        labels: targets of the whole training set, which give the loss of guessing; None (default) counts the targets of
            the first W steps.
        task: what the network is trained for; None (default) to see it from the criterion and its first targets.
        epochs: how many times the data are gone through, default 1.
        steps_per_epoch: steps of one epoch; None (default) to work it out from ``labels``, or for not known: then all
            is one epoch.
        every: steps from one that is measured to the next, default 1. The steps between cost nothing.
        activations: the functions after layers, by the names of the layers, where they are not found; default none.
        hooks: further hooks that need no arrays, such as a live view; default none.
        seed: kept in the log; None (default) where it is not known.
        description: what the log says of the model beside what is found out here; default nothing.
        recorder: options of the Recorder, default none, such as ``{"on_defect": "stop"}``; a log of the same name is
            replaced with ``{"overwrite": True}``.

    The attribute ``recorder`` is the recorder of rows.

    Raises:
        SettingsError: something does not fit; the message names it.
        LogWriteError: the log cannot be made.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        path: str | os.PathLike[str] | None = None,
        *,
        criterion: Any = None,
        labels: NDArray[Any] | None = None,
        task: Task | None = None,
        epochs: int = 1,
        steps_per_epoch: int | None = None,
        every: int = 1,
        activations: Mapping[str, str | None] | None = None,
        hooks: Sequence[Hook] = (),
        seed: int | None = None,
        description: Mapping[str, Any] | None = None,
        recorder: Mapping[str, Any] | None = None,
    ) -> None:
        expect_whole("epochs", epochs, 1)
        expect_whole("every", every, 1)
        if steps_per_epoch is not None:
            expect_whole("steps_per_epoch", steps_per_epoch, 1)
        self._model, self._optimizers = _module("model", model), _optimizers(optimizer)
        self._criterion = None if criterion is None else _module("criterion", criterion)
        self.recorder = RowRecorder(
            path, columns=self._columns, meter=self._meter, log_every=every, task=task, **(recorder or {})
        )
        self.recorder.check()
        self._run = MeasuredRun(self.recorder, hooks, lambda: atexit.register(self._close_at_exit))
        known = None if labels is None else np.asarray(labels)
        failed = self._give_up if all(hook.optional for hook in hooks) else None
        self._hooks, self._tracing = HookSet(failed), HookSet(failed)
        self._losses = StepLosses(self._optimizers, self._hooks.guard)
        self._listener = TorchListener(
            self._model,
            self._optimizers,
            LossTap(self._criterion, task),
            self._losses,
            self._run,
            self.recorder,
            RunKnowledge(
                self._optimizers,
                known,
                epochs,
                steps_per_epoch,
                seed,
                dict(description or {}),
                dict(activations or {}),
            ),
            self._tracing,
        )
        self._is_attached = self._has_ended = False

    def attach(self) -> Self:
        """Add the hooks to model, optimisers and criterion; the run begins with the next step."""
        if self._is_attached:
            raise SettingsError("attach: called twice, expected a TorchRecorder for each run")
        self._is_attached = True
        hooks, heard = self._hooks, self._listener
        if takes_hooks(self._model):
            hooks.add(self._model.register_forward_pre_hook, heard.on_batch, with_kwargs=True)
        for module in self._model.modules():
            if has_outputs(module):
                self._tracing.add(module.register_forward_pre_hook, heard.on_call)
                hooks.add(module.register_forward_hook, heard.on_output, with_kwargs=True)
        for optimizer in self._optimizers:
            hooks.add(optimizer.register_step_pre_hook, heard.before_update)
            hooks.add(optimizer.register_step_post_hook, heard.after_update)
        if self._criterion is not None:
            hooks.add(self._criterion.register_forward_hook, heard.on_criterion, with_kwargs=True)
        if complex_ones := not_measured(self._model):
            Warnings().say(COMPLEX, ", ".join(complex_ones))
        self._run.clock.restart()
        return self

    def detach(self) -> None:
        """Remove all hooks and end the run: the log is closed, and ``diagnosis`` is set."""
        self._end(None)

    def __enter__(self) -> Self:
        return self.attach()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return self._end(error)

    def observe(self, loss: Any, outputs: Any = None, targets: Any = None) -> None:
        """Record the loss of a batch if no module computes it. Call it before ``loss.backward()``.

        Args:
            loss: the mean loss of the batch, a tensor.
            outputs: the outputs of the model, (n, classes) for classes; None (default) to have no accuracy.
            targets: what they are compared with; None (default) to have no accuracy.
        """
        if self._is_attached and not self._has_ended:
            self._hooks.guard(self._listener.observe)(loss, outputs, targets)

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The diagnosis of the whole run; None until its end."""
        return self.recorder.diagnosis

    @property
    def status(self) -> RunStatus | None:
        """How the run ended; None until then."""
        return self._run.status

    @property
    def found(self) -> pd.DataFrame:
        """What was found, a row a layer; empty before the first step. It prints whole."""
        import pandas as pd

        from diagnostics.adapters.found_layers import FoundLayers

        plan = self._listener.plan
        return FoundLayers(pd.DataFrame(plan.in_words() if plan else [], columns=list(FOUND)).set_index("layer"))

    # ---- inside

    def _columns(self, start: RunStart) -> Columns:
        own = [f"{one.layer}/{one.tensor}" for one in start.tensors] if have_own_rates(self._optimizers) else []
        return recorded_columns(start, own)

    def _meter(self, info: RunInfo) -> Meter:
        plan = self._listener.plan
        if plan is None:
            raise RuntimeError("the run began before its first step")
        return TorchMeter(info, plan.numbers, plan.snapshot)

    def _end(self, error: BaseException | None) -> bool:
        atexit.unregister(self._close_at_exit)
        self._hooks.remove()
        self._tracing.remove()
        if self._has_ended or not self._is_attached:
            return False
        self._has_ended = True
        try:
            if error is None:
                self._listener.finish_step()
                self._listener.emit_validations()
        except BaseException as stop:
            return self._run.end(stop)
        if error is None:
            self._losses.end() if self._run.has_begun else Warnings().say(NO_STEP)
        return self._run.end(error)

    def _give_up(self, error: Exception) -> None:
        """A hook has failed: the recording ends, and the training goes on."""
        self._hooks.silence()
        self._tracing.silence()
        if not self._has_ended:
            self._has_ended = True
            log.error("TorchRecorder: the recording ends at step %d: %s", self._run.step, reason_of(error))
            log.debug("the error of the recorder", exc_info=error)
            self._run.end(error)

    def _close_at_exit(self) -> None:
        """A program that ends without ``detach`` has completed its run, unless an error ended it."""
        self._end(getattr(sys, "last_exc", None) or getattr(sys, "last_value", None))


def _module(name: str, value: Any) -> Any:
    """Raises SettingsError for what is no module of PyTorch."""
    if not hasattr(value, "register_forward_hook"):
        cure = "; call observe(loss, outputs, targets) in the loop instead" if name == "criterion" else ""
        raise SettingsError(f"{name}: received {type(value).__name__}, expected a torch.nn.Module{cure}")
    return value


def _optimizers(given: Any) -> list[Any]:
    """One optimiser, or several. Raises SettingsError for what is none."""
    found = [within(one) for one in (given if isinstance(given, list | tuple) else [given])]
    for one in found:
        if not hasattr(one, "register_step_pre_hook"):
            raise SettingsError(f"optimizer: received {type(one).__name__}, expected a torch.optim.Optimizer")
    if not found:
        raise SettingsError("optimizer: received none, expected at least one torch.optim.Optimizer")
    return found
