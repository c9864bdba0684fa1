"""Text on lines of 80 columns, which every terminal has; no word is broken."""

from __future__ import annotations

import re
import textwrap

WIDTH = 80
LABEL = 12
"""Columns from the indent of a labelled line to its words."""
NAMED = 2
"""Columns before the words that continue a line without an indent, such as the verdict after the name of a run."""
# What stands before the words of a line: its indent, a dash, or a label with a colon or columns.
_BEFORE_WORDS = re.compile(r"\s*(?:- |[a-z ]{1,12}:\s+|[a-z][a-z ]{0,11}\s{2,})?")
# How an event begins: it continues no line before it.
_EVENT = re.compile(r"\s*(?:from )?steps? [\d,]+(?: to [\d,]+| on)?: ")
_COLUMNS = re.compile(r"\S {2,}\S")
# A command to type stays on its line, so that it can be copied.
_COMMAND = re.compile(r"\S*: lenet-diag \S")


def lines_of(text: str, width: int = WIDTH, indent: str = "") -> list[str]:
    """``text`` on as many lines as it needs, each of them after the first begun by ``indent``."""
    return textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def labelled(label: str, words: str) -> list[str]:
    """Words after a label, on as many lines as they need: the form of all facts about a run."""
    first, *more = lines_of(words, WIDTH - 2 - LABEL) or [""]
    return [f"  {label:{LABEL - 1}} {first}".rstrip(), *(f"  {'':{LABEL - 1}} {line}" for line in more)]


def fitted(text: str, width: int) -> str:
    """``text`` with the lines that are wider than ``width`` continued below their own words.

    In a narrow terminal, lines that were broken at 80 columns are put together first, so that they are broken once.
    """
    lines = text.split("\n")
    return "\n".join(part for line in (_whole(lines) if width < WIDTH else lines) for part in _fitted_line(line, width))


def _whole(lines: list[str]) -> list[str]:
    """The lines without the breaks that :func:`lines_of` and :func:`labelled` made in them."""
    whole: list[str] = []
    for place, line in enumerate(lines):
        if place and _continues(lines[place - 1], line):
            whole[-1] += " " + line.lstrip()
        else:
            whole.append(line)
    return whole


def _continues(before: str, line: str) -> bool:
    """Whether ``line`` is there because its first word had no room in the line before: it begins below its words."""
    words = line.split()
    start = _BEFORE_WORDS.match(before)
    deep = len(start[0]) if start else 0
    below = {deep, NAMED} if before[:1].strip() else {deep}
    begins = _EVENT.match(line) or _COMMAND.search(line)
    if not words or begins or len(line) - len(line.lstrip()) not in below - {0}:
        return False
    has_columns = _COLUMNS.search(before[deep:]) or _COLUMNS.search(line.lstrip())
    return not has_columns and len(before) <= WIDTH < len(before) + 1 + len(words[0])


def _fitted_line(line: str, width: int) -> list[str]:
    if len(line) <= width or line.startswith("|") or _COMMAND.search(line):
        return [line]
    before = _BEFORE_WORDS.match(line)
    deep = len(before[0]) if before else 0
    indent = " " * (deep if deep <= width // 2 else 2)
    start = line[: len(line) - len(line.lstrip())]
    return [
        start + one if place == 0 else one
        for place, one in enumerate(_wrap_kept(line[len(start) :], width, len(start), indent))
    ]


def _wrap_kept(text: str, width: int, taken: int, indent: str) -> list[str]:
    """Like lines_of, but columns within the text keep their distances; the first line has ``taken`` columns less."""
    words = re.findall(r"\s*\S+", text)
    lines, line, room = [], "", width - taken
    for word in words:
        if line and len(line) + len(word) > room:
            lines.append(line)
            line, room = indent + word.lstrip(), width
        else:
            line += word
    return [*lines, line]
