"""Docstrings as Markdown: arguments that stand a line each become lists, and names in RST marks become code."""

from __future__ import annotations

import re

NAMES = r"(?:``)?\*{0,2}\w+(?:``)?(?:, (?:``)?\*{0,2}\w+(?:``)?)*"
ARGUMENT = re.compile(rf"^({NAMES}): (.*)$")
ROLE = re.compile(r":(?:class|meth|func|attr|mod|data):`~?\.?(?:[\w.]+\.)?(\w+)`")


def as_markdown(docstring: str, known: set[str]) -> str:
    """A docstring as Markdown.

    docstring: its text.
    known: the names of arguments and members; a line in plain letters is an argument only if it names one.
    """
    blocks = [_listed(block, known) for block in ROLE.sub(r"`\1`", docstring).split("\n\n")]
    return "\n\n".join(re.sub(r"::$", ":", block) for block in blocks)


def _listed(block: str, known: set[str]) -> str:
    """A block whose lines describe arguments, as a list; any other block as it is."""
    lines = block.splitlines()
    if not lines or not _names(lines[0], known):
        return block
    items: list[str] = []
    for line in lines:
        names = _names(line, known)
        if names:
            described = ARGUMENT.match(line)
            items.append(f"- {', '.join(f'`{name}`' for name in names)}: {described[2] if described else ''}")
        else:
            items[-1] += f" {line.strip()}"
    return "\n".join(items)


def _names(line: str, known: set[str]) -> list[str]:
    """The arguments that a line describes; none for a line of prose."""
    match = ARGUMENT.match(line)
    if match is None:
        return []
    names = [name.strip("`*") for name in match[1].split(", ")]
    return names if "``" in match[1] or all(name in known for name in names) else []
