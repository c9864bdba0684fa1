"""The result of a gradient check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lenet.gradcheck.foreign.calls import NotComparable
from lenet.gradcheck.wording import grouped


@dataclass(frozen=True)
class TensorCheck:
    """One gradient against finite differences.

    Attributes:
        error: norm(analytic - numeric) / max(norm(analytic), norm(numeric)) over the checked entries.
        tolerance: the largest error that counts as right.
        worst: the index of the entry that is off by most.
        analytic: the gradient of ``backward`` at ``worst``.
        numeric: the finite difference there.
        checked: how many entries were compared.
        skipped: how many were left out since they lie on a kink, such as that of ReLU at 0, where
            there is no derivative to compare with.
        size: how many entries the tensor has.
    """

    error: float
    tolerance: float
    worst: tuple[int, ...] = ()
    analytic: float = 0.0
    numeric: float = 0.0
    checked: int = 0
    skipped: int = 0
    size: int = 0

    @property
    def ok(self) -> bool:
        """Whether the error is within the tolerance (NaN is not)."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class GradientCheck:
    """The result for a layer, a loss or a network.

    Attributes:
        tensors: each gradient that was compared, by its name: ``dinputs``, ``dweights``, ...
        mistakes: sentences, the most important first. There may be none for a wrong gradient
            whose mistake is of no known kind.
        dtype: the type in which the layer computed.
        stepped_aside: whether the inputs lay on so many kinks that a little noise was added to them.
        undecided: by name, why a gradient could not be compared, or depends on the rest of the
            network.
    """

    tensors: Mapping[str, TensorCheck]
    mistakes: tuple[str, ...] = ()
    dtype: str = "float64"
    stepped_aside: bool = False
    undecided: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def without_comparison(cls, reason: NotComparable) -> GradientCheck:
        """The result where nothing could be compared."""
        if reason.is_mistake:
            return cls({}, (str(reason),))
        return cls({}, undecided={reason.part: f"not compared: it {reason.reason}"})

    @property
    def wrong(self) -> bool:
        """Whether something is wrong, independently of the rest of the network."""
        return bool(self.mistakes or [n for n, t in self.tensors.items() if not t.ok and n not in self.undecided])

    @property
    def ok(self) -> bool:
        """Whether every gradient was compared and is right; a first layer needs no gradient by its inputs."""
        return bool(self.tensors) and not self.wrong and not set(self.undecided) - ({"dinputs"} - set(self.tensors))

    @property
    def mistake(self) -> str | None:
        """The mistakes in one sentence, or else what could not be decided; None without either."""
        return "; ".join(self.mistakes or (() if self.ok else grouped(self.undecided.items()))) or None

    @property
    def compared(self) -> list[str]:
        """The names of the gradients that were compared."""
        return [name for name, tensor in self.tensors.items() if tensor.checked]

    @property
    def skipped(self) -> int:
        """Entries of all tensors that lie on a kink and could not be compared."""
        return sum(tensor.skipped for tensor in self.tensors.values())

    def __str__(self) -> str:
        lines = []
        for name, t in self.tensors.items():
            said = "UNDECIDED" if name in self.undecided else "ok" if t.ok else "WRONG"
            line = f"{name:9} relative error {t.error:.1e} ({said}, {t.checked} of {t.size} entries"
            line += f", {t.skipped} on a kink left out)" if t.skipped else ")"
            if not t.ok and t.worst:
                line += f"; worst at {t.worst}: {t.analytic:.6g}, expected {t.numeric:.6g}"
            lines.append(line)
        lines += [f"mistake: {mistake}" for mistake in self.mistakes]
        return "\n".join([*lines, *(f"undecided: {text}" for text in grouped(self.undecided.items()))])
