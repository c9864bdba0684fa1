"""A branch: a training from a replayed state, with other batches or settings, judged by the detector of the run.

    branch = Branch(replay("dead.h5").at(24), order=7)
    branch.model.optimizer.clip_norm = 1.0
    branch.train(300)
    branch.diagnosis().verdict

The detector of a branch has seen the rows of the logged run up to the branch point. A
branch without any change has the rows of the log, bit for bit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.detect.detector import Detector
from diagnostics.detect.findings import Diagnosis
from diagnostics.errors import ReplayError
from diagnostics.measure.meter import StepMeter
from diagnostics.replay.library import LibraryRun
from diagnostics.replay.measuring import MeasuringHook
from diagnostics.replay.moment import Moment
from lenet.hooks import Hook, StepEnd, StopTraining
from lenet.model import Model
from lenet.training.order import Indices, Order, reshuffled

Decision = Callable[[Detector], str | None]


class Branch:
    """A training that goes on from a moment of a run.

    Args:
        moment: the moment of the run at which it starts.
        order: None (default) for the batches that the run had. A seed gives another order to the samples that are
            left of the epoch, and to later epochs. An order of your own is taken as it is.

    Attributes:
        model: the model in the state of the moment. Changes have to be made before :meth:`train`.
        order: the order of the samples.
        steps: the steps made so far, in order.
        rows: one row for each of them, with the columns of the log.
        detector: the detector that judges it, which has seen the logged rows before the branch point.
        status: how the training ended; None before the end.
        reason: why the training was stopped; "" where it was not.
    """

    def __init__(self, moment: Moment, order: int | Order | None = None) -> None:
        recipe, info = moment.recipe, moment.run.info
        if not isinstance(recipe, LibraryRun):
            raise ReplayError(
                "branch: the run is of a training loop that a user wrote, which a replay cannot continue in another way"
            )
        self.moment, self._recipe = moment, recipe
        self.model: Model = recipe.begin(moment.state)
        if isinstance(order, int):
            done = moment.step % info.steps_per_epoch * info.batch_size
            order = reshuffled(recipe.order_of_run(), order, done, moment.epoch, info.samples)
        self.order: Order | None = order
        self.detector: Detector = _copy(moment.detector)
        self._judging = _Judging(moment, self.detector)
        self.steps: list[int] = self._judging.steps
        self.rows: list[NDArray[np.float32]] = self._judging.rows
        self.status: str | None = None
        self.reason = ""

    def train(self, stop: int | None = None, hooks: Sequence[Hook] = (), decide: Decision | None = None) -> None:
        """Train until ``stop`` steps of the run are made, counted from its beginning.

        Args:
            stop: None (default) for as many steps as the run was to make. A later call goes on from there.
            hooks: further hooks; default none.
            decide: is called after each step; where it returns a reason, the training ends.
        """
        asked = self.moment.run.info.total_steps if stop is None else stop
        self._judging.decide = decide
        self.model.restore(self.model.state())  # the training goes on from the state of the model
        self._recipe.train(self.model, asked, [self._judging, *hooks], self.order)
        self.status, self.reason = self.model.run_end.status, self.model.run_end.reason

    @property
    def meter(self) -> StepMeter:
        """The meter that measures it. It exists once the training has begun."""
        return self._judging.meter

    def diagnosis(self) -> Diagnosis:
        """The diagnosis of the branch, as if it ended now."""
        return _copy(self.detector).finish("completed", self.model.step)

    def scale_updates(self, factors: Mapping[int, float]) -> None:
        """Multiply the updates of some steps. The factor 0 leaves an update out; its batch is consumed all the same.

        ``factors``: the factor by step.
        """
        earlier = self.model.optimizer.iterations - self.model.step  # the updates of the model before this run
        self.model.optimizer.update_factors = {step + earlier: factor for step, factor in factors.items()}

    def swap_batch(self, step: int, indices: Indices) -> None:
        """Train at ``step`` on other samples: ``indices`` into the training set, as many as its batch has."""
        info, before = self.moment.run.info, self.order or self._recipe.order_of_run()
        swapped, step_in_epoch = divmod(step, info.steps_per_epoch)
        first = step_in_epoch * info.batch_size

        def order(epoch: int) -> Indices | None:
            found = before(epoch)
            if epoch != swapped + 1:
                return found
            samples = np.arange(info.samples) if found is None else found.copy()
            samples[first : first + info.batch_size] = indices
            return samples

        self.order = order


class _Judging(MeasuringHook):
    """Keeps the rows of a branch, and shows them to its detector.

    It does not hold the branch: the model, which the branch holds, holds its hooks, and would keep both alive.
    """

    def __init__(self, moment: Moment, detector: Detector) -> None:
        super().__init__(moment.run, moment.meter_state)
        self._detector = detector
        self.steps: list[int] = []
        self.rows: list[NDArray[np.float32]] = []
        self.decide: Decision | None = None

    def on_step_end(self, event: StepEnd) -> None:
        row = self.meter.finish(event).copy()
        self.steps.append(event.step)
        self.rows.append(row)
        self._detector.observe(event.step, event.epoch, row)
        reason = self.decide(self._detector) if self.decide is not None else None
        if reason is not None:
            raise StopTraining(reason)


def _copy(detector: Detector) -> Detector:
    """A detector that has seen the same rows. What never changes is shared, since copying it takes most of the time."""
    fixed = (detector.info, detector.thresholds)
    return copy.deepcopy(detector, {id(one): one for one in fixed})
