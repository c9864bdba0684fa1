"""Penalties: what regularisers add to the loss of a Keras model, so that the log has it apart from the data loss."""

from __future__ import annotations

from typing import Any

from diagnostics.adapters.keras_arrays import as_array, backend
from diagnostics.adapters.keras_step import has_own_loss, has_own_step


class Penalties:
    """Computes the penalties of each step.

    Those of weights follow from the weights before the update. Those of outputs, and what a layer adds by ``add_loss``,
    are there after the step with the torch backend alone.

    ``are_known``: whether all penalties in the loss are known; from the first step on.
    """

    def __init__(self) -> None:
        self.are_known = True
        self._of_weights, self._has_any = 0.0, True

    def begin(self, model: Any) -> None:
        """Call it before a step."""
        self._of_weights = _of_weights(model)

    def first_step(self, model: Any) -> None:
        """Call it after the first step: the penalties of a model are known when its layers have been called."""
        has_others = any(_adds_losses(one) for one in model._flatten_layers())
        self._has_any = bool(model.losses) or has_others
        is_told = not has_own_step(model) and not has_own_loss(model)
        is_seen = backend() == "torch" or not has_others
        self.are_known = not self._has_any or (is_told and is_seen)

    def of_step(self, model: Any) -> float:
        """The penalties in the loss of the step; 0 where they are not known."""
        return self._of_weights + _others(model) if self._has_any and self.are_known else 0.0


def _regularised(model: Any) -> list[Any]:
    return [one for one in model.trainable_variables if getattr(one, "regularizer", None) is not None]


def _adds_losses(layer: Any) -> bool:
    """Whether a layer adds something else to the loss than penalties of its weights."""
    code = getattr(type(layer).call, "__code__", None)
    is_of_keras = type(layer).__module__.startswith("keras.")
    return getattr(layer, "activity_regularizer", None) is not None or (
        not is_of_keras and code is not None and "add_loss" in code.co_names
    )


def _of_weights(model: Any) -> float:
    return sum(float(as_array(one.regularizer(one))) for one in _regularised(model))


def _others(model: Any) -> float:
    """What is not of the weights; with torch the losses of the model are those of its newest call."""
    if backend() != "torch" or len(model.losses) == len(_regularised(model)):
        return 0.0
    return sum(float(as_array(one).sum()) for one in model.losses) - _of_weights(model)
