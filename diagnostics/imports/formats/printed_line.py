"""PrintedLine: the numbers that one printed line names, such as "Epoch [1/5], Step [100/600], Loss: 0.2846"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Self

from diagnostics.imports.cells import count_of, number_of
from diagnostics.imports.columns import TRAIN_WORDS, VALIDATION_WORDS, is_epoch, is_step, meaning_of
from diagnostics.imports.formats.usual_words import in_usual_words
from diagnostics.imports.loss_base import is_perplexity

WHOLE = r"\d{1,3}(?:,\d{3})+|\d+"
NUMBER = rf"(?>[-+]?(?:(?:\d+,\d+(?!\.)|(?:{WHOLE})(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|nan|inf(?:inity)?))(?!\w|,\d)"
"""A number, also with a decimal comma or with digits in groups of three."""
NAMED = re.compile(
    rf"(?<![\w@./])(?P<name>[a-z_](?>[\w@./-]*)(?: [a-z_](?>[\w@./-]*)){{0,4}})['\"]?+\s*+[:=#]*+\s*+['\"\[(]?+\s*+"
    rf"(?P<number>{NUMBER})(?:\s*/\s*(?P<of>{WHOLE}))?(?P<percent>\s*%)?(?:\s*\(\s*(?P<mean>{NUMBER})\s*\))?",
    re.IGNORECASE,
)
"""A number behind the words that name it; ``of``: as in 3/10; ``mean``: in parentheses, the mean so far."""
PLACE = re.compile(
    r"[\]):,]*+\s*+\|?+\s*+(?:\[\s*+(?P<alone>\d+)\s*\]|"
    r"[\[(]?+\s*+(?P<at>\d+)\s*/\s*(?P<of>\d+)(?![\d/])(?P<share>\s*\(\s*\d+\s*%\s*\))?)"
)
"""Behind the number of an epoch: how far it is, as ``[ 10/390]``, ``[640/60000 (1%)]``, or ``[350]`` in brackets."""
BAR = re.compile(r"\|\s*(?P<at>\d+)/(?P<of>\d+)\s*\[")
"""How far the bar of tqdm is."""
PAIR = re.compile(r"\W*\[(?P<epoch>\d+),\s*(?P<at>\d+)\]")
"""An epoch and its step at the beginning of a line, as ``[1,  2000]``."""
AT_THE_END = re.compile(r"\[\s*(?P<at>\d+)/\s*(?P<of>\d+)\]\s*$")
"""How far an epoch is, at the end of a line, as ``loss: 2.303  [ 6464/60000]``."""
DATA = re.compile(rf"\b(?:{'|'.join(sorted(TRAIN_WORDS | VALIDATION_WORDS))})\b", re.IGNORECASE)
PLAIN = frozenset(
    {"average", "avg", "avg.", "mean", "batch", "mini-batch", "minibatch", "current", "info", "the", "is"}
)
"""Words that do not change which metric the words behind them name."""
BEFORE_COUNTERS = PLAIN | TRAIN_WORDS | VALIDATION_WORDS | {
    "global", "at", "in", "end", "of", "after", "start", "begin", "completed", "finished",
}  # fmt: skip
OF_BEST = re.compile(r"\bbest\b", re.IGNORECASE)
"""A word behind which an epoch or a step is not that of the line."""
PLURALS = frozenset({"steps", "iterations", "num_updates"})
"""How many there are, and not which one."""
LONGEST = 4000


@dataclass
class PrintedLine:
    """What one line names.

    ``numbers``: its numbers by their names, in their order; "val " stands before one of a validation.
    ``epoch``: the epoch; None where it names none.
    ``step``: the step, or the place in the epoch; None where it names none.
    ``of``: where this place ends; None where it does not say so.
    ``counts_samples``: whether the place is one of samples, as in the examples of PyTorch.
    ``is_bar``: whether the place is that of a bar of tqdm.
    """

    numbers: dict[str, float] = field(default_factory=dict)
    epoch: float | None = None
    step: float | None = None
    of: int | None = None
    counts_samples: bool = False
    is_bar: bool = False

    @classmethod
    def read(cls, text: str) -> Self:
        """The numbers of a line."""
        text = in_usual_words(text[:LONGEST])
        line = cls()
        if pair := PAIR.match(text):
            line.epoch, line.step = float(pair["epoch"]), float(pair["at"])
        elif bar := BAR.search(text):
            line.step, line.of, line.is_bar = float(bar["at"]), int(bar["of"]), True
        for found in NAMED.finditer(text):
            line._add(text, found)
        if line.step is None and line.has_loss and (place := AT_THE_END.search(text)):
            line.step, line.of, line.counts_samples = float(place["at"]), int(place["of"]), True
        if line.of is not None and line.numbers and not (line.is_of_training or line.has_other_loss):
            line.step = line.of = None  # the place among the batches of the validation
        is_placed = line.epoch is not None or line.step is not None
        if not is_placed and not (line.has_loss or line.has_other_loss) and DATA.search(text.replace("_", " ")) is None:
            line.numbers.clear()  # an accuracy alone does not say of which data it is
        return line

    @property
    def is_heading(self) -> bool:
        """Whether it names a step and nothing else, as ``Step 100 per-step time 1.9s``."""
        return self.step is not None and self.of is None and not self.numbers

    @property
    def has_loss(self) -> bool:
        """Whether one of its numbers is the loss of the training, or a perplexity, which tells it."""
        return self._has("loss") or any(map(is_perplexity, self.numbers))

    @property
    def has_other_loss(self) -> bool:
        """Whether one of its numbers is a loss that is not known to be that of the training or the validation."""
        return any(is_other_loss(name) for name in self.numbers)

    @property
    def is_of_training(self) -> bool:
        """Whether one of its numbers is the loss or the accuracy of the training."""
        return self._has("loss", "accuracy")

    def _has(self, *quantities: str) -> bool:
        known = (one for name in self.numbers if (one := meaning_of(name)) is not None)
        return any(one.data == "train" and one.quantity in quantities for one in known)

    def _add(self, text: str, found: re.Match[str]) -> None:
        *before, last = found["name"].split()
        place = PLACE.match(text, found.end("number" if found["of"] is None else "of"))
        is_train_alone = not before and last.lower() == "train" and place is not None and place["share"] is not None
        if not BEFORE_COUNTERS.issuperset(word.lower() for word in before):
            self._add_metric(text, found)
        elif (is_epoch(last) or is_step(last)) and OF_BEST.search(text, 0, found.start("name")):
            pass  # where the best one was
        elif (is_epoch(last) and last.lower() != "epochs") or is_train_alone:
            self.epoch = _counted(found["number"])
            if place is not None:
                self.step = float(place["alone"] or place["at"])
                self.of = int(place["of"]) if place["of"] else self.of
                self.counts_samples = place["share"] is not None and not is_train_alone
        elif (is_step(last) and last.lower() not in PLURALS) or (last == "i" and found["of"]):
            if _counted(found["number"]).is_integer():  # else it is a time, as in "Batch 0.812 (0.909)"
                self.step = _counted(found["number"])
                self.of = int(_counted(found["of"])) if found["of"] else self.of
        else:
            self._add_metric(text, found)

    def _add_metric(self, text: str, found: re.Match[str]) -> None:
        name = " ".join(word for word in found["name"].split() if word.lower() not in PLAIN)
        meaning = meaning_of(name)
        number = (_counted if found["of"] else _number)(found["number"])
        if meaning is not None:
            is_named = DATA.search(re.sub(r"[^a-zA-Z]", " ", name)) is not None
            if not is_named and _is_validation(text[: found.start("name")]):
                name, meaning = f"val {name}", meaning_of(f"val {name}")
            if meaning is not None and meaning.data == "validation" and found["mean"]:
                number = _number(found["mean"])
            if meaning is not None and meaning.quantity == "accuracy" and found["of"]:
                number /= _counted(found["of"]) or 1
        self.numbers.setdefault(name, number / 100 if found["percent"] else number)


def _number(text: str) -> float:
    found = number_of(text)
    return math.nan if found is None else found


def _counted(text: str) -> float:
    found = count_of(text)
    return math.nan if found is None else found


def is_other_loss(name: str) -> bool:
    """Whether a name is that of a loss that only the user can know to be the one of the training, as ``box loss``."""
    words = re.findall(r"[a-z]+", name.lower())
    return "loss" in words and meaning_of(name) is None and VALIDATION_WORDS.isdisjoint(words)


def _is_validation(before: str) -> bool:
    """Whether the last word for data in the text before a number is one for a validation."""
    data = DATA.findall(before)
    return bool(data) and data[-1].lower() in VALIDATION_WORDS
