"""KerasStep: what one step of a Keras training gets, seen when all callbacks before it have been called.

A callback that is called before ours or after ours may change the learning rate or the metrics. So the train function
of the model is wrapped while it is recorded, and the wrapper reads them right before the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from diagnostics.adapters.keras_arrays import as_array, backend
from diagnostics.adapters.recorded_gradients import is_plain_sgd

CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
END_OF_DATA = ("StopIteration", "OutOfRangeError")
"""The exceptions that end an epoch whose number of batches nobody knows."""


class KerasStep:
    """What the newest training step of a model got.

    Attributes:
        rate: the learning rate; None before the first step, and where the model has no optimizer.
        samples: the size of the batch; None where it is not seen.
        is_weighted: whether the samples of the batch have weights.
        scale: what the loss is multiplied by before it is differentiated.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self.samples: int | None = None
        self.is_weighted, self.scale = False, 1.0
        self._model: Any = None
        self._function: Callable[..., Any] | None = None
        self._optimizer: Any = None
        self._applied: dict[int, Any] | None = None

    def attach(self, model: Any, begins: Callable[[Any], object], failed: Callable[[BaseException], object]) -> None:
        """Wrap the train function of a model.

        begins: called with the model right before each step. failed: told an error that ends the training.
        """
        self.detach()
        model.make_train_function()
        self._model, self._function, self._begins, self._failed = model, model.train_function, begins, failed
        model.train_function = self._train
        self.rate = None
        if backend() == "torch" and has_own_step(model) and not model.jit_compile and model.optimizer is not None:
            self._optimizer, self._applied = model.optimizer, {}
            self._optimizer.apply = self._apply

    def detach(self) -> None:
        """Give the model its train function back."""
        if self._model is not None and self._model.train_function == self._train:
            self._model.train_function = self._function
        if self._optimizer is not None:
            vars(self._optimizer).pop("apply", None)
        self._model = self._optimizer = self._applied = None

    def gradient(self, variable: Any) -> Any:
        """The gradient of a variable with the torch backend; None where there is none.

        It is that which the optimizer got if the model has a train step of its own, since such a step may
        differentiate several losses; else the one that PyTorch keeps.
        """
        found = variable.value.grad if self._applied is None else self._applied.get(id(variable))
        return None if found is None else as_array(found) / self.scale

    def has_gradients(self, model: Any) -> bool:
        """Whether the gradients of the first step were seen: all that an optimizer got, or those that PyTorch keeps."""
        if backend() != "torch":
            return True
        if self._applied is None:
            return not has_own_step(model)
        return all(id(one) in self._applied for one in model.trainable_variables)

    # ---- what the model calls

    def _train(self, *given: Any) -> Any:
        with suppress(Exception):  # what is not seen is not recorded
            given = self._look(given)
        try:
            return self._function(*given) if self._function else None
        except BaseException as error:
            if type(error).__name__ not in END_OF_DATA:
                self._failed(error)
            raise

    def _apply(self, gradients: Any, variables: Any = None) -> Any:
        gradients = list(gradients)
        variables = self._optimizer._trainable_variables if variables is None else list(variables)
        if self._applied is not None:
            self._applied.update((id(one), found) for one, found in zip(variables, gradients, strict=False))
        return type(self._optimizer).apply(self._optimizer, gradients, variables)

    # ---- inside

    def _look(self, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """Read what a step gets; returns what the train function shall get."""
        import keras

        self.samples = None
        if backend() == "jax":
            state, batches = given
            with keras.StatelessScope(state_mapping=_values(self._model, state)):
                self._read()
            return state, _SeenBatches(batches, self._see)
        self._read()
        if backend() == "torch":
            self._see(given[0][0])
            self.scale = self._loss_scale()
            if self._applied is not None:
                self._applied.clear()
        else:
            self._see_weights(getattr(given[0], "element_spec", None))
        return given

    def _read(self) -> None:
        """Read the learning rate, and what others read."""
        optimizer = self._model.optimizer
        self.rate = None if optimizer is None else float(as_array(optimizer.learning_rate))
        self._begins(self._model)

    def _see(self, batch: Any) -> None:
        import keras

        self._see_weights(batch)
        inputs = batch[0] if isinstance(batch, tuple | list) else batch
        first: Any = next((one for one in keras.tree.flatten(inputs) if one is not None), None)
        self.samples = int(first.shape[0]) if getattr(first, "shape", ()) else None

    def _see_weights(self, batch: Any) -> None:
        self.is_weighted |= isinstance(batch, tuple | list) and len(batch) == 3 and batch[2] is not None

    def _loss_scale(self) -> float:
        import keras

        scaled = getattr(self._model.optimizer, "scale_loss", None)
        return float(as_array(scaled(keras.ops.ones(())))) if scaled else 1.0


class _SeenBatches:
    """Batches that are shown to somebody when they are taken."""

    def __init__(self, batches: Iterator[Any], see: Callable[[Any], None]) -> None:
        self._batches, self._see = iter(batches), see

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        batch = next(self._batches)
        with suppress(Exception):
            self._see(batch)
        return batch


def _values(model: Any, state: Any) -> list[tuple[Any, Any]]:
    """The variables of optimizer and metrics, and their values in the state that the JAX backend hands on."""
    optimizer = [] if model.optimizer is None else model.optimizer.variables
    return [*zip(optimizer, state[2], strict=False), *zip(model.metrics_variables, state[3], strict=False)]


def has_own_step(model: Any) -> bool:
    """Whether a model overrides the train step of Keras."""
    import keras

    return type(model).train_step is not keras.Model.train_step


def has_own_loss(model: Any) -> bool:
    """Whether a model overrides how Keras computes the loss of a batch."""
    import keras

    return type(model).compute_loss is not keras.Model.compute_loss


def describe(model: Any) -> dict[str, Any]:
    """Optimizer and backend of a model, in plain types."""
    import keras

    known: dict[str, Any] = {"keras": keras.__version__, "backend": backend()}
    if model.optimizer is None:
        return known
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    known["optimizer"] = type(optimizer).__name__
    if optimizer is not model.optimizer:
        known["loss_scaling"] = True
    for name in ("momentum", "weight_decay", "gradient_accumulation_steps", *CLIPPING):
        value = getattr(optimizer, name, None)
        if isinstance(value, int | float) and value:
            known[name] = value
    if any(one in known for one in CLIPPING):
        known["clipping"] = "by Keras"
    return known


def follows_from_update(model: Any, description: Mapping[str, Any]) -> bool:
    """Whether every update is the gradient times the learning rate, and nothing else changes the variables."""
    if has_own_step(model) or model.optimizer is None or not is_plain_sgd(description):
        return False
    if "gradient_accumulation_steps" in description or "loss_scaling" in description:
        return False
    return not model.optimizer.use_ema and all(
        getattr(one, "constraint", None) is None for one in model.trainable_variables
    )
