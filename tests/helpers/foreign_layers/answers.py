"""What a gradient check says of the layers here, on inputs of a shape that each of them takes."""

from __future__ import annotations

from typing import Any

from lenet.gradcheck import GradientCheck, check
from tests.helpers import plain_layers as ref
from tests.helpers.foreign_layers import kinds_of_layers as other_kinds
from tests.helpers.foreign_layers.arrays import draw

ROWS = draw(4, 5, seed=4)
SEQUENCES = draw(2, 3, 3, seed=4)
IMAGES = draw(2, 4, 4, 2, seed=4)


def answer(layer: Any, **options: Any) -> GradientCheck:
    inputs = SEQUENCES if isinstance(layer, other_kinds.Recurrent) else ROWS
    return check(layer, ROWS[:, :3] if isinstance(layer, other_kinds.SamplesInColumns) else inputs, **options)


def made(kind: type[Any]) -> Any:
    return kind(draw(5, 4), draw(4, seed=1)) if kind.__init__ is ref.Dense.__init__ else kind()
