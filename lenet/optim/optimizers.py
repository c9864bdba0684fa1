"""Optimisers: each updates all parameters of a model at once, as flat vectors.

With g the gradient (clipped, if that is set), r the learning rate of the step, and p
the parameters:

    SGD        p -= r g
    momentum   v = m v + g;                 p -= r v        (Nesterov: p -= r (g + m v))
    RMSprop    s = a s + (1 - a) g^2;       p -= r g / (sqrt(s) + eps)
    Adam       v = b1 v + (1 - b1) g;  s = b2 s + (1 - b2) g^2;
               p -= r (v / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + eps)

Weight decay is decoupled from the gradient: p -= r weight_decay p comes before the
step (AdamW, arXiv:1711.05101).

Sources: momentum: Polyak 1964, doi:10.1016/0041-5553(64)90137-5; both kinds as in
Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum
in deep learning, ICML 2013 (PMLR 28(3)), in the form PyTorch uses; RMSprop:
Tieleman, Hinton: Lecture 6.5 of Neural Networks for Machine Learning, COURSERA 2012
(there is no paper); Adam: arXiv:1412.6980; clipping by norm: arXiv:1211.5063.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lenet.arguments import expect_number, not_negative, positive, share_below_one
from lenet.errors import SettingsError
from lenet.layers.workspace import Array
from lenet.optim.schedules import Constant, InverseTime, Schedule, expect_schedule


class Optimizer:
    """Base of the optimisers: learning rate, schedule, clipping and weight decay.

    An optimiser keeps its memory from step to step, so every model needs its own.

    Args:
        learning_rate: 0 or more; the schedule multiplies it.
        schedule: maps the number of updates made to a factor of the learning rate; None (default)
            for a constant one.
        weight_decay: share of each parameter, times the learning rate, that a step takes away;
            0 or more, default 0.
        clip_norm: largest L2 norm of the gradient of all layers together, above 0; a larger
            gradient is scaled down to it. None (default) for no limit.
        clip_value: largest absolute value of a gradient's entry, above 0; larger entries are cut
            to it before ``clip_norm`` acts. None (default) for no limit.

    Raises:
        SettingsError: a value out of range.
    """

    # The names of the arrays that it keeps in ``memory``, each of the size of the parameters.
    slots: tuple[str, ...] = ()

    def __init__(
        self,
        learning_rate: float,
        *,
        schedule: Schedule | None = None,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ) -> None:
        expect_number("learning_rate", learning_rate, "0 or more", not_negative)
        expect_number("weight_decay", weight_decay, "0 or more", not_negative)
        for name, limit in (("clip_norm", clip_norm), ("clip_value", clip_value)):
            if limit is not None:
                expect_number(name, limit, "above 0", positive)
        if schedule is not None:
            expect_schedule("schedule", schedule)
        self.learning_rate = float(learning_rate)
        self.schedule: Schedule = schedule if schedule is not None else Constant()
        self.weight_decay = float(weight_decay)
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.iterations = 0
        self.memory: dict[str, Array] = {}
        # The factors of single updates for experiments, by the number of updates made before.
        self.update_factors: Mapping[int, float] = {}
        self.is_taken = False  # set by Model.set when it gives the optimiser to a model
        self._scratch: tuple[Array, Array] | None = None

    @property
    def current_learning_rate(self) -> float:
        """The learning rate of the next update."""
        return self.learning_rate * self.schedule(self.iterations)

    def update(self, values: Array, gradients: Array) -> None:
        """Make one step: change flat ``values`` in place, by flat ``gradients``, which stay as they are."""
        if self._scratch is None or self._scratch[0].shape != values.shape:
            self._scratch = (np.empty_like(values), np.empty_like(values))
        for slot in self.slots:
            if slot not in self.memory:  # the first update, which a restored state may lie before
                self.memory[slot] = np.zeros_like(values)
        rate = self.current_learning_rate
        factor = self.update_factors.get(self.iterations)
        before = None if factor is None else values.copy()
        if self.weight_decay:
            decay = np.multiply(values, rate * self.weight_decay, out=self._scratch[0])
            values -= decay
        self.apply(values, self._clipped(gradients), rate)
        if before is not None and factor != 1:
            values[...] = before + (values - before) * values.dtype.type(factor) if factor else before
        self.iterations += 1

    def apply(self, values: Array, gradients: Array, rate: float) -> None:
        """Change ``values`` by the formula of the optimiser; array 1 of the scratch may hold ``gradients``."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """Name and arguments, in plain types."""
        return {
            "optimizer": type(self).__name__,
            "learning_rate": self.learning_rate,
            "schedule": str(self.schedule),
            "weight_decay": self.weight_decay,
            "clip_norm": self.clip_norm,
            "clip_value": self.clip_value,
        }

    def _clipped(self, gradients: Array) -> Array:
        if self.clip_value is None and self.clip_norm is None:
            return gradients
        clipped = self._work(1)
        np.copyto(clipped, gradients)
        if self.clip_value is not None:
            np.clip(clipped, -self.clip_value, self.clip_value, out=clipped)
        if self.clip_norm is not None:
            norm = math.sqrt(float(np.dot(clipped, clipped)))
            if norm > self.clip_norm:
                clipped *= self.clip_norm / norm
        return clipped

    def _work(self, which: int) -> Array:
        if self._scratch is None:
            raise AssertionError("update makes the scratch arrays before anything asks for them")
        return self._scratch[which]


class OptimizerSGD(Optimizer):
    """Stochastic gradient descent, with momentum if that is set.

    Args:
        learning_rate: 0 or more, default 1; the schedule multiplies it.
        decay: the paper's decay of the learning rate, which divides it by 1 + decay t at step t;
            0 or more, default 0. It stands for ``schedule=InverseTime(decay)``.
        momentum: the share of the velocity that each step keeps, at least 0 and below 1, default 0.
        nesterov: whether the momentum is Nesterov's, default False.
        schedule: as in :class:`Optimizer`.
        options: weight_decay, clip_norm and clip_value, as in :class:`Optimizer`.

    Raises:
        SettingsError: a value out of range, Nesterov momentum without momentum, or both decay and schedule.
    """

    def __init__(
        self,
        learning_rate: float = 1.0,
        decay: float = 0.0,
        momentum: float = 0.0,
        nesterov: bool = False,
        *,
        schedule: Schedule | None = None,
        **options: Any,
    ) -> None:
        expect_number("decay", decay, "0 or more", not_negative)
        expect_number("momentum", momentum, "at least 0 and below 1", share_below_one)
        if nesterov and not momentum:
            raise SettingsError("nesterov: received momentum=0, expected a momentum above 0")
        if decay and schedule is not None:
            raise SettingsError(f"decay: received decay={decay} and schedule={schedule}, expected one of the two")
        super().__init__(learning_rate, schedule=InverseTime(decay) if decay else schedule, **options)
        self.momentum = float(momentum)
        self.nesterov = nesterov
        self.slots = ("velocity",) if momentum else ()

    def describe(self) -> dict[str, Any]:
        """Name and arguments, in plain types."""
        return {**super().describe(), "momentum": self.momentum, "nesterov": self.nesterov}

    def apply(self, values: Array, gradients: Array, rate: float) -> None:
        """Apply p -= r g, or p -= r v with momentum."""
        step = self._work(0)
        if not self.momentum:
            np.multiply(gradients, rate, out=step)
            values -= step
            return
        velocity = self.memory["velocity"]
        velocity *= self.momentum
        velocity += gradients
        if self.nesterov:
            np.multiply(velocity, self.momentum, out=step)
            step += gradients
            step *= rate
        else:
            np.multiply(velocity, rate, out=step)
        values -= step


class OptimizerRMSprop(Optimizer):
    """RMSprop: the step of a parameter is divided by the root of the mean of its squared gradients.

    Args:
        learning_rate: 0 or more, default 0.001; the schedule multiplies it.
        rho: the share of the mean that each step keeps, at least 0 and below 1, default 0.9.
        epsilon: added to the root, above 0, default 1e-7.
        options: schedule, weight_decay, clip_norm and clip_value, as in :class:`Optimizer`.

    Raises:
        SettingsError: a value out of range.
    """

    slots = ("square",)

    def __init__(
        self, learning_rate: float = 0.001, *, rho: float = 0.9, epsilon: float = 1e-7, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        expect_number("rho", rho, "at least 0 and below 1", share_below_one)
        expect_number("epsilon", epsilon, "above 0", positive)
        self.rho, self.epsilon = rho, epsilon

    def describe(self) -> dict[str, Any]:
        """Name and arguments, in plain types."""
        return {**super().describe(), "rho": self.rho, "epsilon": self.epsilon}

    def apply(self, values: Array, gradients: Array, rate: float) -> None:
        """Apply p -= r g / (sqrt(s) + eps)."""
        step, square = self._work(0), self.memory["square"]
        square *= self.rho
        np.multiply(gradients, gradients, out=step)
        step *= 1 - self.rho
        square += step
        np.sqrt(square, out=step)
        step += self.epsilon
        np.divide(gradients, step, out=step)
        step *= rate
        values -= step


class OptimizerAdam(Optimizer):
    """Adam: momentum and RMSprop together, both corrected for their start at zero.

    Args:
        learning_rate: 0 or more, default 0.001; the schedule multiplies it.
        beta_1: the share of the gradients' mean that each step keeps, at least 0 and below 1, default 0.9.
        beta_2: the share of the squared gradients' mean that each step keeps, at least 0 and below 1, default 0.999.
        epsilon: added to the root, above 0, default 1e-8.
        options: schedule, weight_decay, clip_norm and clip_value, as in :class:`Optimizer`.

    Raises:
        SettingsError: a value out of range.
    """

    slots = ("velocity", "square")

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        expect_number("beta_1", beta_1, "at least 0 and below 1", share_below_one)
        expect_number("beta_2", beta_2, "at least 0 and below 1", share_below_one)
        expect_number("epsilon", epsilon, "above 0", positive)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def describe(self) -> dict[str, Any]:
        """Name and arguments, in plain types."""
        return {**super().describe(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}

    def apply(self, values: Array, gradients: Array, rate: float) -> None:
        """Apply the step of Adam, with the bias corrections of iteration t = iterations + 1."""
        step, velocity, square = self._work(0), self.memory["velocity"], self.memory["square"]
        t = self.iterations + 1
        velocity *= self.beta_1
        np.multiply(gradients, 1 - self.beta_1, out=step)
        velocity += step
        square *= self.beta_2
        np.multiply(gradients, gradients, out=step)
        step *= 1 - self.beta_2
        square += step
        np.sqrt(square, out=step)
        step *= 1.0 / math.sqrt(1 - self.beta_2**t)
        step += self.epsilon
        np.divide(velocity, step, out=step)
        step *= rate / (1 - self.beta_1**t)
        values -= step
