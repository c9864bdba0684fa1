"""Makes a run of ``Model.train`` again: the model before the first step, the data, and the batches of its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from diagnostics.errors import ReplayError
from diagnostics.record.rollback import phases, reordering, switch_on
from diagnostics.replay.batch import Batch
from diagnostics.replay.library_subject import LibrarySubject
from diagnostics.replay.training_set import TrainingSet
from diagnostics.schema.rollback import Rollback
from diagnostics.schema.run_info import RunInfo
from lenet.checks import check_inputs
from lenet.errors import LenetError, SettingsError
from lenet.hooks import Hook, StepStart
from lenet.losses import sparse_labels
from lenet.model import Model
from lenet.rebuild import model_from
from lenet.settings import Settings
from lenet.training.order import Order, as_they_lie, samples_of, shuffled
from lenet.training.state import State

ModelMaker = Callable[[], Model]
GIVEN = "given"


@dataclass(frozen=True)
class LibraryRun:
    """How a run of this library is made again.

    Args:
        info: what its log says of it.
        training_set: the data that it was trained on.
        build: makes the model as it was before its first step; None to make it from the settings in the log,
            or from the description of its layers.
        order: the order of the samples, where the run had one of its own; None where it had none.
        threads: how many threads compute; None for all cores. The result does not depend on it.
        rollbacks: where the run was turned back; from each on its remedy is in use.
    """

    info: RunInfo
    training_set: TrainingSet
    build: ModelMaker | None = None
    order: Order | None = None
    threads: int | None = None
    rollbacks: tuple[Rollback, ...] = ()
    can_start_anywhere = True

    def fresh_model(self) -> Model:
        """The model as it was before the first step. Raises ReplayError where it cannot be made."""
        if self.build is not None:
            model = self.build()
            if not isinstance(model, Model):
                raise ReplayError(f"build: returned {type(model).__name__}, expected a Model")
            return model
        try:
            settings = self._settings()
            if settings is None:
                return model_from(self.info.description, seed=self.info.seed, threads=self.threads)
            image = self.training_set.X.shape[1:4]
            settings = replace(settings, threads=self.threads)
            return settings.build_model(samples=self.info.samples, image=(image[0], image[1], image[2]))
        except LenetError as error:
            raise ReplayError(
                f"the model cannot be made from the log ({error}); give build=, a function that returns the "
                "model as it was before its first step"
            ) from None

    def begin(self, state: State | None) -> Model:
        """A model in this state of the run, or as it was before the first step (None)."""
        model = self.fresh_model()
        if state is not None:
            model.restore(state)
        for step, rollbacks in self._phases:
            if step <= model.step:
                switch_on(model, rollbacks)
        return model

    def live_model(self, step: int, state: State) -> Model:
        """The model just before ``step``, which the caller may change and train."""
        return self.begin(state)

    def train(self, model: Model, stop: int, hooks: Sequence[Hook] = (), order: Order | None = None) -> None:
        """Train ``model`` from its state until ``stop`` steps of the run are made, in the run's order or another."""
        order = order or self._order_of_run()
        later = [(step, rollbacks) for step, rollbacks in self._phases if step > model.step]
        switching = [SwitchesRemediesOn(model, dict(later))] if later else []
        model.train(
            self.training_set.X,
            self.training_set.y,
            epochs=max(self.info.epochs, -(-stop // self.info.steps_per_epoch)),
            batch_size=self.info.batch_size,
            print_every=0,
            hooks=[*switching, *hooks],
            steps=stop,
            shuffle=order is None and self._is_shuffled,
            order=order,
        )

    def order_of_run(self) -> Order:
        """The order in which the run was trained on its samples. Raises ReplayError where the log does not say."""
        return self._order_of_run() or self._usual_order()

    def batch_of(self, step: int) -> Batch:
        """The batch of a step."""
        epoch, step_in_epoch = divmod(step, self.info.steps_per_epoch)
        start = step_in_epoch * self.info.batch_size
        stop = min(start + self.info.batch_size, self.info.samples)
        indices = samples_of(self.order_of_run(), epoch + 1, self.info.samples)
        return self._batch(np.arange(start, stop) if indices is None else indices[start:stop])

    def others(self, step: int, samples: int) -> dict[str, Batch]:
        """The next batch, and samples of the training set that are the same for every step."""
        chosen = np.random.default_rng(0).permutation(self.info.samples)[:samples]
        return {"next_batch": self.batch_of(step + 1), "sample": self._batch(np.sort(chosen))}

    def subject(self) -> LibrarySubject:
        """The network as a subject, in float64 where it can be made so."""
        model = self.fresh_model()
        try:
            wide = model_from({**model.describe(), "dtype": "float64"}, seed=0, threads=self.threads)
        except SettingsError:  # some layers that users write cannot be made in float64
            wide = self.fresh_model()
        return LibrarySubject(model, wide)

    def _batch(self, indices: NDArray[np.intp]) -> Batch:
        """Samples and classes at these places of the training set, in the form that the network takes."""
        X, y = self.training_set.X, self.training_set.y
        shape, classes = self._form
        return Batch(check_inputs("X", X[indices], shape), sparse_labels(y[indices], classes), indices)

    @cached_property
    def _form(self) -> tuple[tuple[int, ...], int]:
        """The shape of one sample, and the number of classes."""
        model = self.fresh_model()
        return model.input_shape, model.classes

    def _own_order(self) -> Order | None:
        """The order that the run was given; None for the order of the data and for shuffled samples."""
        if self.order is None and self.info.description.get("order") == GIVEN:
            raise ReplayError("the run had an order of its samples that its log does not hold; give it: order=")
        return self.order

    def _order_of_run(self) -> Order | None:
        """The order that the run was given, or got by a rollback; None for the usual one."""
        own, reorder = self._own_order(), reordering(self.rollbacks, self.info)
        return own if reorder is None else reorder(own or self._usual_order())

    def _usual_order(self) -> Order:
        return shuffled(self.info.seed, self.info.samples) if self._is_shuffled else as_they_lie

    @cached_property
    def _phases(self) -> list[tuple[int, tuple[Rollback, ...]]]:
        return phases(self.rollbacks)

    @property
    def _is_shuffled(self) -> bool:
        known = self.info.description.get("order")  # logs before version 1.2 do not have it there
        return known == "shuffled" if known is not None else bool(self.info.settings.get("shuffle"))

    def _settings(self) -> Settings | None:
        """The settings of ``lenet-diag train`` or of a study; None where training was run from Python."""
        if not self.info.settings:
            return None
        try:
            return Settings.from_dict(self.info.settings)
        except SettingsError:  # settings in a user's own words, of a model that was built in Python
            return None


class SwitchesRemediesOn(Hook):
    """Changes the optimiser of a model at the steps at which the run was turned back.

    Args:
        model: the model that is trained.
        phases: the steps from which on remedies are in use, with these remedies.
    """

    def __init__(self, model: Model, phases: Mapping[int, Sequence[Rollback]]) -> None:
        self._model, self._phases = model, phases

    def wants(self, step: int) -> bool:
        """Whether ``step`` begins a phase."""
        return step in self._phases

    def on_step_start(self, event: StepStart) -> None:
        """Switch the remedies on, before the step is made."""
        switch_on(self._model, self._phases[event.step])
