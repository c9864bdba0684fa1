"""The limits that runs are judged by. Each is declared once, with unit and source, and can be changed.

Every rule declares its own limits; :mod:`diagnostics.detect.verdict_thresholds` declares those of
the verdict. A :class:`Thresholds` holds a value for each limit, from the defaults, from Python
(``limits.changed({"dead-units.share": 0.9})``) or from a TOML file with a table for each rule:

    [dead-units]
    share = 0.9
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from diagnostics.errors import DiagnosticsError
from lenet.errors import reason_of
from lenet.regular_files import read_regular

LARGEST_FILE = 1_000_000

# The source of a limit that was chosen by the measured values of healthy and dead calibration runs.
CALIBRATION = "calibration: docs/calibration.md"


class ThresholdsError(DiagnosticsError):
    """A limit that does not exist or cannot have that value; the message names it and what is allowed."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Threshold:
    """The declaration of one limit: its rule and name, default, unit, meaning, source and range."""

    rule: str
    name: str
    default: float
    unit: str
    meaning: str
    source: str
    least: float = 0.0
    most: float = math.inf

    @property
    def key(self) -> str:
        """``rule.name``, as in verdicts."""
        return f"{self.rule}.{self.name}"


class Thresholds(Mapping[str, float]):
    """The values of the declared limits, by ``rule.name``. A limit that is not named has its default.

    ``declared``: the declarations of all limits.
    ``values``: values by ``rule.name``, each in the unit of its limit; None (default) for the defaults alone.

    Raises ThresholdsError for an unknown key or a value out of range.
    """

    def __init__(self, declared: Iterable[Threshold], values: Mapping[str, float] | None = None) -> None:
        self.declared = {limit.key: limit for limit in declared}
        self._values = {key: limit.default for key, limit in self.declared.items()}
        for key, value in (values or {}).items():
            self._values[key] = self._checked(key, value)

    def _checked(self, key: str, value: object) -> float:
        limit = self.declared.get(key)
        if limit is None:
            known = ", ".join(sorted(self.declared))
            raise ThresholdsError(f"limit {key!r} is unknown; known limits: {known}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not limit.least <= value <= limit.most:
            allowed = f"{limit.least:g} to {limit.most:g} {limit.unit}"
            raise ThresholdsError(f"limit {key}: received {value!r}, expected {allowed}")
        return value

    def __getitem__(self, key: str) -> float:
        return self._values[key]

    def __iter__(self):  # type: ignore[no-untyped-def]  # Iterator[str], as Mapping asks
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def changed(self, values: Mapping[str, float]) -> Thresholds:
        """A copy with some values changed, by ``rule.name``."""
        return Thresholds(self.declared.values(), {**self._values, **values})

    def as_recorded(self, values: Mapping[str, float]) -> Thresholds:
        """A copy with the values that a log keeps; limits that are not declared any more are left out."""
        return self.changed({key: value for key, value in values.items() if key in self.declared})

    @property
    def changes(self) -> dict[str, tuple[float, float]]:
        """Value and default of each limit that does not have its default."""
        defaults = {key: limit.default for key, limit in self.declared.items()}
        return {key: (value, defaults[key]) for key, value in self._values.items() if value != defaults[key]}

    def changed_by_file(self, path: str | Path) -> Thresholds:
        """A copy with the values of a TOML file. Raises ThresholdsError, which names the file."""
        path = Path(path)
        try:
            tables = tomllib.loads(read_regular(path, LARGEST_FILE).decode())
        except OSError as error:
            raise ThresholdsError(f"{path}: cannot be read: {reason_of(error)}") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise ThresholdsError(f"{path}: cannot be read as a TOML file of limits ({error})") from None
        values: dict[str, float] = {}
        for rule, table in tables.items():
            if not isinstance(table, dict):
                raise ThresholdsError(f"{path}: found {rule} = {table!r}, expected a table [{rule}] of limits")
            if not table:
                raise ThresholdsError(f"{path}: table [{rule}] is empty; give it limits (NAME = NUMBER) or remove it")
            values |= {f"{rule}.{name}": value for name, value in table.items()}
        try:
            return self.changed(values)
        except ThresholdsError as error:
            raise ThresholdsError(f"{path}: {error}") from None


# The earlier names, for code that imports them.
Limit, Limits, LimitsError = Threshold, Thresholds, ThresholdsError
