"""The loss, the outputs and the targets of a call of a criterion, or of observe, however they are handed over."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from lenet.errors import SettingsError


class CriterionArguments:
    """Finds outputs and targets among the arguments of a criterion.

    Args:
        criterion: the module; None where the loop tells the loss.
    """

    def __init__(self, criterion: Any) -> None:
        self._criterion = criterion
        self._are_swapped = False

    def read(self, positional: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, Any]:
        """Outputs and targets of one call, None where there are none.

        They are the first two arguments. The targets come first in a call such as ``mse(targets, outputs)``: there only
        the second argument has a graph.
        """
        given = list(positional)
        if named:
            bound = inspect.signature(self._criterion.forward).bind(*positional, **named)
            given = [*bound.args, *bound.kwargs.values()]
        outputs, targets = (*given, None, None)[:2]
        if getattr(targets, "requires_grad", False) or getattr(outputs, "requires_grad", False):
            self._are_swapped = not getattr(outputs, "requires_grad", True)
        return (targets, outputs) if self._are_swapped else (outputs, targets)


def loss_in(returned: Any, told: bool) -> Any:
    """The loss in what a criterion returned, or what observe was given (``told``): a tensor.

    Of a tuple it is the first tensor, and of a mapping the entry ``loss``.

    Raises:
        SettingsError: there is none.
    """
    import torch

    found = returned
    if isinstance(returned, Mapping):
        found = returned.get("loss")
    elif isinstance(returned, tuple | list):
        found = next((one for one in returned if isinstance(one, torch.Tensor)), None)
    elif told and isinstance(returned, float | int):
        found = torch.tensor(float(returned))
    if isinstance(found, torch.Tensor):
        return found
    if told:
        raise SettingsError(f"observe: loss: received {type(returned).__name__}, expected a tensor")
    keys = f" with the entries {', '.join(map(str, returned))}" if isinstance(returned, Mapping) else ""
    raise SettingsError(
        f"criterion: returned {type(returned).__name__}{keys}, expected a tensor; leave criterion= out, and call "
        "observe(loss, outputs, targets) in the loop"
    )
