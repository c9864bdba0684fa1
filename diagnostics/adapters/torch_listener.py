"""TorchListener: what the hooks of a model, its optimisers and its criterion call, and when a step is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from diagnostics.adapters.measured_run import MeasuredRun
from diagnostics.adapters.torch_criterion import CriterionArguments, loss_in
from diagnostics.adapters.torch_hooks import HookSet, is_ordinary
from diagnostics.adapters.torch_loss import CORRECT, COUNT, DATA_LOSS, LOSS, BatchSums, LossTap, joined
from diagnostics.adapters.torch_optimizers import have_own_rates, inverse_scale, rate_of, rates_of
from diagnostics.adapters.torch_outputs import tensor_in
from diagnostics.adapters.torch_plan import StepPlan
from diagnostics.adapters.torch_start import RunKnowledge
from diagnostics.adapters.torch_step_losses import StepLosses, weighed_together
from diagnostics.adapters.torch_trace import ForwardTrace
from diagnostics.adapters.torch_updates import KeptValues, SpentAside, UpdatesUnderWay
from diagnostics.adapters.torch_vector import StepVector
from diagnostics.adapters.torch_warnings import (
    LATE_GRADIENT,
    LEFT_OUT,
    NEW_PARAMETERS,
    NO_LOSS,
    SEVERAL_LOSSES,
    Warnings,
)
from diagnostics.record.row_recorder import RowRecorder
from lenet.errors import SettingsError
from lenet.training.announcer import StepResult


class TorchListener:
    """Gathers what belongs to a step, and hands the step over when its update is done.

    Args:
        model: the module that is trained.
        optimizers: its optimisers.
        loss: reads losses.
        losses: keeps those of the step under way.
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
        losses: StepLosses,
        run: MeasuredRun,
        recorder: RowRecorder,
        knowledge: RunKnowledge,
        tracing: HookSet,
    ) -> None:
        self.plan: StepPlan | None = None
        self._model, self._optimizers, self._loss, self._losses = model, optimizers, loss, losses
        self._arguments = CriterionArguments(loss.criterion)
        self._run, self._recorder, self._knowledge = run, recorder, knowledge
        self._trace: ForwardTrace | None = ForwardTrace()
        self._tracing = tracing
        self._vector = StepVector()
        self._stepped: set[Any] = set()
        self._updates = UpdatesUnderWay()
        self._early: KeptValues | None = None
        self._rate = 0.0
        self._trains_in_evaluation: bool | None = None
        self._warnings = Warnings()
        self._is_listening = True
        self._forwards, self._heard = 0, 0

    # ---- the forward pass

    def on_batch(self, module: Any, inputs: Any, named: Mapping[str, Any]) -> None:
        """The model is called."""
        self._forwards += 1
        if not self._hears_forward():
            return
        with self._aside():
            if self._trace is not None:
                self._trace.restart(self._model.training)
            if (batch := tensor_in((*inputs, *named.values()))) is not None:
                if self.plan is not None:
                    self.plan.take_batch(batch.detach(), self._vector)
                elif self._trace is not None:
                    self._trace.feeds(batch.detach())

    def on_call(self, module: Any, inputs: Any) -> None:
        """A module with parameters is called; within a checkpoint first without a graph."""
        if self.plan is None and self._trace is not None and self._is_listening:
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
        if is_ordinary():
            self._take_loss(loss_in(loss, told=False), *self._arguments.read(inputs, named), told=False)

    def observe(self, loss: Any, outputs: Any, targets: Any) -> None:
        """The loop tells a loss. One without a graph is trained on where the model is in training mode."""
        self._take_loss(loss_in(loss, told=True), outputs, targets, told=True)

    def _take_loss(self, loss: Any, outputs: Any, targets: Any, told: bool) -> None:
        import torch

        self._heard += 1
        is_trained = loss.requires_grad or (told and self._model.training and torch.is_grad_enabled())
        if not is_trained:
            if not self._model.training and self._run.has_begun and self._is_listening:
                with self._aside():
                    self._losses.add_validation(self._loss.batch(loss, outputs, targets, is_training=False))
            return
        if self._stepped:  # one of several optimisers has not stepped this time
            self.finish_step()
        if not self._is_listening:
            return
        is_training = self._model.training
        self.emit_validations(may_train=not is_training)
        with self._aside():
            if self._trace is not None:
                self._trace.taken(outputs)
            batch = self._loss.batch(loss, outputs, targets, is_training)
            batch.forward, batch.is_told = self._forwards, told
            if loss.requires_grad:
                if loss.ndim:
                    batch.weighed = partial(self._loss.batch, loss.detach(), outputs, targets, is_training)
                self._losses.add(batch, loss)
            else:
                self._losses.add_used(batch)

    def emit_validations(self, may_train: bool = False) -> None:
        """Announce what was validated; ``may_train``, default False: losses in evaluation mode may be trained on."""
        found = self._losses.take_validations(may_train)
        if not found:
            return
        with self._aside():
            sums = self._sums(found)
            self._vector.deliver()
            self._run.validated(sums[DATA_LOSS] / sums[COUNT], sums[CORRECT] / sums[COUNT], int(sums[COUNT]))
        self._run.clock.restart()

    # ---- the update

    def before_update(self, optimizer: Any, arguments: Any, named: Any) -> None:
        """An optimiser begins its step."""
        if not self._updates.begin(optimizer, self._heard):
            return
        if optimizer in self._stepped:
            self.finish_step()
        if self._is_listening:
            with self._aside():
                if self.plan is None and not self._losses.used():
                    self._early = KeptValues(self._model)  # the update may run the model itself
                else:
                    self._open(optimizer)

    def after_update(self, optimizer: Any, arguments: Any, named: Any) -> None:
        """An optimiser has made its step."""
        if not self._updates.end(optimizer):
            return
        self._stepped.add(optimizer)
        if self._is_listening:
            with self._aside():
                if self._early is not None:
                    with self._early.put_back():
                        self._open(optimizer)
                    self._early = None
                for group in self.plan.groups.get(optimizer, ()) if self.plan is not None else ():
                    if self._updates.has_run_model(optimizer, self._heard):
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
        self._losses.clear()
        self._updates.clear()
        self._stepped = set()
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

        if not self._is_listening or not torch.is_grad_enabled() or not is_ordinary():
            return False
        return self._trains_in_evaluation is not False or bool(self._model.training)

    def _open(self, optimizer: Any) -> None:
        if self.plan is None:
            self._make_plan()
        plan = self.plan
        if plan is None:
            return
        if not self._updates.has_opened:
            self._updates.has_opened = True
            self._rate = rate_of(self._optimizers[0].param_groups[0])
            if new := plan.new_parameters(self._model, self._optimizers):
                self._warnings.say(NEW_PARAMETERS, ", ".join(new))
            if have_own_rates(self._optimizers):
                plan.numbers.rates[:] = rates_of((one.parameter for one in plan.tensors), self._optimizers)
            self._trains_in_evaluation = not self._model.training
            for group in plan.groups.get(None, ()):
                group.before(1.0, self._vector)
        for group in plan.groups.get(optimizer, ()):
            group.before(inverse_scale(optimizer), self._vector)

    def _make_plan(self) -> None:
        trace, self._trace = self._trace, None
        if trace is not None:
            self.plan = StepPlan(self._model, self._optimizers, trace, self._knowledge.activations)
            self.plan.take_trace(trace, self._vector)
            self._tracing.remove()

    def _end_heard(self) -> None:
        """Hand over the step; one without a loss has no row."""
        self._losses.set_validations_apart()
        used, plan = self._losses.used(), self.plan
        if used and plan is not None:
            self._hand_over(used, plan)
            return
        if not self._run.has_begun:
            raise SettingsError(NO_LOSS)
        self._warnings.say(LEFT_OUT, self._run.step)
        self._run.unheard(self._rate)

    def _hand_over(self, used: list[BatchSums], plan: StepPlan) -> None:
        for optimizer, groups in plan.groups.items():
            for group in groups:
                if optimizer is not None and optimizer not in self._stepped:  # it has changed nothing in this step
                    group.before(1.0, self._vector)
                if optimizer not in self._stepped:
                    group.after(self._vector)
        together = weighed_together(used)
        if len(together) < len(used):
            self._warnings.say(SEVERAL_LOSSES)
        sums = self._sums(together)
        plan.finish(self._vector)
        seconds = self._run.clock.seconds
        samples = max(1, round(float(sums[COUNT])))
        if not self._run.has_begun:
            plan.find_still(self._stepped)
            self._knowledge.begin(self._run, self._recorder, plan, self._loss, samples)
        elif plan.still and (found := plan.surprising()):
            self._warnings.say(LATE_GRADIENT, ", ".join(found))
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
