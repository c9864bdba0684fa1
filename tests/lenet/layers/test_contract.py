"""What holds for all layers: their types, and that no call changes an array that was given or returned before."""

from __future__ import annotations

import numpy as np
import pytest

import lenet
from lenet import (
    ActivationReLU,
    ActivationSigmoid,
    ActivationSoftmax,
    ActivationTanh,
    AveragePooling,
    ConvolutionLayer,
    DenseLayer,
    Flatten,
    Layer,
    ReportConvolutionLayer,
    TrainableLayer,
)
from tests.helpers.faulty_layers import draw

SMALL: dict[str, tuple[Layer, tuple[int, ...]]] = {
    "ConvolutionLayer": (ConvolutionLayer(3, (3, 3), input_size=(5, 5, 2)), (2, 5, 5, 2)),
    "ReportConvolutionLayer": (ReportConvolutionLayer(3, (3, 3), input_size=(5, 5, 2)), (2, 5, 5, 2)),
    "AveragePooling": (AveragePooling(), (2, 5, 5, 2)),
    "DenseLayer": (DenseLayer(4, 3), (2, 4)),
    "Flatten": (Flatten(), (2, 3, 3, 2)),
    "ActivationReLU": (ActivationReLU(), (2, 4)),
    "ActivationSigmoid": (ActivationSigmoid(), (2, 4)),
    "ActivationTanh": (ActivationTanh(), (2, 4)),
    "ActivationSoftmax": (ActivationSoftmax(), (2, 4)),
}


def test_every_layer_of_the_package_is_tested_here() -> None:
    public = {getattr(lenet, name) for name in lenet.__all__}
    layers = {
        kind.__name__
        for kind in public
        if isinstance(kind, type) and issubclass(kind, Layer) and kind not in (Layer, TrainableLayer)
    }

    assert layers == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_float32_inputs_are_computed_in_float32_and_come_close(name: str) -> None:
    layer, shape = SMALL[name]
    inputs = draw(*shape)
    narrow, narrow_d = layer.forward(inputs.astype(np.float32)).copy(), None
    d = draw(*narrow.shape)
    if name != "ReportConvolutionLayer":  # its gradients depend on the call before
        narrow_d = layer.backward(d.astype(np.float32)).copy()
        wide, wide_d = layer.forward(inputs), layer.backward(d)
        np.testing.assert_allclose(narrow_d, wide_d, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(narrow, wide, rtol=1e-4, atol=1e-5)

    assert narrow.dtype == np.float32


@pytest.mark.parametrize("name", SMALL)
def test_a_layer_changes_neither_its_inputs_nor_the_gradient_it_is_given(name: str) -> None:
    layer, shape = SMALL[name]
    inputs = draw(*shape)
    d = draw(*layer.forward(inputs).shape)
    before = inputs.copy(), d.copy()
    layer.backward(d)

    np.testing.assert_array_equal(inputs, before[0])
    np.testing.assert_array_equal(d, before[1])


@pytest.mark.parametrize("name", SMALL)
def test_an_output_once_given_does_not_change_with_the_next_call(name: str) -> None:
    layer, shape = SMALL[name]
    output = layer.forward(draw(*shape))
    dinputs = layer.backward(draw(*output.shape))
    kept = output.copy(), dinputs.copy()
    layer.forward(draw(*shape, seed=1))
    layer.backward(draw(*output.shape, seed=1))

    np.testing.assert_array_equal(output, kept[0])
    np.testing.assert_array_equal(dinputs, kept[1])
