"""Names layer and tensor of a parameter by its path in a tree of parameters, as JAX libraries write them."""

from __future__ import annotations

import re
from typing import Any

USUAL_NAMES = {"kernel": "weights", "w": "weights", "weight": "weights", "bias": "biases", "b": "biases"}
HOLDERS = ("value", "raw_value", "[...]")
"""The last parts of the paths of objects that hold one tensor, such as the parameters of flax.nnx."""
NUMBERED = re.compile(r"(w|b|weights?|bias|biases|kernel)_?(\d+)", re.IGNORECASE)


def part_of_path(key: Any) -> str:
    """One part of a path in a tree: a key, the name of an attribute, or a place."""
    return str(next((getattr(key, name) for name in ("key", "name", "idx") if hasattr(key, name)), key))


def layer_and_tensor(parts: list[str], axes: int) -> tuple[str, str]:
    """Layer and tensor of a path, such as ("Dense_0", "weights") of params/Dense_0/kernel."""
    parts = parts[1:] if len(parts) > 2 and parts[0] == "params" else parts
    parts = parts[:-1] if len(parts) > 1 and parts[-1] in HOLDERS else parts
    *before, last = parts
    usual = "weights" if axes > 1 else "biases"
    if not before and (numbered := NUMBERED.fullmatch(last)):
        return f"layer{numbered[2]}", usual
    if last.isdigit():  # a pair (W, b)
        return _layer(before), usual
    return _layer(before), USUAL_NAMES.get(last.lower(), last)


def _layer(parts: list[str]) -> str:
    return "/".join(f"layer{int(one) + 1}" if one.isdigit() else one for one in parts) or "network"
