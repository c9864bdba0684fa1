"""The five networks of the paper, by name.

    feedforward   784 - 120 - 84 - 10
    conv          6 kernels 5x5 same; 4704 - 120 - 84 - 10
    conv2         6 kernels 5x5 same, 16 kernels 5x5 valid; 9216 - 120 - 84 - 10
    conv-pool     6 kernels 5x5 same, average pool 2; 1176 - 120 - 84 - 10
    lenet         6 kernels 5x5 same, pool, 16 kernels 5x5 valid, pool; 400 - 120 - 84 - 10

An activation function follows every layer with weights; the last one is softmax.
The paper has them from LeNet-5: LeCun, Bottou, Bengio, Haffner: Gradient-based
learning applied to document recognition, 1998, doi:10.1109/5.726791.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from lenet.declaration import PAPER, stored
from lenet.errors import SettingsError
from lenet.layers.activations import ActivationReLU, ActivationSigmoid, ActivationSoftmax, ActivationTanh
from lenet.layers.base import Layer
from lenet.layers.convolution import ConvolutionLayer
from lenet.layers.dense import DenseLayer
from lenet.layers.flatten import Flatten
from lenet.layers.pooling import AveragePooling
from lenet.layers.report_convolution import ReportConvolutionLayer

NETWORKS = ("feedforward", "conv", "conv2", "conv-pool", "lenet")
ACTIVATIONS = {"relu": ActivationReLU, "sigmoid": ActivationSigmoid, "tanh": ActivationTanh}
CONVOLUTIONS = {"exact": ConvolutionLayer, "report": ReportConvolutionLayer}

# For each convolution: number of kernels, padding, and whether a pooling layer follows.
_CONVOLUTIONS_OF: dict[str, tuple[tuple[int, str, bool], ...]] = {
    "feedforward": (),
    "conv": ((6, "same", False),),
    "conv2": ((6, "same", False), (16, "valid", False)),
    "conv-pool": ((6, "same", True),),
    "lenet": ((6, "same", True), (16, "valid", True)),
}
HIDDEN = (120, 84)


def layers_with_weights(network: str) -> tuple[str, ...]:
    """The names of a network's layers with weights: conv1, conv2, dense1, ..."""
    convolutions = [f"conv{number + 1}" for number in range(len(_CONVOLUTIONS_OF[network]))]
    return (*convolutions, *(f"dense{number + 1}" for number in range(len(HIDDEN) + 1)))


def network_layers(
    network: str,
    *,
    activation: str = "relu",
    convolution: str = "exact",
    image: tuple[int, int, int] = (28, 28, 1),
    classes: int = 10,
) -> list[Layer]:
    """The layers of one of the five networks.

    Args:
        network: one of NETWORKS.
        activation: the function after every layer with weights but the last: relu (default), sigmoid or tanh.
        convolution: exact (default), or paper for the paper's own arithmetic; report means the same.
        image: (height, width, depth) of one image, default (28, 28, 1).
        classes: the number of outputs, default 10.

    Raises:
        SettingsError: an unknown name.
        ShapeError: images too small for the network.
    """
    _expect("network", network, NETWORKS)
    _expect("activation", activation, ACTIVATIONS)
    convolution = stored(convolution)
    _expect("convolution", convolution, CONVOLUTIONS)
    layers: list[Layer] = []
    shape: tuple[int, ...] = image
    for depth, padding, is_pooled in _CONVOLUTIONS_OF[network]:
        size = (shape[0], shape[1], shape[2])
        layers += [
            CONVOLUTIONS[convolution](depth, (5, 5), padding=padding, input_size=size),
            ACTIVATIONS[activation](),
        ]
        shape = layers[-2].output_shape(shape)
        if is_pooled:
            layers.append(AveragePooling())
            shape = layers[-1].output_shape(shape)
    layers.append(Flatten(None if layers else image))
    width = math.prod(shape)
    for neurons in HIDDEN:
        layers += [DenseLayer(width, neurons), ACTIVATIONS[activation]()]
        width = neurons
    return [*layers, DenseLayer(width, classes), ActivationSoftmax()]


def _expect(name: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        names = ", ".join(PAPER.get(one, one) for one in known)
        raise SettingsError(f"{name}: received {value!r}, expected one of {names}")
