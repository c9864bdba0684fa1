"""What a gradient check answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TensorCheck:
    """One gradient against finite differences.

    ``error`` is normwise: norm(analytic - numeric) / max(norm(analytic), norm(numeric))
    over the ``checked`` entries. ``worst`` is the index of the entry that is off by
    most, with its ``analytic`` and ``numeric`` value. ``skipped`` entries lie on a
    kink, such as that of ReLU at 0, where there is no derivative to compare with.
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
    """The answer for a layer or a loss.

    ``tensors`` holds ``dinputs`` and, for a layer with parameters, ``dweights``
    and ``dbiases``. ``mistakes`` are sentences, the most telling first; they can be
    empty although a gradient is wrong, where it is wrong in no known way.
    ``dtype`` is what the layer computed in; ``stepped_aside`` says that the inputs
    lay on so many kinks that a little noise was added to them.
    """

    tensors: Mapping[str, TensorCheck]
    mistakes: tuple[str, ...] = ()
    dtype: str = "float64"
    stepped_aside: bool = False

    @property
    def ok(self) -> bool:
        """Whether every gradient is right and no other mistake was found."""
        return not self.mistakes and all(tensor.ok for tensor in self.tensors.values())

    @property
    def mistake(self) -> str | None:
        """The kinds of mistake in one sentence, or None where none was recognised."""
        return "; ".join(self.mistakes) or None

    @property
    def skipped(self) -> int:
        """Entries of all tensors that lie on a kink and could not be compared."""
        return sum(tensor.skipped for tensor in self.tensors.values())

    def __str__(self) -> str:
        lines = []
        for name, t in self.tensors.items():
            line = f"{name:9} relative error {t.error:.1e} ({'ok' if t.ok else 'WRONG'}, "
            line += f"{t.checked} of {t.size} entries"
            line += f", {t.skipped} on a kink left out)" if t.skipped else ")"
            if not t.ok and t.worst:
                line += f"; worst at {t.worst}: {t.analytic:.6g}, expected {t.numeric:.6g}"
            lines.append(line)
        return "\n".join([*lines, *(f"mistake: {mistake}" for mistake in self.mistakes)])
