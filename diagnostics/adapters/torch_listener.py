"""TorchListener: what the hooks of a model, its optimisers and its criterion call, and when a step is over."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from diagnostics.adapters.measured_run import MeasuredRun
from diagnostics.adapters.torch_hooks import HookSet
from diagnostics.adapters.torch_loss import CORRECT, COUNT, DATA_LOSS, LOSS, BatchSums, LossTap, joined
from diagnostics.adapters.torch_optimizers import have_own_rates, inverse_scale, rate_of, rates_of
from diagnostics.adapters.torch_outputs import tensor_in
from diagnostics.adapters.torch_plan import StepPlan
from diagnostics.adapters.torch_start import RunKnowledge
from diagnostics.adapters.torch_trace import ForwardTrace
from diagnostics.adapters.torch_vector import StepVector
from diagnostics.record.row_recorder import RowRecorder
from lenet.errors import SettingsError
from lenet.training.announcer import StepResult
from lenet.training.listeners import Stopwatch

log = logging.getLogger("lenet-diag")
NO_LOSS = (
    "criterion: an update came without a loss; expected the module that computes it as criterion=, called with outputs "
    "and targets, or a call of observe(loss, outputs, targets) before loss.backward()"
)


class SpentAside:
    """A context in which nothing is differentiated, and whose time is the recorder's and not the step's."""

    def __init__(self, recorder: RowRecorder, clock: Stopwatch) -> None:
        import torch

        self._recorder, self._clock, self._torch = recorder, clock, torch

    def __enter__(self) -> None:
        self._started, self._cost = perf_counter(), self._recorder.cost
        self._clock.__enter__()
        self._was_enabled = self._torch.is_grad_enabled()
        self._torch._C._set_grad_enabled(False)

    def __exit__(self, *exception: object) -> None:
        self._torch._C._set_grad_enabled(self._was_enabled)
        self._clock.__exit__()
        self._recorder.cost = self._cost + (perf_counter() - self._started) * 1e6


class TorchListener:
    """Gathers what belongs to a step, and hands the step over when its update is done.

    Args:
        model: the module that is trained.
        optimizers: its optimisers.
        loss: reads losses.
        run: what the steps are handed to.
        recorder: the recorder, which counts targets where the labels are not known.
        knowledge: what the user says of the run.
        tracing: the hooks that only the first step needs; they are taken off after it.

    Attributes:
        plan: what is measured; None before the first update.
    """

    def __init__(
        self,
        model: Any,
        optimizers: Sequence[Any],
        loss: LossTap,
        run: MeasuredRun,
        recorder: RowRecorder,
        knowledge: RunKnowledge,
        tracing: HookSet,
    ) -> None:
        self.plan: StepPlan | None = None
        self._model, self._optimizers, self._loss = model, optimizers, loss
        self._run, self._recorder, self._knowledge = run, recorder, knowledge
        self._trace: ForwardTrace | None = ForwardTrace()
        self._tracing = tracing
        self._vector = StepVector()
        self._validations: list[BatchSums] = []
        self._batches: list[BatchSums] = []
        self._stepped: set[Any] = set()
        self._opened: dict[Any, int] = {}
        self._rate = 0.0
        self._trains_in_evaluation: bool | None = None
        self._warned: set[str] = set()
        self._is_listening = True

    # ---- the forward pass

    def on_batch(self, module: Any, inputs: Any, named: Mapping[str, Any]) -> None:
        """The model is called."""
        if self._hears_forward() and (batch := tensor_in((*inputs, *named.values()))) is not None:
            with self._aside():
                if self.plan is not None:
                    self.plan.take_batch(batch.detach(), self._vector)
                elif self._trace is not None:
                    self._trace.feeds(batch.detach())

    def on_call(self, module: Any, inputs: Any) -> None:
        """A module with parameters is called."""
        if self.plan is None and self._trace is not None and self._hears_forward():
            self._trace.begins(module)

    def on_output(self, module: Any, inputs: Any, named: Mapping[str, Any], output: Any) -> None:
        """A module with parameters has been called."""
        if self._hears_forward():
            with self._aside():
                if self.plan is not None:
                    if (found := tensor_in(output)) is not None:
                        self.plan.take_output(module, found.detach(), self._vector)
                elif self._trace is not None:
                    self._trace.ends(module, (*inputs, *named.values()), output)

    # ---- the loss

    def on_criterion(self, module: Any, inputs: Any, named: Mapping[str, Any], loss: Any) -> None:
        """The criterion has been called."""
        given = [*inputs, *named.values(), None, None]
        self.take_loss(loss, given[0], given[1])

    def take_loss(self, loss: Any, outputs: Any, targets: Any) -> None:
        """The loss of a batch. One without a graph is of a validation, where the model is in evaluation mode."""
        if not loss.requires_grad:
            if not self._model.training and self._run.has_begun and self._is_listening:
                with self._aside():
                    self._validations.append(self._loss.batch(loss, outputs, targets, is_training=False))
            return
        if self._stepped:  # one of several optimisers has not stepped this time
            self.finish_step()
        if not self._is_listening:
            return
        self.emit_validations(may_train=not self._model.training)
        with self._aside():
            self._forget_unused()
            if self._trace is not None:
                self._trace.taken(outputs)
            batch = self._loss.batch(loss, outputs, targets, is_training=self._model.training)
            self._batches.append(batch)
            loss.register_hook(batch.use)

    def emit_validations(self, may_train: bool = False) -> None:
        """Announce what was validated; ``may_train``, default False: losses in evaluation mode may be trained on."""
        if not may_train:
            self._set_validations_apart()
        if not self._validations:
            return
        with self._aside():
            sums, self._validations = self._sums(self._validations), []
            self._vector.deliver()
            self._run.validated(sums[DATA_LOSS] / sums[COUNT], sums[CORRECT] / sums[COUNT], int(sums[COUNT]))
        self._run.clock.restart()

    # ---- the update

    def before_update(self, optimizer: Any, arguments: Any, named: Any) -> None:
        """An optimiser begins its step."""
        if optimizer in self._stepped:
            self.finish_step()
        if self._is_listening:
            with self._aside():
                self._open(optimizer)

    def after_update(self, optimizer: Any, arguments: Any, named: Any) -> None:
        """An optimiser has made its step."""
        self._stepped.add(optimizer)
        if self._is_listening and self.plan is not None:
            with self._aside():
                for group in self.plan.groups.get(optimizer, ()):
                    if len(self._batches) > self._opened[optimizer]:  # the optimiser has run the model itself
                        group.again(self._vector)
                    group.after(self._vector)
        if len(self._stepped) == len(self._optimizers):
            self.finish_step()

    def finish_step(self) -> None:
        """The step is over: its numbers come to the host, and are handed over. Does nothing where none was begun."""
        if not self._stepped:
            return
        if self._is_listening:
            with self._aside():
                self._end_heard()
        else:
            self._run.unheard(self._rate)
        self._batches, self._opened, self._stepped = [], {}, set()
        self._is_listening = self._run.wants_next()
        self._run.clock.restart()
        self._run.raise_if_stopped()

    # ---- inside

    def _aside(self) -> SpentAside:
        """Within, nothing is differentiated; the time counts as the recorder's and not as the step's."""
        return SpentAside(self._recorder, self._run.clock)

    def _hears_forward(self) -> bool:
        """Whether a forward pass belongs to a step that is measured: not where nothing is differentiated."""
        import torch

        if not self._is_listening or not torch.is_grad_enabled():
            return False
        return self._trains_in_evaluation is not False or bool(self._model.training)

    def _open(self, optimizer: Any) -> None:
        if self.plan is None:
            self._make_plan()
        plan = self.plan
        if plan is None:
            return
        if not self._opened:
            self._rate = rate_of(self._optimizers[0].param_groups[0])
            if have_own_rates(self._optimizers):
                plan.numbers.rates[:] = rates_of((one.parameter for one in plan.tensors), self._optimizers)
            self._trains_in_evaluation = not self._model.training
            for group in plan.groups.get(None, ()):
                group.before(1.0, self._vector)
        self._opened[optimizer] = len(self._batches)
        for group in plan.groups.get(optimizer, ()):
            group.before(inverse_scale(optimizer), self._vector)

    def _make_plan(self) -> None:
        trace, self._trace = self._trace, None
        if trace is not None:
            self.plan = StepPlan(self._model, self._optimizers, trace, self._knowledge.activations)
            self.plan.take_trace(trace, self._vector)
            self._tracing.remove()

    def _forget_unused(self) -> None:
        """Losses whose gradients were thrown away, as where a GradScaler left a step out, belong to no step."""
        if any(batch.is_used for batch in self._batches):
            first = next((p for group in self._optimizers[0].param_groups for p in group["params"]), None)
            if first is not None and first.grad is None:
                self._batches = []

    def _set_validations_apart(self) -> None:
        """Losses in evaluation mode from which no update follows are of a validation."""
        self._validations += [batch for batch in self._batches if not (batch.is_used or batch.is_training)]
        self._batches = [batch for batch in self._batches if batch.is_used or batch.is_training]

    def _end_heard(self) -> None:
        """Hand over the step; one without a loss has no row."""
        self._set_validations_apart()
        used, plan = [batch for batch in self._batches if batch.is_used], self.plan
        if used and plan is not None:
            self._hand_over(used, plan)
            return
        if not self._run.has_begun:
            raise SettingsError(NO_LOSS)
        self._warn("loss", f"step {self._run.step} came without a loss and has no row")
        self._run.unheard(self._rate)

    def _hand_over(self, used: list[BatchSums], plan: StepPlan) -> None:
        for optimizer, groups in plan.groups.items():
            for group in groups:
                if optimizer is not None and optimizer not in self._stepped:  # it has changed nothing in this step
                    group.before(1.0, self._vector)
                if optimizer not in self._stepped:
                    group.after(self._vector)
        sums = self._sums(used)
        plan.finish(self._vector)
        seconds = self._run.clock.seconds
        samples = max(1, round(float(sums[COUNT])))
        if not self._run.has_begun:
            plan.find_still(self._stepped)
            self._knowledge.begin(self._run, self._recorder, plan, self._loss, samples)
        elif plan.still and (found := plan.surprising()):
            self._warn(
                "gradient", f"{', '.join(found)}: had no gradient in the first step; the log has no columns of it"
            )
        for batch in used:
            if batch.targets is not None and self._recorder.counts_targets:
                self._recorder.targets(batch.targets.cpu().numpy())
        means = sums / sums[COUNT]
        result = StepResult(
            data_loss=float(means[DATA_LOSS]),
            penalty=float(means[LOSS] - means[DATA_LOSS]),
            accuracy=float(means[CORRECT]),
            correct=float(sums[CORRECT]),
            samples=samples,
            learning_rate=self._rate,
        )
        self._run.measured(result, seconds)

    def _sums(self, batches: list[BatchSums]) -> Any:
        place = np.zeros(4)
        joined(batches, self._vector, place)
        return place

    def _warn(self, what: str, message: str) -> None:
        """Say something once."""
        if what not in self._warned:
            self._warned.add(what)
            log.warning("TorchRecorder: %s", message)
