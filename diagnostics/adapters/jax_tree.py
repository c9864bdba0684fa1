"""The trees of a step with JAX: which leaves are recorded, what logs call them, and the learning rate in a state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diagnostics.adapters.tree_names import layer_and_tensor, part_of_path
from lenet.errors import SettingsError
from lenet.hooks import TensorInfo

Leaves = dict[tuple[Any, ...], Any]


def trained_leaves(tree: Any) -> Leaves:
    """The leaves of a tree that are floating-point numbers, by their paths.

    A tree of an Equinox model has functions among its leaves, and one of gradients has places without any.
    """
    import jax
    import jax.numpy as jnp

    found = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {
        tuple(path): leaf
        for path, leaf in found
        if isinstance(leaf, float)
        or (hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating) and jnp.size(leaf))
    }


def named_tensors(leaves: Leaves) -> tuple[TensorInfo, ...]:
    """The tensors of a tree of gradients, named by their places in it; no two have one name.

    Raises SettingsError where there are none.
    """
    import jax.numpy as jnp

    found: list[TensorInfo] = []
    taken: set[tuple[str, str]] = set()
    offset = 0
    for path, leaf in leaves.items():
        layer, tensor = layer_and_tensor([part_of_path(one) for one in path], jnp.ndim(leaf))
        number = next(n for n in range(1, len(leaves) + 2) if (_numbered(layer, n), tensor) not in taken)
        taken.add((_numbered(layer, number), tensor))
        shape, size = tuple(jnp.shape(leaf)) or (1,), int(jnp.size(leaf))
        found.append(TensorInfo(_numbered(layer, number), tensor, shape, offset, size))
        offset += size
    if not found:
        raise SettingsError("tap: received no parameters, expected some")
    return tuple(found)


def rate_of_step(lr: float | Callable[[Any], Any] | None, state: Any, after: Any) -> Any:
    """The learning rate of an update within the compiled step; NaN where only the recorder can say it.

    lr: what the user said: a number, a function of the step, or None. state: that of the optimizer before the update,
    which counts the updates. after: that after it, which may keep a learning rate.
    """
    import jax.numpy as jnp
    import optax

    if lr is None:
        rates = [value for _, value in optax.tree_utils.tree_get_all_with_path(after, "learning_rate")]
        return rates[0] if len(rates) == 1 and jnp.size(rates[0]) == 1 else jnp.nan
    if not callable(lr):
        return jnp.nan
    counts = optax.tree_utils.tree_get_all_with_path(state, "count")
    counts.sort(key=lambda found: "ScaleBySchedule" not in str(found[0]))
    try:
        return lr(counts[0][1]) if counts else jnp.nan
    except Exception:  # a function that decides by Python's if cannot be compiled, and the recorder calls it
        return jnp.nan


def _numbered(layer: str, number: int) -> str:
    return layer if number == 1 else f"{layer}_{number}"
