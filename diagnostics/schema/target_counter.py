"""Counts the targets of a run while it goes on, from which the loss of guessing follows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnostics.schema.task import BINARY, Task, classes_of

KEPT_TARGETS = 2**22


class TargetCounter:
    """Counts targets while a run goes on, up to some four million numbers.

    task: what they are targets of.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._parts: list[NDArray[Any]] = []
        self._room = KEPT_TARGETS

    def add(self, targets: NDArray[Any]) -> None:
        """The targets of a batch, (n, ...). Raises SettingsError for what are no classes, where there are classes."""
        part = np.asarray(targets)
        is_matrix = part.ndim == 2 and part.shape[1] > 1
        if self._task.has_classes and not (self._task.kind == BINARY and is_matrix):
            part = classes_of(part)
        part = part[: self._room // max(1, math.prod(part.shape[1:]))].copy()
        self._room -= part.size
        if len(part):
            self._parts.append(part)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added."""
        return not self._parts

    def counted(self) -> Task:
        """The task with the loss and accuracy of guessing what was added; as it is where nothing was."""
        return self._task.with_targets(np.concatenate(self._parts)) if self._parts else self._task
