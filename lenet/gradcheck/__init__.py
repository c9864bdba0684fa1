"""Checks gradients: the backward pass of any layer or loss against finite differences.

    result = check(layer, inputs)
    result.ok         whether every gradient is right
    result.tensors    name -> relative error and worst entry
    result.mistake    what kind of mistake it is, in a sentence, or None

It works on any object with ``forward(inputs)``, ``backward(dvalues)`` and the
attributes ``output``, ``dinputs``, ``weights``, ``biases``, ``dweights`` and
``dbiases``: the convention of "Neural Networks from Scratch" (nnfs.io).
"""

from __future__ import annotations

from lenet.gradcheck.check import check
from lenet.gradcheck.loss import check_loss
from lenet.gradcheck.network import check_model
from lenet.gradcheck.result import GradientCheck, TensorCheck

__all__ = ["check", "check_loss", "check_model", "GradientCheck", "TensorCheck"]
