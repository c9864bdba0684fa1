"""Initial weights: by the paper's scheme, LeCun's, Glorot's or He's.

An initialiser draws a weight tensor of a shape. Its variance follows from fan-in, the
number of inputs that one output sums over, and fan-out, the number of outputs that one
input takes part in. For dense weights (n_inputs, n_neurons) they are the two sides; for
kernels (kh, kw, C_in, C_out) they are kh kw C_in and kh kw C_out.

Sources: LeCun, Bottou, Orr, Müller: Efficient BackProp, 1998,
doi:10.1007/3-540-49430-8_2. Glorot, Bengio: Understanding the difficulty of
training deep feedforward neural networks, AISTATS 2010. He, Zhang, Ren, Sun:
Delving deep into rectifiers, 2015, arXiv:1502.01852. The Glorot paper has no
DOI; it is PMLR 9:249-256, https://proceedings.mlr.press/v9/glorot10a.html.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.declaration import PAPER, stored
from lenet.errors import SettingsError

Array = NDArray[np.floating[Any]]

SCHEMES = ("report", "lecun", "glorot", "he")
SHAPES = ("normal", "uniform")

_VARIANCE: dict[str, Callable[[int, int], float]] = {
    "lecun": lambda fan_in, fan_out: 1.0 / fan_in,
    "glorot": lambda fan_in, fan_out: 2.0 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2.0 / fan_in,
}


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) of dense weights or convolution kernels."""
    receptive = math.prod(shape[:-2])
    return receptive * shape[-2], receptive * shape[-1]


class Initializer:
    """Draws initial weights.

    Args:
        scheme: sets the variance: paper (or report, the same; default), lecun, glorot or he. The paper's
            scheme draws kernels from Glorot's uniform distribution and dense weights from 0.1 N(0, 1).
        distribution: normal (default) or uniform; the paper's scheme ignores it.

    Raises:
        SettingsError: an unknown name.
    """

    def __init__(self, scheme: str = "report", distribution: str = "normal") -> None:
        scheme = stored(scheme)
        if scheme not in SCHEMES:
            known = ", ".join(PAPER.get(name, name) for name in SCHEMES)
            raise SettingsError(f"initializer: received {scheme!r}, expected one of {known}")
        if distribution not in SHAPES:
            raise SettingsError(f"distribution: received {distribution!r}, expected one of {', '.join(SHAPES)}")
        self.scheme = scheme
        self.distribution = distribution

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        """Float64 weights of ``shape``, (n_inputs, n_neurons) or (kh, kw, C_in, C_out)."""
        if self.scheme == "report":
            if len(shape) == 2:
                return 0.1 * generator.standard_normal(shape)
            return _uniform(_VARIANCE["glorot"](*fans(shape)), shape, generator)
        variance = _VARIANCE[self.scheme](*fans(shape))
        if self.distribution == "uniform":
            return _uniform(variance, shape, generator)
        return math.sqrt(variance) * generator.standard_normal(shape)

    def describe(self) -> dict[str, str]:
        """The arguments of the initialiser, in plain types."""
        return {"scheme": self.scheme, "distribution": self.distribution}


def _uniform(variance: float, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Uniform weights of this variance; on [-a, a] it is a^2 / 3."""
    limit = math.sqrt(3.0 * variance)
    return generator.uniform(-limit, limit, shape)
