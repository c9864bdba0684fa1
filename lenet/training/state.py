"""The exact state of a model: what it takes to go on as if it had never stopped.

A state is a plain dict of arrays: the flat parameters, the optimiser's memory,
what layers carry from step to step, and ``about``, a JSON text with the position
in the run, the seed (from which the order of any epoch follows), the sums of the
epoch under way, its number of steps and whether it is shuffled, the layers and a
signature of the network. Saved as npz, never as pickle.

Take it between two steps: outside ``train``, or in a hook's ``on_step_start``,
``on_update_done``, ``on_step_end``, ``on_epoch_end`` or ``on_validation_end``.
"""

from __future__ import annotations

import json
import os
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lenet.errors import DataError, SettingsError

if TYPE_CHECKING:
    from lenet.model import Model

State = dict[str, NDArray[Any]]
VERSION = 2

# What ``about`` must hold, and of what kind.
_ABOUT = {"network": list, "layers": list, "optimizer": str, "iterations": int, "seed": int, "progress": dict}


def collect(model: Model) -> State:
    """The state of a model, as copies."""
    about = {
        "version": VERSION,
        "network": _signature(model),
        "layers": _layers(model),
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
    """Write a state into a finalized model.

    Raises SettingsError where it is another network's, DataError where something
    is missing in it. What is refused has changed nothing.
    """
    about = _about(state)
    if about["network"] != _signature(model):
        raise SettingsError(
            f"restore: the state is of a network with tensors {_brief(about['network'])}, "
            f"expected {_brief(_signature(model))}"
        )
    _check_array(state, "parameters", model.parameters.values)
    if position:
        _check_position(model, state, about)
    model.parameters.values[...] = state["parameters"]
    if not position:
        return
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


def _check_position(model: Model, state: State, about: dict[str, Any]) -> None:
    """Refuse a state from which this model could not go on as the one that made it."""
    for found, expected in zip_longest(about["layers"], _layers(model), fillvalue="nothing more"):
        if found != expected:
            raise SettingsError(f"restore: the state is of a network with {found}, expected {expected}")
    name = type(model.optimizer).__name__
    if about["optimizer"] != name:
        raise SettingsError(f"restore: the state was made with {about['optimizer']}, expected {name}")
    found_slots = sorted(key.removeprefix("optimizer/") for key in state if key.startswith("optimizer/"))
    slots = sorted(model.optimizer.slots) if about["iterations"] else []
    if found_slots != slots:
        raise SettingsError(
            f"restore: the state holds {', '.join(found_slots) or 'no memory'} of its {name}, "
            f"expected {', '.join(slots) or 'no memory'}"
        )
    for slot in slots:
        _check_array(state, f"optimizer/{slot}", model.parameters.values)
    for layer in model.trainable_layers:
        for key, array in layer.memory().items():
            _check_array(state, f"layer/{layer.name}/{key}", array)
    if about["progress"].keys() != vars(model.progress).keys():
        raise DataError(
            f"state: found a position of {', '.join(about['progress'])}, expected {', '.join(vars(model.progress))}"
        )


def _check_array(state: State, key: str, like: NDArray[Any]) -> None:
    if key not in state:
        raise DataError(f"state: found no {key}, expected an array of shape {like.shape}")
    found = state[key]
    if found.shape != like.shape or found.dtype.kind != "f":
        raise DataError(
            f"state: found {key} of {found.dtype} and shape {found.shape}, expected {like.dtype} and {like.shape}"
        )


def save_state(path: str | os.PathLike[str], state: State) -> None:
    """Write a state to an npz file, in one piece or not at all. Raises DataError where there is no such folder."""
    path = Path(path)
    if not path.parent.is_dir():
        raise DataError(f"{path}: found no folder {path.parent}, expected one to write the state to")
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
        # Opened here, since NumPy leaves the file open where it is no sound archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            state = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise DataError(f"{path}: no such file, expected a saved state") from None
    except Exception as error:
        raise DataError(f"{path}: cannot be read as a saved state ({error})") from None
    if "parameters" not in state:
        raise DataError(f"{path}: found no parameters, expected a saved state")
    _about(state, str(path))
    return state


def _about(state: State, source: str = "state") -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads(str(state["about"]))
        version = about["version"]
    except (KeyError, ValueError, TypeError):
        raise DataError(f"{source}: found no readable 'about', expected a state made by Model.state()") from None
    if version != VERSION:
        raise DataError(f"{source}: found version {version}, expected {VERSION}")
    for name, kind in _ABOUT.items():
        if not isinstance(about.get(name), kind):
            raise DataError(f"{source}: found no {name} in 'about', expected a state made by Model.state()")
    return about


def _signature(model: Model) -> list[list[Any]]:
    dtype = str(model.parameters.values.dtype)
    return [[t.layer, t.tensor, list(t.shape), dtype] for t in model.parameters.tensors]


def _brief(signature: list[list[Any]]) -> str:
    kinds = sorted({dtype for *_, dtype in signature})
    weights = [f"{layer} {tuple(shape)}" for layer, tensor, shape, _ in signature if tensor == "weights"]
    return f"{', '.join(weights)} of {', '.join(kinds)}"


def _layers(model: Model) -> list[str]:
    """One line a layer: what decides its arithmetic."""
    return [", ".join(f"{key} {value}" for key, value in layer.describe().items()) for layer in model.layers]
