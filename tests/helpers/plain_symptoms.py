"""The definitions of a verdict once more: slow, plain, exact, looking at whole lists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class PlainRow:
    """One row as the definitions see it; a loss of None is one that is not finite."""

    step: int
    loss: float | None
    correct: int
    samples: int
    finite: bool = True


@dataclass(frozen=True)
class Words:
    """The numbers in the definitions."""

    prior: tuple[float, ...]
    batch_size: int
    patience: int
    grace: int

    @property
    def window(self) -> int:
        return max(20, min(200, math.ceil(2560 / self.batch_size)))

    @property
    def entropy(self) -> float:
        return -sum(p * math.log(p) for p in self.prior if p > 0)


def state(rows: Sequence[PlainRow], words: Words) -> tuple[bool, bool]:
    """(guessing, learned) at the last of ``rows``."""
    now = rows[-1].step
    inside = [row for row in rows if row.step > now - words.window]
    if len(inside) < 3:
        inside = list(rows[-3:])
    if now - rows[0].step < words.window - 1 or len(inside) < 3 or any(row.loss is None for row in inside):
        return False, False
    mean = float(sum(Fraction(row.loss or 0.0) for row in inside) / len(inside))
    samples = sum(row.samples for row in inside)
    accuracy = sum(row.correct for row in inside) / samples
    commonest = max(words.prior)
    chance = commonest + 3 * math.sqrt(commonest * (1 - commonest) / samples)
    return mean >= 0.95 * words.entropy and accuracy <= chance, mean <= 0.7 * words.entropy and accuracy > chance


def is_above_chance(rows: Sequence[PlainRow], words: Words, by: float = 0.3) -> bool:
    """Whether the loss is below guessing and the accuracy so far above the share of the commonest class."""
    now = rows[-1].step
    inside = [row for row in rows if row.step > now - words.window]
    if len(inside) < 3:
        inside = list(rows[-3:])
    if now - rows[0].step < words.window - 1 or len(inside) < 3 or any(row.loss is None for row in inside):
        return False
    mean = float(sum(Fraction(row.loss or 0.0) for row in inside) / len(inside))
    accuracy = sum(row.correct for row in inside) / sum(row.samples for row in inside)
    return mean < 0.95 * words.entropy and accuracy >= max(words.prior) + by


def last_good(rows: Sequence[PlainRow], words: Words) -> int:
    """The last step with a mean loss of at most 0.7 H over the rows of five steps; -1 where there is none."""
    for row in reversed(rows):
        losses = [one.loss for one in rows if row.step - 5 < one.step <= row.step]
        has_five_steps = row.step - rows[0].step >= 4
        mean = sum(math.inf if loss is None else loss for loss in losses) / len(losses)
        if has_five_steps and mean <= 0.7 * words.entropy:
            return row.step
    return -1


def stretches(rows: Sequence[PlainRow], words: Words) -> list[list[object]]:
    """[kind, onset, confirmed, recovery] of each stretch of a run that is over."""
    found: list[list[object]] = []
    has_learned = False
    for end in range(1, len(rows) + 1):
        seen, row = rows[:end], rows[end - 1]
        guessing, learned = state(seen, words)
        is_open = bool(found) and found[-1][3] is None
        if not row.finite or row.loss is None:
            if not is_open:
                found.append(["diverged", row.step, row.step, None])
        elif learned or (is_open and is_above_chance(seen, words)):
            has_learned |= learned
            if is_open:
                found[-1][3] = row.step
        elif guessing and not is_open:
            ended = found[-1][3] if found else 0
            assert isinstance(ended, int)
            if has_learned:
                found.append(["collapsed", max(last_good(seen, words) + 1, ended), row.step, None])
            elif row.step >= 6 * max(words.patience, words.window):
                found.append(["never-learned", ended, row.step, None])
    if found and found[-1][3] is None and found[-1][0] != "diverged" and is_above_chance(rows, words, 0.1):
        guesses = [rows[n - 1].step for n in range(1, len(rows) + 1) if state(rows[:n], words)[0]]
        confirmed = found[-1][2]
        assert isinstance(confirmed, int)
        found[-1][3] = max([confirmed, *guesses]) + 1
        return found
    if rows and not has_learned and not (found and found[-1][3] is None) and state(rows, words)[0]:
        steps = rows[-1].step + 1
        if steps >= max(words.grace, words.window):
            found.append(["never-learned", found[-1][3] if found else 0, steps - 1, None])
    return found
