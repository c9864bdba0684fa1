"""Headings that say of which data the lines below are, such as "Train:" and "Validation:"."""

from __future__ import annotations

import re
from collections.abc import Iterable

from diagnostics.imports.columns import TRAIN_WORDS, VALIDATION_WORDS

EPOCH = re.compile(r"\bepoch\b", re.IGNORECASE)
HEADING = re.compile(
    rf"\W*(?P<data>{'|'.join(sorted(TRAIN_WORDS | VALIDATION_WORDS, key=len, reverse=True))})"
    r"(?: (?:set|phase|results?|metrics|stage|errors?))?\W*",
    re.IGNORECASE,
)


MOST_BELOW = 3
"""So many lines may stand between the heading of a validation and the next epoch, if nothing is headed as training."""


def with_headings(lines: Iterable[str]) -> list[str]:
    """The lines, those below the heading of a validation with "val:" before them.

    They are left as they are if no heading is that of a training and the next epoch does not follow soon.
    """
    lines = list(lines)
    found = {place: match["data"].lower() for place, line in enumerate(lines) if (match := HEADING.fullmatch(line))}
    if VALIDATION_WORDS.isdisjoint(found.values()) or (
        TRAIN_WORDS.isdisjoint(found.values()) and not _are_followed_by_epochs(lines, [*found])
    ):
        return lines
    is_validation = False
    for place, line in enumerate(lines):
        if place in found:
            is_validation = found[place] in VALIDATION_WORDS
        elif is_validation and EPOCH.search(line):
            is_validation = False
        elif is_validation:
            lines[place] = f"val: {line}"
    return lines


def _are_followed_by_epochs(lines: list[str], headings: list[int]) -> bool:
    """Whether a line with an epoch follows soon below each heading but the last."""
    below = [[line for line in lines[place + 1 :] if line.strip()][: MOST_BELOW + 1] for place in headings[:-1]]
    return bool(below) and all(any(map(EPOCH.search, some)) for some in below)
