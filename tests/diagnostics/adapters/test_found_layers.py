"""What was found of a network prints whole, and stays a frame."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnostics.adapters import watch
from diagnostics.adapters.found_layers import WIDTH, FoundLayers
from tests.helpers.scratch_network import ScratchNetwork

LONG = {
    "class": "Dense",
    "tensors": "weights: network.layers[0].weights, biases: network.layers[0].biases",
    "gradients": "weights: network.layers[0].dweights, biases: network.layers[0].dbiases, derived from the update",
    "activation": "relu (Relu after it)",
    "outputs": "",
}


def found(*rows):
    return FoundLayers(pd.DataFrame(rows).set_index("layer"))


def test_what_is_too_wide_for_a_table_is_a_paragraph_a_layer():
    shown = repr(found({"layer": "dense1", **LONG}, {"layer": "dense2", **LONG}))
    lines = shown.splitlines()

    assert max(map(len, lines)) <= WIDTH
    assert "..." not in shown
    assert [line for line in lines if not line.startswith(" ")] == ["dense1", "dense2"]
    words = " ".join(shown.split())
    for name, value in LONG.items():
        assert words.count(f"{name}: {value or 'none'}") == 2


def test_a_name_without_an_end_is_broken_and_not_cut():
    name = "a" * 300
    shown = repr(found({"layer": "dense1", "tensors": name}))

    assert max(map(len, shown.splitlines())) <= WIDTH
    assert "".join(shown.split()) == f"dense1tensors:{name}"


def test_what_fits_is_a_table():
    frame = found({"layer": "0", "class": "Conv2d", "outputs": "measured"})

    assert repr(frame) == frame.to_string()
    assert len(repr(frame).splitlines()) == 3


def test_it_is_a_frame_and_what_is_taken_out_of_it_is_a_plain_one():
    frame = found({"layer": "dense1", **LONG})

    assert isinstance(frame, pd.DataFrame)
    assert frame.loc["dense1", "activation"] == "relu (Relu after it)"
    assert type(frame[["class"]]) is pd.DataFrame


def test_what_watch_has_found_is_printed_whole(tmp_path):
    network = ScratchNetwork()
    watched = watch([network.dense1, network.relu, network.dense2, network.softmax], lr=0.1)
    assert max(map(len, str(watched.found).splitlines())) <= WIDTH
    rows = slice(0, 20)
    loss, accuracy = network.gradients(rows)
    network.update()
    watched.step(loss=loss, accuracy=accuracy, inputs=network.images[rows])
    watched.close()
    shown = " ".join(str(watched.found).split())

    assert isinstance(watched.found, FoundLayers)
    assert max(map(len, str(watched.found).splitlines())) <= WIDTH
    for value in np.ravel(watched.found.to_numpy()):
        assert " ".join(str(value).split()) in shown
