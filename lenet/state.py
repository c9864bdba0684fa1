"""The exact state of a model: what it takes to go on as if it had never stopped.

A state is a plain dict of arrays: the flat parameters, the optimiser's memory,
what layers carry from step to step, and ``about``, a JSON text with the position
in the run, the seed (from which the order of any epoch follows), the sums of the
epoch under way and a signature of the network. Saved as npz, never as pickle.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lenet.errors import DataError, SettingsError

if TYPE_CHECKING:
    from lenet.model import Model

State = dict[str, NDArray[Any]]
VERSION = 1


def collect(model: Model) -> State:
    """The state of a model, as copies."""
    about = {
        "version": VERSION,
        "network": _signature(model),
        "optimizer": type(model.optimizer).__name__,
        "iterations": model.optimizer.iterations,
        "seed": model.seed,
        "progress": vars(model.progress),
    }
    state: State = {"about": np.array(json.dumps(about)), "parameters": model.parameters.values.copy()}
    for slot, array in model.optimizer.memory.items():
        state[f"optimizer/{slot}"] = array.copy()
    for layer in model.trainable_layers:
        for name, array in layer.memory().items():
            state[f"layer/{layer.name}/{name}"] = array.copy()
    return state


def apply(model: Model, state: State, position: bool) -> None:
    """Write a state into a finalized model. Raises SettingsError where it is another network's."""
    about = _about(state)
    if about["network"] != _signature(model):
        raise SettingsError(
            f"restore: the state is of a network with tensors {_brief(about['network'])}, "
            f"expected {_brief(_signature(model))}"
        )
    model.parameters.values[...] = state["parameters"]
    if not position:
        return
    name = type(model.optimizer).__name__
    if about["optimizer"] != name:
        raise SettingsError(f"restore: the state was made with {about['optimizer']}, expected {name}")
    model.optimizer.iterations = int(about["iterations"])
    model.optimizer.memory = {
        key.removeprefix("optimizer/"): np.array(array) for key, array in state.items() if key.startswith("optimizer/")
    }
    for layer in model.trainable_layers:
        for key, array in layer.memory().items():
            array[...] = state[f"layer/{layer.name}/{key}"]
    model.seed = int(about["seed"])
    for key, value in about["progress"].items():
        setattr(model.progress, key, value)


def save_state(path: str | os.PathLike[str], state: State) -> None:
    """Write a state to an npz file, in one piece or not at all."""
    path = Path(path)
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    try:
        with part.open("wb") as file:
            np.savez(file, **state)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_state(path: str | os.PathLike[str]) -> State:
    """Read a state. Raises DataError naming the file where it is missing, damaged or no state."""
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            state = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise DataError(f"{path}: no such file, expected a saved state") from None
    except Exception as error:
        raise DataError(f"{path}: cannot be read as a saved state ({error})") from None
    if "parameters" not in state:
        raise DataError(f"{path}: found no parameters, expected a saved state")
    _about(state)
    return state


def _about(state: State) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads(str(state["about"]))
        version = about["version"]
    except (KeyError, ValueError, TypeError):
        raise DataError("state: found no readable 'about', expected a state made by Model.state()") from None
    if version != VERSION:
        raise DataError(f"state: found version {version}, expected {VERSION}")
    return about


def _signature(model: Model) -> list[list[Any]]:
    dtype = str(model.parameters.values.dtype)
    return [[t.layer, t.tensor, list(t.shape), dtype] for t in model.parameters.tensors]


def _brief(signature: list[list[Any]]) -> str:
    return ", ".join(f"{layer} {tuple(shape)}" for layer, tensor, shape, _ in signature if tensor == "weights")
