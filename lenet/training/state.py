"""The exact state of a training, from which it goes on as if it had never stopped.

A state is a dict of arrays: the flat parameters, the memory of the optimiser, the arrays
that layers carry from step to step, and ``about``. That is a JSON text with the position
in the run, the seed, which decides the order of any epoch, the sums of the present epoch,
the size and order of the batches, the layers, and the shapes of all tensors. A state is
saved as npz, never as pickle.

Take a state between two steps: outside ``train``, or in a hook's ``on_step_start``,
``on_update_done``, ``on_step_end``, ``on_epoch_end`` or ``on_validation_end``.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import zipfile
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.errors import DataError, SettingsError, reason_of
from lenet.network import Network
from lenet.optim.optimizers import Optimizer
from lenet.regular_files import obstacle, open_regular
from lenet.training.progress import TrainingProgress

State = dict[str, NDArray[Any]]
VERSION = 2

# The entries of ``about``, and their types.
_ABOUT = {"network": list, "layers": list, "optimizer": str, "iterations": int, "seed": int, "progress": dict}


def collect(network: Network, optimizer: Optimizer, progress: TrainingProgress) -> State:
    """The state of a training, as copies."""
    about = {
        "version": VERSION,
        "network": _signature(network),
        "layers": _layers(network),
        "optimizer": type(optimizer).__name__,
        "iterations": optimizer.iterations,
        "seed": network.seed,
        "progress": vars(progress),
    }
    state: State = {"about": np.array(json.dumps(about)), "parameters": network.parameters.values.copy()}
    for slot, array in optimizer.memory.items():
        state[f"optimizer/{slot}"] = array.copy()
    for layer in network.trainable_layers:
        for name, array in layer.memory().items():
            state[f"layer/{layer.name}/{name}"] = array.copy()
    return state


def apply(state: State, network: Network, optimizer: Optimizer, progress: TrainingProgress) -> None:
    """Write a state into a finalized network, its optimiser and its progress.

    Raises SettingsError for the state of another network, and DataError where a part
    is missing. A state that is refused has changed nothing.
    """
    about = _about_network(state, network)
    _check_position(state, about, network, optimizer, progress)
    network.parameters.values[...] = state["parameters"]
    optimizer.iterations = int(about["iterations"])
    optimizer.memory = {
        key.removeprefix("optimizer/"): np.array(array) for key, array in state.items() if key.startswith("optimizer/")
    }
    for layer in network.trainable_layers:
        for key, array in layer.memory().items():
            array[...] = state[f"layer/{layer.name}/{key}"]
    network.seed = int(about["seed"])
    for key, value in about["progress"].items():
        setattr(progress, key, value)


def apply_parameters(state: State, network: Network) -> None:
    """Write the parameters alone into a finalized network. Raises as :func:`apply` does."""
    _about_network(state, network)
    network.parameters.values[...] = state["parameters"]


def steps_made(state: State) -> Any:
    """How many steps the training of a state had made, as the state says it. Raises SettingsError without ``about``."""
    return _about(state)["progress"].get("step")


def _about_network(state: State, network: Network) -> dict[str, Any]:
    """``about`` of the state. Raises SettingsError where the state is of another network."""
    about = _about(state)
    if about["network"] != _signature(network):
        raise SettingsError(
            f"restore: the state is of a network with tensors {_brief(about['network'])}, "
            f"expected {_brief(_signature(network))}"
        )
    _check_array(state, "parameters", network.parameters.values)
    return about


def _check_position(
    state: State, about: dict[str, Any], network: Network, optimizer: Optimizer, progress: TrainingProgress
) -> None:
    """Refuse a state from which this network could not go on as the one that made it."""
    for found, expected in zip_longest(about["layers"], _layers(network), fillvalue="nothing more"):
        if found != expected:
            raise SettingsError(f"restore: the state is of a network with {found}, expected {expected}")
    name = type(optimizer).__name__
    if about["optimizer"] != name:
        raise SettingsError(f"restore: the state was made with {about['optimizer']}, expected {name}")
    found_slots = sorted(key.removeprefix("optimizer/") for key in state if key.startswith("optimizer/"))
    slots = sorted(optimizer.slots) if about["iterations"] else []
    if found_slots != slots:
        raise SettingsError(
            f"restore: the state holds {', '.join(found_slots) or 'no memory'} of its {name}, "
            f"expected {', '.join(slots) or 'no memory'}"
        )
    for slot in slots:
        _check_array(state, f"optimizer/{slot}", network.parameters.values)
    for layer in network.trainable_layers:
        for key, array in layer.memory().items():
            _check_array(state, f"layer/{layer.name}/{key}", array)
    if about["progress"].keys() != vars(progress).keys():
        raise DataError(
            f"state: found a position of {', '.join(about['progress'])}, expected {', '.join(vars(progress))}"
        )
    for key, expected in vars(type(progress)()).items():
        value = about["progress"][key]
        if type(value) is not type(expected) or value < 0:
            raise DataError(f"state: found {value!r:.40} for {key}, expected a {type(expected).__name__} not below 0")


def _check_array(state: State, key: str, like: NDArray[Any]) -> None:
    if key not in state:
        raise DataError(f"state: found no {key}, expected an array of shape {like.shape}")
    found = state[key]
    if found.shape != like.shape or found.dtype.kind != "f":
        raise DataError(
            f"state: found {key} of {found.dtype} and shape {found.shape}, expected {like.dtype} and {like.shape}"
        )


def save_state(path: str | os.PathLike[str], state: State) -> bytes:
    """Write a state to an npz file, whole or not at all; returns the content of the file.

    Args:
        path: the file; a regular file is replaced.
        state: from :meth:`lenet.Model.state`.

    Raises:
        DataError: the folder does not exist, or something other than a regular file would be replaced.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise DataError(f"{path}: found no folder {path.parent}, expected one to write the state to")
    if found := obstacle(path):
        raise DataError(f"{path}: is {found}, and only regular files are replaced; give another path")
    content = packed_state(state)
    part = path.with_name(f"{path.name}.part-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return content


def packed_state(state: State) -> bytes:
    """A state as the content of an npz file."""
    archive = io.BytesIO()  # writing it in one piece takes half the time
    np.savez(archive, **state)  # type: ignore[arg-type]
    return archive.getvalue()


def load_state(path: str | os.PathLike[str]) -> State:
    """Read a state.

    Args:
        path: a file that :func:`save_state` wrote.

    Raises:
        DataError: the file is missing, damaged or no state.
    """
    path = Path(path)
    try:
        descriptor = open_regular(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file, expected a saved state") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {reason_of(error)}") from error
    try:
        # Opened here, since NumPy leaves a damaged file open.
        with os.fdopen(descriptor, "rb") as file, np.load(file, allow_pickle=False) as archive:
            _check_archive(archive, os.fstat(descriptor).st_size)
            state = {name: archive[name] for name in archive.files}
    except Exception as error:
        raise DataError(f"{path}: cannot be read as a saved state ({reason_of(error)})") from None
    for name, array in state.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiubU":
            raise DataError(f"{path}: found no array of numbers or text in {name}, expected a saved state")
    if "parameters" not in state:
        raise DataError(f"{path}: found no parameters, expected a saved state")
    _about(state, str(path))
    return state


def _check_archive(archive: Any, size: int) -> None:
    """Raises ValueError for members that no state has: packed ones, or more than the file can hold."""
    members = archive.zip.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("its members are compressed")
    if sum(member.file_size for member in members) > size or len({m.filename for m in members}) < len(members):
        raise ValueError("its members overlap")


def _about(state: State, source: str = "state") -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads(str(state["about"]))
        version = about["version"]
    except (KeyError, ValueError, TypeError, RecursionError):
        raise DataError(f"{source}: found no readable 'about', expected a state made by Model.state()") from None
    if version != VERSION:
        raise DataError(f"{source}: found version {version}, expected {VERSION}")
    for name, kind in _ABOUT.items():
        if not isinstance(about.get(name), kind):
            raise DataError(f"{source}: found no {name} in 'about', expected a state made by Model.state()")
    return about


def _signature(network: Network) -> list[list[Any]]:
    dtype = str(network.parameters.values.dtype)
    return [[t.layer, t.tensor, list(t.shape), dtype] for t in network.parameters.tensors]


def _brief(signature: list[list[Any]]) -> str:
    try:
        kinds = sorted({dtype for *_, dtype in signature})
        weights = [f"{layer} {tuple(shape)}" for layer, tensor, shape, _ in signature if tensor == "weights"]
        return f"{', '.join(weights)} of {', '.join(kinds)}"
    except (TypeError, ValueError):  # a state that somebody changed
        return f"{signature!r:.60}"


def _layers(network: Network) -> list[str]:
    """The class and arguments of each layer, one line a layer."""
    return [", ".join(f"{key} {value}" for key, value in layer.describe().items()) for layer in network.layers]
