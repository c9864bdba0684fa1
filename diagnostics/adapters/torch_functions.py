"""Which function comes after a layer, found in the graph that autograd keeps of a forward pass.

What comes out of a layer is followed to the layer, or the loss, that takes it in. The first operation
on the way that is an activation function is the layer's, whether a module or a plain function did it. Reshaping,
casts and max pooling may lie before it, since they change no number that the function sees. Frozen layers have no
graph, and that of a checkpoint is made later: there the numbers are compared.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda x: x.relu(),
    "sigmoid": lambda x: x.sigmoid(),
    "tanh": lambda x: x.tanh(),
    "softmax": lambda x: x.softmax(dim=0),
}
"""The functions that are known, for numbers whose first axis is that of the units."""
MONOTONE = ("relu", "sigmoid", "tanh")
OTHER_FUNCTIONS = re.compile(
    r"(gelu|silu|mish|elu|celu|selu|leaky|prelu|rrelu|hardtanh|hardswish|hardsigmoid|softplus|softshrink|logsoftmax"
    r"|logsigmoid|glu)",
    re.IGNORECASE,
)
TRANSPARENT = re.compile(
    r"(view|reshape|transpose|permute|squeeze|tocopy|maxpool|max_pool|alias|expand|clone|^t$)", re.IGNORECASE
)
MOST_NODES = 2000
Path = tuple[str, ...]


def operation(node: Any) -> str:
    """The operation of a node of the graph: ``Relu`` for ``ReluBackward0``."""
    return re.sub(r"Backward\d*$", "", str(node.name()))


def paths_to(node: Any, outputs: Mapping[Any, int]) -> dict[int, Path]:
    """The layers whose outputs a node of the graph depends on directly, and the operations between.

    Args:
        node: where to begin; None for a tensor without a graph.
        outputs: the nodes that made the outputs of layers, and the numbers of these layers.

    Returns:
        by the number of the layer the operations after it, in the order of the forward pass.
    """
    found: dict[int, Path] = {}
    waiting: deque[tuple[Any, Path]] = deque([(node, ())])
    seen: set[Any] = set()
    while waiting and len(seen) < MOST_NODES:
        here, path = waiting.popleft()
        if here is None or here in seen:
            continue
        seen.add(here)
        if here in outputs:
            found.setdefault(outputs[here], path)
            continue
        for before, _ in here.next_functions:
            waiting.append((before, (operation(here), *path)))
    return found


def function_in(path: Sequence[str]) -> str | None:
    """The first activation function among operations after a layer, None for none."""
    for name in path:
        lower = name.lower()
        if lower in FUNCTIONS:
            return lower
        if OTHER_FUNCTIONS.search(name):
            return lower
        if not TRANSPARENT.search(name):
            return None
    return None


def function_between(before: Any, after: Any) -> str | None:
    """The known function that makes one tensor of another, by their numbers; None where none does."""
    if before.shape != after.shape or bool((before == after).all()):
        return None
    return next((name for name in MONOTONE if bool((FUNCTIONS[name](before) == after).all())), None)
