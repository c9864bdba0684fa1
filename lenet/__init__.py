"""The trainer: data, layers, losses, optimisers, and a loop that announces what it does to hooks.

In: images and labels, a network and its settings.
Out: a trained network, and events for hooks. The trainer knows nothing of logs, plots or defects.
"""

from __future__ import annotations

from lenet.architectures import NETWORKS, network_layers
from lenet.data import Dataset, formatData, load_dataset, load_mnist_images, load_mnist_labels
from lenet.errors import DataError, LenetError, SettingsError, ShapeError
from lenet.hooks import ContinueFrom, Hook, StopTraining
from lenet.in_the_way import warn_of as _warn_of
from lenet.layers.activations import ActivationReLU, ActivationSigmoid, ActivationSoftmax, ActivationTanh
from lenet.layers.base import Layer, TrainableLayer
from lenet.layers.convolution import ConvolutionLayer
from lenet.layers.dense import DenseLayer
from lenet.layers.flatten import Flatten
from lenet.layers.initializers import Initializer
from lenet.layers.pooling import AveragePooling
from lenet.layers.report_convolution import ReportConvolutionLayer
from lenet.losses import LossCategoricalCrossEntropy
from lenet.metrics import AccuracyCategorical
from lenet.model import Model
from lenet.optim.optimizers import Optimizer, OptimizerAdam, OptimizerRMSprop, OptimizerSGD
from lenet.optim.schedules import Constant, Cosine, Exponential, InverseTime, StepDecay, Warmup
from lenet.settings import Settings
from lenet.training.custom_layer import LayerTap
from lenet.training.custom_loop import LoopMonitor
from lenet.training.printing import PrintProgress
from lenet.training.state import load_state, save_state

__version__ = "0.1.0"

_warn_of("diagnostics")

# The earlier names of LayerTap and LoopMonitor.
OwnLayer, OwnTraining = LayerTap, LoopMonitor

__all__ = [
    # data
    "Dataset",
    "formatData",
    "load_dataset",
    "load_mnist_images",
    "load_mnist_labels",
    # layers
    "ActivationReLU",
    "ActivationSigmoid",
    "ActivationSoftmax",
    "ActivationTanh",
    "AveragePooling",
    "ConvolutionLayer",
    "DenseLayer",
    "Flatten",
    "Layer",
    "ReportConvolutionLayer",
    "TrainableLayer",
    # how weights start
    "Initializer",
    # loss and accuracy
    "AccuracyCategorical",
    "LossCategoricalCrossEntropy",
    # optimisers and schedules
    "Constant",
    "Cosine",
    "Exponential",
    "InverseTime",
    "Optimizer",
    "OptimizerAdam",
    "OptimizerRMSprop",
    "OptimizerSGD",
    "StepDecay",
    "Warmup",
    # the model and its run
    "Hook",
    "Model",
    "NETWORKS",
    "PrintProgress",
    "Settings",
    "ContinueFrom",
    "StopTraining",
    "load_state",
    "network_layers",
    "save_state",
    # hooks for a network and a loop that a user wrote
    "LayerTap",
    "LoopMonitor",
    "OwnLayer",
    "OwnTraining",
    # errors
    "DataError",
    "LenetError",
    "SettingsError",
    "ShapeError",
]
