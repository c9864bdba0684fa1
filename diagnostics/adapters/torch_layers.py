"""From a PyTorch model to its layers: the modules that own parameters, with names that a log can hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from diagnostics.schema.columns import INPUT
from lenet.hooks import TensorInfo

USUAL = {"weight": "weights", "bias": "biases"}
LONGEST_LAYER, LONGEST_TENSOR = 64, 16
"""Characters that a log has for the name of a layer, and of a tensor."""


@dataclass(frozen=True, eq=False)
class TorchTensor:
    """A parameter of a model.

    Attributes:
        layer: the name of its layer.
        name: its name within the layer: weights, biases, or that of the attribute.
        parameter: the parameter itself.
        shape: its shape as logs have it: (kh, kw, C_in, C_out) for kernels, (inputs, neurons) for dense weights.
    """

    layer: str
    name: str
    parameter: Any
    shape: tuple[int, ...]

    @property
    def path(self) -> str:
        """Layer and name, as a log spells them."""
        return f"{self.layer}/{self.name}"


@dataclass(frozen=True, eq=False)
class TorchLayer:
    """A module with parameters of its own.

    Attributes:
        name: its name in the model, such as ``features.0``.
        module: the module.
        tensors: its parameters; one that two modules share belongs to the first of them.
    """

    name: str
    module: Any
    tensors: tuple[TorchTensor, ...]

    @property
    def kind(self) -> str:
        """The name of its class."""
        return type(self.module).__name__


def layers_of(model: Any, called: Sequence[Any]) -> list[TorchLayer]:
    """The layers of a model, in the order in which its forward pass calls them.

    Args:
        model: the model.
        called: its modules in the order of their calls; one that is never called stands behind the one that is
            registered before it.
    """
    order = {id(module): place for place, module in reversed(list(enumerate(called)))}
    found: list[tuple[float, TorchLayer]] = []
    seen: set[int] = set()
    names: set[str] = {INPUT}
    place: float = -1
    for path, module in model.named_modules():
        place = order.get(id(module), place)
        own = [(name, p) for name, p in module.named_parameters(recurse=False) if _is_measured(p) and id(p) not in seen]
        if not own:
            continue
        seen.update(id(parameter) for _, parameter in own)
        layer = _unique(path or type(model).__name__.lower(), names, LONGEST_LAYER)
        taken: set[str] = set()
        tensors = tuple(
            TorchTensor(layer, _unique(USUAL.get(name, name), taken, LONGEST_TENSOR), p, _shape(module, p))
            for name, p in own
        )
        found.append((place, TorchLayer(layer, module, tensors)))
    return [layer for _, layer in sorted(found, key=lambda one: one[0])]


def tensor_infos(tensors: Iterable[TorchTensor]) -> tuple[TensorInfo, ...]:
    """The tensors as hooks are told of them."""
    infos: list[TensorInfo] = []
    offset = 0
    for one in tensors:
        size = one.parameter.numel()
        infos.append(TensorInfo(one.layer, one.name, one.shape, offset, size))
        offset += size
    return tuple(infos)


def kernels_last(parameter: Any) -> Any:
    """Kernels (C_out, C_in, kh, kw) as logs have them, (kh, kw, C_in, C_out)."""
    return parameter.permute(2, 3, 1, 0)


def takes_hooks(module: Any) -> bool:
    """Whether PyTorch lets hooks be hung on a module: not on one of ``torch.jit.script``."""
    return type(module).__name__ != "RecursiveScriptModule"


def has_outputs(module: Any) -> bool:
    """Whether outputs of a layer come from a module: not from a parametrization, which puts out weights."""
    return takes_hooks(module) and bool(module._parameters) and type(module).__name__ != "ParametrizationList"


def not_measured(model: Any) -> list[str]:
    """The parameters of a model that are not measured, as they hold complex numbers."""
    return [name for name, parameter in model.named_parameters() if parameter.is_complex()]


def _is_measured(parameter: Any) -> bool:
    """Whether it holds floating-point numbers; lazy parameters hold none before the first forward pass."""
    return bool(parameter.is_floating_point()) and hasattr(parameter, "numel") and parameter.numel() > 0


def _shape(module: Any, parameter: Any) -> tuple[int, ...]:
    shape = tuple(parameter.shape)
    kinds = {base.__name__ for base in type(module).__mro__}
    if "Conv2d" in kinds and len(shape) == 4:
        return tuple(kernels_last(parameter).shape)
    if "Linear" in kinds and len(shape) == 2:
        return shape[::-1]
    return shape or (1,)


def _unique(name: str, taken: set[str], longest: int) -> str:
    """The end of a name that is too long; with a number where two have the same."""
    short, number = name[-longest:], 1
    while short in taken:
        number += 1
        end = f"~{number}"
        short = name[-longest + len(end) :] + end
    taken.add(short)
    return short
