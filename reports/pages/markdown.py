"""Markdown: the second renderer of a document, and pages that are templates with tables and pictures of it.

The same document as :mod:`reports.pages.html` makes a page of; a picture is a link to its PNG file beside the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment

from reports.pages.document import (
    Block,
    Code,
    Command,
    Document,
    Facts,
    Folded,
    Hyperlink,
    Inline,
    Listing,
    Paragraph,
    Picture,
    Strong,
    TableBlock,
    Terms,
    VerdictBlock,
)
from reports.pages.environments import environment
from reports.text.numbers import counted, percent, rate

# Characters that Markdown reads as marks anywhere in a line.
SPECIAL = re.compile(r"[\\`*\[\]|]|<(?=[A-Za-z/!?])|(?<!\w)_|_(?!\w)")


def render(document: Document) -> str:
    """The document as the text of a Markdown page."""
    parts = [f"# {escape(document.title)}", escape(document.subtitle), *map(block, document.opening)]
    for section in document.sections:
        parts += [f"## {escape(section.title)}", *map(block, section.blocks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def block(one: Block) -> str:
    """One block of a document."""
    match one:
        case Paragraph():
            return inline(one.parts)
        case VerdictBlock():
            return f"**{escape(one.label)}**: {escape(one.sentence)}"
        case Facts():
            return "\n".join(_fact(fact.question, fact.answer, fact.note) for fact in one.items)
        case Picture():
            image = f"![{escape(one.alt)}]({quote(one.name)}.png)"
            return f"### {escape(one.title)}\n\n{image}\n\n{escape(one.caption)}"
        case TableBlock():
            return "\n\n".join(part for part in (escape(one.caption), _grid(one)) if part)
        case Listing():
            return "\n".join(f"{i}. {inline(item)}" for i, item in enumerate(one.items, 1))
        case Command():
            return f"```\n{one.line}\n```"
        case Terms():
            return "\n".join(f"- **{escape(word)}**: {escape(meaning)}" for word, meaning in one.items)
        case Folded():
            return "\n\n".join([f"### {escape(one.title)}", *map(block, one.blocks)])


def inline(parts: Iterable[Inline]) -> str:
    """A run of text with its marks."""
    return "".join(_marked(part) for part in parts)


def escape(text: str) -> str:
    """Text on one line in which all marks of Markdown and HTML are escaped."""
    return SPECIAL.sub(lambda found: "\\" + found[0], " ".join(text.splitlines()))


def fill(package: str, template: str, content: Mapping[str, Any]) -> str:
    """A Markdown page from a template in the folder ``templates`` of a package.

    Templates can use ``table``, ``counted``, ``percent`` and ``rate``; parts that are left out leave one empty line.
    Raises UndefinedError where ``content`` lacks something.
    """
    text = _environment(package).get_template(template).render(content)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _environment(package: str) -> Environment:
    made = environment(package, is_html=False)  # the text is Markdown from our own numbers and names
    made.globals.update(table=table, counted=counted, percent=percent, rate=rate)
    return made


def table(heads: Sequence[str], rows: Iterable[Sequence[Inline]]) -> str:
    """A table whose first column holds names and whose other columns hold numbers."""
    return block(TableBlock("", tuple(heads), tuple(map(tuple, rows)), frozenset(heads[1:])))


def _grid(one: TableBlock) -> str:
    rules = ["--:" if column in one.numbers else ":--" for column in one.columns]
    rows = [[escape(column) for column in one.columns], rules, *([inline([cell]) for cell in row] for row in one.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _fact(question: str, answer: str, note: str) -> str:
    return f"- {escape(question)} **{escape(answer)}**" + (f" ({escape(note)})" if note else "")


def _marked(part: Inline) -> str:
    match part:
        case Strong():
            return f"**{escape(part.text.strip())}**" + (" " if part.text.endswith(" ") else "")
        case Code():
            return f"`{part.text}`".replace("|", "\\|")
        case Hyperlink():
            return f"[{escape(part.text)}]({part.href})"
        case _:
            return escape(part)
