"""Variables and numbers of any backend of Keras as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NARROW = ("float16", "bfloat16")


def as_array(variable: Any) -> NDArray[Any]:
    """A variable, a tensor or a number as an array; what is narrower than float32 becomes float32, which holds it."""
    value = getattr(variable, "value", variable)
    if hasattr(value, "detach"):
        value = value.detach()
        value = (value.float() if str(value.dtype).removeprefix("torch.") in NARROW else value).cpu().numpy()
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.name in NARROW else array


def backend() -> str:
    """The backend of Keras."""
    import keras

    return str(keras.config.backend())
