"""The content of a report as a tree, without its layout.

A :class:`Document` holds sections, a section holds blocks, and a paragraph
holds text with a few marks. Nothing here knows of HTML or Markdown:
:mod:`reports.pages.html` and :mod:`reports.pages.markdown` render the tree, and tests read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from reports.text.phrases import Tone


@dataclass(frozen=True, slots=True)
class Strong:
    """Emphasized words."""

    text: str
    mark: ClassVar[str] = "strong"


@dataclass(frozen=True, slots=True)
class Code:
    """A name, option or file, as a user types it."""

    text: str
    mark: ClassVar[str] = "code"


@dataclass(frozen=True, slots=True)
class Hyperlink:
    """A link: its text, and a relative address in which a file name is URL-quoted, or ``#anchor``."""

    text: str
    href: str
    mark: ClassVar[str] = "link"


Inline: TypeAlias = str | Strong | Code | Hyperlink


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A run of text."""

    parts: tuple[Inline, ...]
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True, slots=True)
class VerdictBlock:
    """The sentence above all sections. ``label`` names the verdict, ``tone`` says how good it is."""

    label: str
    sentence: str
    tone: Tone
    kind: ClassVar[str] = "verdict"


@dataclass(frozen=True, slots=True)
class Fact:
    """One answer at a glance: question, answer, and a line that explains it."""

    question: str
    answer: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """A few answers side by side."""

    items: tuple[Fact, ...]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: its file name without ending, title, what it shows in words, how to read it, its PNG."""

    name: str
    title: str
    alt: str
    caption: str
    png: bytes
    width: int
    height: int
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True, slots=True)
class TableBlock:
    """Rows under headings. ``numbers`` names the columns that are aligned as numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Inline, ...], ...]
    numbers: frozenset[str] = frozenset()
    kind: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class Listing:
    """An ordered list of paragraphs."""

    items: tuple[tuple[Inline, ...], ...]
    kind: ClassVar[str] = "listing"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line to copy."""

    line: str
    kind: ClassVar[str] = "command"


@dataclass(frozen=True, slots=True)
class Terms:
    """Words and their meanings."""

    items: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "terms"


@dataclass(frozen=True, slots=True)
class Folded:
    """Blocks that open on request (and are printed open)."""

    title: str
    blocks: tuple[Block, ...]
    kind: ClassVar[str] = "folded"


Block: TypeAlias = Paragraph | VerdictBlock | Facts | Picture | TableBlock | Listing | Command | Terms | Folded


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the document; ``anchor`` is its address on the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. The blocks of ``opening`` stand above the first section."""

    title: str
    subtitle: str
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]

    def pictures(self) -> tuple[Picture, ...]:
        """All pictures, from top to bottom."""
        blocks = [*self.opening, *(b for section in self.sections for b in section.blocks)]
        return tuple(p for block in blocks for p in _pictures(block))


def section(anchor: str, title: str, *blocks: Block) -> Section:
    """A section of these blocks."""
    return Section(anchor, title, blocks)


def facts(*items: Fact) -> Facts:
    """These answers side by side."""
    return Facts(items)


def folded(title: str, *blocks: Block) -> Folded:
    """These blocks, opened on request."""
    return Folded(title, blocks)


def text(*parts: Inline) -> Paragraph:
    """A paragraph of these parts."""
    return Paragraph(parts)


def _pictures(block: Block) -> tuple[Picture, ...]:
    if isinstance(block, Picture):
        return (block,)
    if isinstance(block, Folded):
        return tuple(p for inner in block.blocks for p in _pictures(inner))
    return ()
