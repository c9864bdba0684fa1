"""Values as JSON has them: it has neither NaN and infinities nor enums."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any


def finite(value: float) -> float | None:
    """A number; None where it is not finite."""
    return float(value) if math.isfinite(value) else None


def plain(value: Any) -> Any:
    """A value, and all that it holds: enums become text, tuples lists, NaN and infinities None."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, StrEnum):
        return str(value)
    return finite(value) if isinstance(value, float) else value
