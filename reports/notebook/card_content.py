"""What a card holds, and how it becomes HTML that stands alone: every style is inside its element."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache

from jinja2 import Template
from matplotlib.figure import Figure

from reports.figures import style
from reports.pages.document import Fact
from reports.pages.environments import environment
from reports.text.phrases import Tone


@dataclass(frozen=True)
class Card:
    """One object as a notebook shows it.

    title: what the object is.
    label: the verdict, or what stands in its place.
    sentence: what a person wants to know first.
    tone: how good that is; default plain.
    facts: a few answers, each with its question; default none.
    picture: a small picture; None (default) for none.
    alt: what the picture shows, for readers who do not see it; default "".
    """

    title: str
    label: str
    sentence: str
    tone: Tone = "plain"
    facts: tuple[Fact, ...] = ()
    picture: Figure | None = None
    alt: str = ""


def render(card: Card) -> str:
    """The card as a fragment of HTML; every text is escaped."""
    picture, width = "", 0
    if card.picture is not None:
        picture = base64.b64encode(style.png(card.picture)).decode("ascii")
        width = round(card.picture.get_size_inches()[0] * 96)
    return _template().render(card=card, picture=picture, width=width)


@cache
def _template() -> Template:
    return environment("reports.notebook", is_html=True).get_template("card.html")
