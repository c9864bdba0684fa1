"""A state that is damaged, or that another network made, is refused with one line and changes nothing."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lenet import (
    ActivationSoftmax,
    ActivationTanh,
    DataError,
    DenseLayer,
    LenetError,
    Model,
    OptimizerAdam,
    OptimizerSGD,
    SettingsError,
    load_state,
    save_state,
)
from tests.helpers.small_models import blobs, ready, report_model, small_model


def trained_state() -> dict[str, Any]:
    model = report_model(optimizer=OptimizerSGD(0.1, momentum=0.9))
    model.train(*blobs(40), batch_size=16, print_every=0)
    return model.state()


def about(state: dict[str, Any], **changes: Any) -> dict[str, Any]:
    text = {**json.loads(str(state["about"])), **changes}
    return {**state, "about": np.array(json.dumps({k: v for k, v in text.items() if v is not None}))}


def without(state: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: array for key, array in state.items() if key != name}


DAMAGED: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "no about": (lambda s: without(s, "about"), "state: found no readable 'about', expected a state made by"),
    "about is no JSON": (lambda s: {**s, "about": np.array("{")}, "state: found no readable 'about'"),
    "about is a list": (lambda s: {**s, "about": np.array("[1]")}, "state: found no readable 'about'"),
    "version": (lambda s: about(s, version=99), "state: found version 99, expected 2"),
    "no seed": (lambda s: about(s, seed=None), "state: found no seed in 'about', expected a state made by"),
    "iterations": (lambda s: about(s, iterations="ten"), "state: found no iterations in 'about'"),
    "progress": (lambda s: about(s, progress={"step": 3}), "state: found a position of step, expected step, steps"),
    "no parameters": (lambda s: without(s, "parameters"), "state: found no parameters, expected an array of shape"),
    "parameters of another size": (
        lambda s: {**s, "parameters": s["parameters"][:5]},
        "state: found parameters of float32 and shape (5,), expected float32 and (",
    ),
    "one parameter": (lambda s: {**s, "parameters": np.float32(1)}, "state: found parameters of float32 and shape ()"),
    "parameters of text": (lambda s: {**s, "parameters": s["parameters"].astype(str)}, "state: found parameters of <U"),
    "no velocity": (
        lambda s: without(s, "optimizer/velocity"),
        "restore: the state holds no memory of its OptimizerSGD, expected velocity",
    ),
    "velocity of another size": (
        lambda s: {**s, "optimizer/velocity": np.ones(3)},
        "state: found optimizer/velocity of float64 and shape (3,), expected float32 and (",
    ),
    "no layer memory": (
        lambda s: without(s, "layer/conv1/dweights"),
        "state: found no layer/conv1/dweights, expected an array of shape (3, 3, 1, 2)",
    ),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_state_is_refused_in_one_line_and_changes_nothing(damage: str) -> None:
    change, message = DAMAGED[damage]
    model = report_model(optimizer=OptimizerSGD(0.1, momentum=0.9), seed=5)
    before = model.digest()
    with pytest.raises(LenetError) as caught:
        model.restore(change(trained_state()))

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert (model.digest(), model.step, model.seed) == (before, 0, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"batch_size": 8},
            "train: received data and a batch size that make 5 steps an epoch, expected 3 as in the run "
            "that was restored; restore(state, position=False) starts a new run",
        ),
        ({"shuffle": True}, "train: received shuffle=True, expected False as in the run that was restored"),
    ],
    ids=str,
)
def test_a_restored_run_is_not_fed_other_batches_than_before(options: dict[str, Any], message: str) -> None:
    model = report_model(optimizer=OptimizerSGD(0.1, momentum=0.9))
    model.restore(trained_state())
    before, fed = model.digest(), {"epochs": 2, "batch_size": 16, "print_every": 0}
    with pytest.raises(SettingsError) as caught:
        model.train(*blobs(40), **{**fed, **options})

    assert str(caught.value) == message
    assert model.digest() == before
    model.train(*blobs(40), **fed)  # the refusal did not forget the position
    assert model.step == 6


def test_weights_alone_are_fed_as_one_likes() -> None:
    model = report_model(optimizer=OptimizerSGD(0.1, momentum=0.9))
    model.restore(trained_state(), position=False)
    model.train(*blobs(40), batch_size=8, print_every=0, shuffle=True)

    assert model.step == 5


def test_a_state_cannot_be_saved_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none/a.npz: found no folder .*none, expected one to write the state to"):
        save_state(tmp_path / "none" / "a.npz", trained_state())


def dense(width: int = 64, *after: Any, dtype: Any = np.float32) -> Model:
    return ready(Model(dtype=dtype), DenseLayer(width, 3), *after, ActivationSoftmax())


OTHERS: dict[str, tuple[Model, str]] = {
    "other tensors": (
        dense(),
        "restore: the state is of a network with tensors conv1 (3, 3, 1, 2), conv2 (2, 3, 2, 3), "
        "dense1 (18, 6), dense2 (6, 3) of float32, expected dense1 (64, 3) of float32",
    ),
    "other precision": (
        report_model(dtype=np.float64),
        "restore: the state is of a network with tensors conv1 (3, 3, 1, 2), conv2 "
        "(2, 3, 2, 3), dense1 (18, 6), dense2 (6, 3) of float32, expected conv1 (3, 3, 1, 2), conv2 (2, 3, 2, 3), "
        "dense1 (18, 6), dense2 (6, 3) of float64",
    ),
    "other arithmetic": (
        small_model(),
        "restore: the state is of a network with layer ReportConvolutionLayer, depth 2, kernel_size "
        "[3, 3], padding same, input_size [8, 8, 1], expected layer ConvolutionLayer, depth 2, kernel_size [3, 3], "
        "padding same, input_size [8, 8, 1]",
    ),
    "other optimizer": (
        report_model(optimizer=OptimizerAdam()),
        "restore: the state was made with OptimizerSGD, expected OptimizerAdam",
    ),
    "no momentum": (
        report_model(optimizer=OptimizerSGD()),
        "restore: the state holds velocity of its OptimizerSGD, expected no memory",
    ),
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_state_of_another_network_or_optimizer_is_refused(other: str) -> None:
    model, message = OTHERS[other]
    before = model.digest()
    with pytest.raises(SettingsError) as caught:
        model.restore(trained_state())

    assert str(caught.value) == message
    assert model.digest() == before


def test_a_state_with_one_layer_more_is_of_another_network() -> None:
    with pytest.raises(SettingsError) as caught:
        dense(64).restore(dense(64, ActivationTanh()).state())

    assert str(caught.value) == (
        "restore: the state is of a network with layer ActivationTanh, expected layer ActivationSoftmax"
    )


def files(path: Path) -> dict[str, tuple[bytes | None, str]]:
    """Files that are no state, and the message for each."""
    whole = path.read_bytes()
    bent = bytearray(whole)
    bent[whole.index(b"parameters.npy") + 200] ^= 255
    return {
        "missing": (None, "no such file, expected a saved state"),
        "empty": (b"", "cannot be read as a saved state"),
        "truncated": (whole[: len(whole) // 2], "cannot be read as a saved state"),
        "one byte changed": (bytes(bent), "cannot be read as a saved state"),
        "text": (b"hello\nworld\n" * 50, "cannot be read as a saved state"),
        "pickle": (pickle.dumps({"parameters": [1.0]}), "cannot be read as a saved state"),
    }


@pytest.mark.parametrize("kind", ["missing", "empty", "truncated", "one byte changed", "text", "pickle"])
def test_a_file_that_is_no_state_is_refused_by_name_in_one_line(kind: str, tmp_path: Path) -> None:
    save_state(tmp_path / "good.npz", trained_state())
    content, message = files(tmp_path / "good.npz")[kind]
    path = tmp_path / "bad.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_state(path)

    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_an_archive_of_other_arrays_is_no_state(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", weights=np.ones(3))
    np.savez(tmp_path / "b.npz", parameters=np.ones(3))
    np.save(tmp_path / "c.npy", np.ones(3))

    for name, message in (
        ("a.npz", "found no parameters, expected a saved state"),
        ("b.npz", "found no readable 'about', expected a state made by Model.state()"),
        ("c.npy", "cannot be read as a saved state"),
    ):
        with pytest.raises(DataError) as caught:
            load_state(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: {message}")


def test_states_are_saved_without_pickle_and_pickles_inside_are_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    save_state(path, trained_state())
    with zipfile.ZipFile(path) as archive:
        heads = [archive.read(name)[:128] for name in archive.namelist()]
    np.savez(tmp_path / "evil.npz", parameters=np.array([{"a": 1}], dtype=object), about=np.array("{}"))

    assert all(head.startswith(b"\x93NUMPY") and b"|O" not in head for head in heads)
    with pytest.raises(DataError, match="cannot be read as a saved state"):
        load_state(tmp_path / "evil.npz")
