"""Rollback: one entry of a log's table of rollbacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Rollback:
    """A run was turned back from a defect to a state before it, and went on with a remedy.

    ``step``: the step that came next. The state before it was restored.
    ``last_step``: the last step that was made before the rollback. The steps from ``step`` to it are undone.
    ``kind``: the defect that was undone, as a verdict.
    ``onset``: its onset.
    ``remedy``: the key of the remedy, see :mod:`diagnostics.detect.rollback_remedies`.
    ``setting``: the setting that the remedy changes.
    ``value``: the value of that setting from there on.
    ``order_seed``: the seed of the new order of the samples; None where the order stayed.
    ``file``: the checkpoint that was restored.
    """

    step: int
    last_step: int
    kind: str
    onset: int
    remedy: str
    setting: str
    value: float
    order_seed: int | None
    file: str

    @property
    def undone_steps(self) -> int:
        """The number of steps that it undid."""
        return self.last_step + 1 - self.step

    def to_row(self) -> dict[str, Any]:
        """Its row in the table of rollbacks, without the fields that count rows."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**plain, "order_seed": -1 if self.order_seed is None else self.order_seed}


def rollbacks_of(rows: Iterable[Any]) -> tuple[Rollback, ...]:
    """The rollbacks, from the rows of the table."""
    return tuple(_of_row(row) for row in rows)


def _of_row(row: Any) -> Rollback:
    plain: dict[str, Any] = {one.name: row[one.name].item() for one in fields(Rollback)}
    plain |= {name: v.decode("utf-8", "replace") for name, v in plain.items() if isinstance(v, bytes)}
    plain["order_seed"] = None if plain["order_seed"] < 0 else plain["order_seed"]
    return Rollback(**plain)
