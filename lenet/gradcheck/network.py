"""The check of a whole network, end to end, on the loss that its training loop reports.

A layer alone cannot be judged where it shares the arithmetic with others: a softmax and a
cross-entropy that are differentiated together, layers that take the mean over the batch,
layers that update themselves. The network as a whole can be judged: its loss is one number,
and the gradients have to be those of this number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from lenet.arguments import expect_whole
from lenet.errors import SettingsError
from lenet.gradcheck.compare import at_kinks, compare, in_shape
from lenet.gradcheck.differences import FLOAT32, FLOAT64, Array, Indices, differences
from lenet.gradcheck.foreign.calls import NotComparable, call, numbers
from lenet.gradcheck.foreign.state import FrozenGenerators
from lenet.gradcheck.mistakes.network import name_differences
from lenet.gradcheck.result import GradientCheck
from lenet.training.engine import single_threaded_blas

Arrays = Mapping[str, Any] | Sequence[Any]


def check_network(
    loss: Callable[[], float],
    parameters: Arrays | Callable[[], Arrays],
    gradients: Arrays | Callable[[], Arrays | None],
    *,
    learning_rate: float = 1.0,
    seed: int = 0,
    entries: int = 64,
    tolerance: float | None = None,
) -> GradientCheck:
    """Compare the gradients of a network with central differences of its loss.

    Args:
        loss: runs the network forward on one fixed batch and returns the loss, as the training loop
            reports it.
        parameters: the arrays that the network uses, in the order in which the forward pass meets
            them, {"dense1 weights": dense1.weights, ...} or a list. They are changed in place and
            put back. A function that returns them where the network replaces its arrays.
        gradients: runs forward and backward on that batch and returns the gradients, under the names
            or in the order of the parameters; None where the layers update themselves, whose change
            then is the gradient. The gradients themselves, where that has been done already.
        learning_rate: the learning rate of such layers; default 1.
        seed: decides which entries are compared; default 0.
        entries: how many entries of each tensor are compared at most, half of them those with the
            largest gradients; default 64.
        tolerance: normwise relative error allowed; None: 1e-5, or 1e-2 for a network in float32.

    Returns:
        The result, with each tensor under the name of its parameter.

    Raises:
        SettingsError: the gradients do not have the names, or the number, of the parameters.
    """
    expect_whole("entries", entries, 1)
    try:
        network = NetworkUnderTest(loss, parameters, gradients, learning_rate)
        with single_threaded_blas(), closing(network):
            return _check(network, seed, entries, tolerance)
    except NotComparable as answer:
        return GradientCheck.without_comparison(answer)


class NetworkUnderTest:
    """A network, given by the functions that run it."""

    def __init__(self, loss: Any, parameters: Any, gradients: Any, learning_rate: float) -> None:
        self._given = {"loss": loss, "parameters": parameters, "gradients": gradients}
        self._learning_rate = learning_rate
        self._generators = FrozenGenerators(*(one for one in self._given.values() if callable(one)))
        self.is_float32 = False
        self.values = {name: numbers(array, name) for name, array in self._arrays().items()}

    def close(self) -> None:
        """Put the parameters and the random generators back."""
        self._generators.give_back()
        self._put({})

    def loss(self) -> float:
        """The loss at the parameters as they are."""
        self._generators.rewind()
        value = self._call("loss")
        self.is_float32 |= getattr(value, "dtype", None) == np.float32
        if np.size(value) != 1:
            raise NotComparable("the loss", f"is {np.size(value)} numbers, expected one")
        return numbers(value, "the loss").item()

    def loss_with(self, name: str, value: Array) -> tuple[Array, Array]:
        """The loss with another value of one parameter, and this value as the network rounds it."""
        self._put({name: value})
        return np.array([self.loss()]), np.array(self._arrays()[name], dtype=np.float64)

    def gradients(self) -> dict[str, Array]:
        """The gradients by the names of the parameters."""
        self._put({})
        self._generators.rewind()
        found = self._call("gradients")
        if found is None:
            after = {name: np.array(array, dtype=np.float64) for name, array in self._arrays().items()}
            own = {name: (self.values[name] - after[name]) / self._learning_rate for name in self.values}
        else:
            named = _by_name(found)
            if isinstance(found, Mapping) and set(named) != set(self.values):
                raise SettingsError(f"gradients: received {', '.join(named)}, expected {', '.join(self.values)}")
            if len(named) != len(self.values):
                raise SettingsError(f"gradients: received {len(named)}, expected {len(self.values)} as parameters")
            pairs = zip(self.values, named.values(), strict=True)
            own = {name: numbers(named.get(name, array), name) for name, array in pairs}
        self._put({})
        return own

    def _arrays(self) -> dict[str, Any]:
        """The parameters that the network uses now."""
        arrays = _by_name(self._call("parameters"))
        for name, array in arrays.items():
            is_array = isinstance(array, np.ndarray)
            if not is_array or array.dtype.kind != "f" or not array.flags.writeable:
                kind = (
                    f"an array of {array.dtype}, writeable={array.flags.writeable}"
                    if is_array
                    else type(array).__name__
                )
                raise SettingsError(f"parameters: {name} is {kind}, expected an array of floats that can be changed")
            self.is_float32 |= array.dtype.itemsize < 8
        return arrays

    def _put(self, changed: Mapping[str, Array]) -> None:
        for name, array in self._arrays().items():
            array[...] = changed.get(name, self.values[name])

    def _call(self, name: str) -> Any:
        """The value that was given, or the result of the function that was given."""
        given = self._given[name]
        return call(given, name) if callable(given) else given


def _check(network: NetworkUnderTest, seed: int, entries: int, tolerance: float | None) -> GradientCheck:
    first, second = network.loss(), network.loss()
    if not np.isfinite(first):
        raise NotComparable("the loss", f"is {first} for this batch", is_mistake=True)
    if not np.isclose(first, second, rtol=1e-6):
        reason = f"is {first:.6g} in one call and {second:.6g} in the next, with the same parameters and batch"
        raise NotComparable("the loss", reason, is_mistake=True)
    own = network.gradients()
    if not np.isclose(network.loss(), first, rtol=1e-6):
        raise NotComparable(
            "parameters",
            "are not the arrays that the network uses after its backward pass, which has replaced them: "
            "hand over a function that returns the arrays of the moment",
        )
    precision = FLOAT32 if network.is_float32 else FLOAT64
    bound = precision.tolerance if tolerance is None else tolerance
    shapes = {name: value.shape for name, value in network.values.items()}
    own = {name: in_shape(gradient, shapes[name]) for name, gradient in own.items()}
    generator = np.random.default_rng(seed)
    tensors, numeric = {}, {}
    for name, value in network.values.items():
        chosen = _largest_and_others(own[name], value.size, entries, generator)

        def evaluate(tensor: Array, name: str = name) -> tuple[Array, Array]:
            return network.loss_with(name, tensor)

        numeric[name] = differences(evaluate, value, np.ones(1), chosen, precision)
        network.loss_with(name, value)
        tensors[name] = compare(own[name], shapes[name], numeric[name], bound)
    wrong = [name for name, tensor in tensors.items() if not tensor.ok]
    mistakes, undecided = name_differences(network.values, own, numeric, wrong)
    dtype = "float32" if network.is_float32 else "float64"
    return GradientCheck(tensors, tuple(mistakes), dtype, False, {**at_kinks(tensors), **undecided})


def _largest_and_others(gradient: Array, size: int, entries: int, generator: np.random.Generator) -> Indices:
    """The entries with the largest gradients, and others drawn at random."""
    if size <= entries or gradient.size != size:
        return np.sort(generator.permutation(size)[:entries]).astype(np.intp)
    order = np.argsort(-np.abs(gradient.ravel()), kind="stable")
    others = generator.permutation(order[entries // 2 :])[: entries - entries // 2]
    return np.sort(np.concatenate([order[: entries // 2], others])).astype(np.intp)


def _by_name(arrays: Arrays) -> dict[str, Any]:
    if isinstance(arrays, Mapping):
        return {str(name): array for name, array in arrays.items()}
    return {f"parameters[{k}]": array for k, array in enumerate(arrays)}
