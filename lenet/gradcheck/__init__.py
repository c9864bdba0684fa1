"""Checks gradients: the backward pass of a layer, a loss or a whole network against finite differences.

In: a layer, a loss or a network, with inputs.
Out: a :class:`GradientCheck`: relative errors, and the kind of mistake in a sentence.

    result = check_network(loss, parameters, gradients)    a whole network: whether anything is wrong
    result = check(layer, inputs)                          one layer: what is wrong
    result.ok          whether every gradient was compared and is right
    result.tensors     name -> relative error and worst entry
    result.mistake     what kind of mistake it is, in a sentence, or None
    result.undecided   what could not be compared, and why

:func:`check` works on any object with ``forward(inputs)`` and ``backward(dvalues)``, after
the convention of "Neural Networks from Scratch" (nnfs.io) or with names that you chose.
"""

from __future__ import annotations

from lenet.gradcheck.check import check
from lenet.gradcheck.loss import check_loss
from lenet.gradcheck.model import check_model
from lenet.gradcheck.network import check_network
from lenet.gradcheck.result import GradientCheck, TensorCheck

__all__ = ["check", "check_loss", "check_model", "check_network", "GradientCheck", "TensorCheck"]
