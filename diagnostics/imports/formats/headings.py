"""Headings that say of which data the lines below are, such as "Train:" and "Validation:"."""

from __future__ import annotations

import re
from collections.abc import Iterable

from diagnostics.imports.columns import TRAIN_WORDS, VALIDATION_WORDS

HEADING = re.compile(
    rf"\W*(?P<data>{'|'.join(sorted(TRAIN_WORDS | VALIDATION_WORDS, key=len, reverse=True))})"
    r"(?: (?:set|phase|results?|metrics|stage))?\W*",
    re.IGNORECASE,
)


def with_headings(lines: Iterable[str]) -> list[str]:
    """The lines, those below the heading of a validation with "val:" before them; as they are without both headings."""
    lines = list(lines)
    found = {place: match["data"].lower() for place, line in enumerate(lines) if (match := HEADING.fullmatch(line))}
    if VALIDATION_WORDS.isdisjoint(found.values()) or TRAIN_WORDS.isdisjoint(found.values()):
        return lines
    is_validation = False
    for place, line in enumerate(lines):
        if place in found:
            is_validation = found[place] in VALIDATION_WORDS
        elif is_validation and re.search(r"\bepoch\b", line, re.IGNORECASE):
            is_validation = False
        elif is_validation:
            lines[place] = f"val: {line}"
    return lines
