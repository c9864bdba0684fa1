"""The hooks that listen to the events of a training run.

A :class:`Hook` overrides the ``on_...`` methods of the events it needs, and says in
:meth:`Hook.wants` which steps it needs them of. The loop knows nothing of what hooks do.
The events (:mod:`lenet.events`) can be imported from here as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray

from lenet.events import ActivationsReady as ActivationsReady
from lenet.events import EpochEnd as EpochEnd
from lenet.events import FloatArray as FloatArray
from lenet.events import GradientsReady as GradientsReady
from lenet.events import LayerInfo as LayerInfo
from lenet.events import RunEnd as RunEnd
from lenet.events import RunStart as RunStart
from lenet.events import RunStatus as RunStatus
from lenet.events import StepEnd as StepEnd
from lenet.events import StepStart as StepStart
from lenet.events import TensorInfo as TensorInfo
from lenet.events import TurnedBack as TurnedBack
from lenet.events import UpdateDone as UpdateDone
from lenet.events import ValidationEnd as ValidationEnd


class StopTraining(Exception):
    """Raised by a hook to end the run after this step; the message is the reason."""


class ContinueFrom(StopTraining):
    """Raised by a hook to make the run go on from another state after this step.

    A loop that cannot do that, such as one that a user wrote, ends the run instead.

    Args:
        reason: why, in words.
        state: the state from which the run goes on, as :meth:`lenet.Model.state` returns it.
        reorder: makes the new order of the samples from the old one; None (default) keeps the order.
    """

    def __init__(
        self, reason: str, state: Mapping[str, NDArray[Any]], reorder: Callable[[Any], Any] | None = None
    ) -> None:
        super().__init__(reason)
        self.state, self.reorder = state, reorder


class Hook:
    """Base class of the hooks; every method is empty.

    A subclass that defines a public ``on_...`` method of no event is refused with
    TypeError when it is defined, so that a misspelt event is found at once.

    An error of a hook ends the training. An optional hook has a name in ``optional``, such as
    ``"the live view"``: after an error it is switched off with one line, and the training goes on.
    """

    optional: ClassVar[str] = ""

    _events: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        unknown = sorted(n for n in dir(cls) if n.startswith("on_") and n not in Hook._events)
        if unknown:
            known = ", ".join(sorted(Hook._events))
            raise TypeError(f"{cls.__name__} listens to unknown event {unknown[0]}; known events: {known}")

    def wants(self, step: int) -> bool:
        """Whether this hook wants the events of this step; those of run, epoch and validation always come."""
        return True

    def switched_off(self) -> None:
        """Release what the hook holds. It is called after an optional hook has failed, which gets no more events."""

    def on_run_start(self, event: RunStart) -> None: ...
    def on_step_start(self, event: StepStart) -> None: ...
    def on_activations_ready(self, event: ActivationsReady) -> None: ...
    def on_gradients_ready(self, event: GradientsReady) -> None: ...
    def on_update_done(self, event: UpdateDone) -> None: ...
    def on_step_end(self, event: StepEnd) -> None: ...
    def on_epoch_end(self, event: EpochEnd) -> None: ...
    def on_validation_end(self, event: ValidationEnd) -> None: ...
    def on_turned_back(self, event: TurnedBack) -> None: ...
    def on_run_end(self, event: RunEnd) -> None: ...


Hook._events = frozenset(name for name in vars(Hook) if name.startswith("on_"))
