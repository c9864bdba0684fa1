"""The batch of one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lenet.losses import Labels


@dataclass(frozen=True)
class Batch:
    """The batch of one step.

    Args:
        inputs: its samples, (n, ...), as the network takes them.
        classes: their classes, as the network takes them: (n,) or one-hot (n, classes).
        indices: their places in the training set, (n,); None where these are not known.
    """

    inputs: Any
    classes: Any
    indices: NDArray[np.intp] | None = None

    @property
    def labels(self) -> Labels:
        """The classes of the samples, (n,)."""
        classes = np.asarray(self.classes)
        return np.asarray(classes.argmax(axis=1) if classes.ndim == 2 else classes, dtype=np.intp)
