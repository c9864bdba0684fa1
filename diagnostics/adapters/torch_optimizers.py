"""What PyTorch's optimisers say: learning rates, the scale of gradients, and their settings for the log."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

SETTINGS = ("momentum", "nesterov", "weight_decay", "betas", "eps", "alpha")
"""Settings of an optimiser that a log keeps, where they are in use."""
WRAPPED = ("optimizer", "_optimizer", "base_optimizer", "opt")
"""Where wrappers keep the optimiser that makes the updates: those of accelerate, for warm-up, for two passes a step."""


def within(optimizer: Any) -> Any:
    """The optimiser of PyTorch that makes the updates, where it is wrapped; anything else as it is."""
    import torch

    seen: list[Any] = []
    while not any(optimizer is one for one in seen):
        seen.append(optimizer)
        held = [getattr(optimizer, name, None) for name in WRAPPED]
        optimizer = next((one for one in held if isinstance(one, torch.optim.Optimizer)), optimizer)
    return optimizer


def rate_of(group: Any) -> float:
    """The learning rate of a group of parameters, which may be a tensor; NaN where the optimiser finds its own."""
    rate = group.get("lr")
    return math.nan if rate is None else float(rate)


def rates_of(parameters: Iterable[Any], optimizers: Sequence[Any]) -> list[float]:
    """The learning rate of each parameter; NaN for one that no optimiser has."""
    known = {
        id(p): rate_of(group) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]
    }
    return [known.get(id(parameter), math.nan) for parameter in parameters]


def have_own_rates(optimizers: Sequence[Any]) -> bool:
    """Whether there are groups of parameters, which may have rates of their own."""
    return sum(len(optimizer.param_groups) for optimizer in optimizers) > 1


def inverse_scale(optimizer: Any) -> float:
    """What the gradients have to be multiplied by, where the optimiser itself takes off the scale of a GradScaler."""
    scale = getattr(optimizer, "grad_scale", None)
    return 1.0 if scale is None else 1.0 / float(scale)


def description_of(optimizers: Sequence[Any]) -> dict[str, Any]:
    """The optimisers as a log describes them."""
    first = optimizers[0]
    known: dict[str, Any] = {
        "optimizer": ", ".join(dict.fromkeys(type(one).__name__ for one in optimizers)),
        "learning_rate": rate_of(first.param_groups[0]),
    }
    groups = [group for one in optimizers for group in one.param_groups]
    for name in SETTINGS:
        used = [group[name] for group in groups if group.get(name)]
        if used:
            known[name] = list(used[0]) if isinstance(used[0], tuple) else used[0]
    if have_own_rates(optimizers):
        known["learning_rates"] = [rate_of(group) for group in groups]
    return known
