"""What is declared of one setting: its meaning, the values that it may have, and how people see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PAPER = {"report": "paper"}
"""What logs call "report" comes from the paper of the author who built this LeNet, and people see it as "paper"."""


def stored(value: Any, shown_as: Mapping[str, str] = PAPER) -> Any:
    """A name as logs keep it: "report" for "paper".

    value: the name, or any other value, which stays as it is.
    shown_as: what people see in place of the names that logs keep; default: "paper" for "report".
    """
    return next((kept for kept, name in shown_as.items() if name == value), value)


@dataclass(frozen=True)
class Declaration:
    """What is declared of one setting, for the checks, for the command line, and for readers.

    meaning: one sentence, with the unit where there is one.
    choices: the names it may have, as logs keep them; empty where it is no choice.
    shown_as: the names that people see and type in place of some choices; the choices are understood too.
    at_least: the smallest number that is allowed.
    above: a number that it has to exceed.
    below: a number that it has to stay below.
    group: the group of options in which the command line shows it: network, training, remedies or data.
    is_folder: whether it names a folder.
    requires: another setting and the values of it with which this one has an effect; None where it always has one.
    """

    meaning: str
    choices: tuple[str, ...] = ()
    shown_as: Mapping[str, str] = field(default_factory=dict)
    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    group: str = "training"
    is_folder: bool = False
    requires: tuple[str, tuple[str, ...]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The choices as people see and type them."""
        return tuple(self.shown(one) for one in self.choices)

    def shown(self, value: Any) -> Any:
        """A value as people see it: "paper" for a choice that logs call "report"."""
        return self.shown_as.get(value, value) if isinstance(value, str) else value

    def stored(self, value: Any) -> Any:
        """A value as logs keep it: "report" for "paper"."""
        return stored(value, self.shown_as)

    @property
    def range_words(self) -> str:
        """The numbers that are allowed, such as "at least 0 and below 1"; "" where every one is."""
        parts = {"at least": self.at_least, "above": self.above, "below": self.below}
        return " and ".join(f"{words} {limit:g}" for words, limit in parts.items() if limit is not None)
