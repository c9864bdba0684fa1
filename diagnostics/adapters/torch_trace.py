"""The first forward pass: in which order modules are called, what they put out, and which function comes after each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diagnostics.adapters.torch_functions import function_between, function_in, paths_to
from diagnostics.adapters.torch_outputs import OutputAxes, tensor_in


@dataclass
class TracedOutput:
    """What is kept of the outputs of a module that was called before the functions were known.

    Attributes:
        axes: how its outputs lie.
        sample: the subsample of the first call, (units, entries).
        low, high: the ends of each unit over all calls, (units,).
        node: what made the output in the graph of autograd; None without a graph.
        sides: the shape of the whole output.
    """

    axes: OutputAxes
    sample: Any
    low: Any
    high: Any
    node: Any
    sides: tuple[int, ...]


class ForwardTrace:
    """Listens to modules during the first step."""

    def __init__(self) -> None:
        self.called: list[Any] = []
        self.outputs: dict[Any, TracedOutput] = {}
        self.batch: TracedOutput | None = None
        self._inputs: list[Any] = []
        self._is_training: bool | None = None

    def restart(self, is_training: bool) -> None:
        """The model is called in training or evaluation mode: what it put out in the other mode is forgotten."""
        if is_training is not self._is_training:
            self._is_training, self.batch = is_training, None
            self.outputs.clear()
            self._inputs.clear()

    def feeds(self, batch: Any) -> None:
        """The model is called with a batch, (n, F), (n, C, H, W), (n, C, D, H, W) or any other."""
        axes = OutputAxes.of_batch(batch)
        if self.batch is None and batch.numel():
            self.batch = TracedOutput(axes, axes.subsample(batch).clone(), *axes.ends(batch), None, tuple(batch.shape))

    def begins(self, module: Any) -> None:
        """A module is called."""
        self.called.append(module)

    def ends(self, module: Any, inputs: Any, output: Any) -> None:
        """A module that has parameters has been called."""
        self.taken(inputs)
        out = tensor_in(output)
        if out is None or not out.numel():
            return
        plain = out.detach()
        known = self.outputs.get(module)
        axes = OutputAxes.of(module, plain) if known is None else known.axes
        if plain.ndim <= axes.unit or plain.shape[axes.unit] != axes.units:
            return
        low, high = axes.ends(plain)
        if known is None:
            sample, sides = axes.subsample(plain).clone(), tuple(plain.shape)
            self.outputs[module] = TracedOutput(axes, sample, low.clone(), high.clone(), out.grad_fn, sides)
        else:
            known.low, known.high = known.low.minimum(low), known.high.maximum(high)

    def taken(self, inputs: Any) -> None:
        """Something takes in what came out of modules before: a module, or the criterion."""
        values = inputs if isinstance(inputs, tuple | list) else (inputs,)
        found = [tensor_in(one) for one in values]
        self._inputs += [(x, x.grad_fn) for x in found if x is not None]

    def functions(self) -> dict[Any, str]:
        """The function after each module, as far as one was found; the trace keeps nothing of the graph afterwards."""
        modules = list(self.outputs)
        nodes = {self.outputs[m].node: place for place, m in enumerate(modules) if self.outputs[m].node is not None}
        found: dict[Any, str] = {}
        looked: set[Any] = set()
        for x, node in self._inputs:
            paths = paths_to(node, nodes)
            for place, path in paths.items():
                module = modules[place]
                if module not in looked:
                    looked.add(module)
                    if (function := function_in(path)) is not None:
                        found[module] = function
            for module, traced in self.outputs.items() if not paths else ():
                if module not in found and traced.sides == tuple(x.shape):
                    name = function_between(traced.sample, traced.axes.subsample(x.detach()))
                    if name is not None:
                        found[module] = name
        self._inputs.clear()
        for traced in self.outputs.values():
            traced.node = None
        return found
