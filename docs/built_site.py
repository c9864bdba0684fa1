"""Looks through a built site for links that lead nowhere: pages, pictures, and places on a page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from docs.links import is_relative


class PageLinks(HTMLParser):
    """Where a page leads, and the places on it that can be led to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.page = page
        self.targets: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.targets.append(value)
            if name in ("id", "name") and value:
                self.places.add(value)


def broken_links(site: Path) -> Iterator[str]:
    """One line for each link of the site that leads nowhere."""
    pages = {path.resolve(): PageLinks(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}
    for page in pages.values():
        for target in dict.fromkeys(page.targets):
            path, _, place = target.partition("#")
            if not is_relative(target) and not target.startswith("#"):
                continue
            there = Path(os.path.normpath(page.page.parent / unquote(path.partition("?")[0]))) if path else page.page
            found = pages.get(there.resolve())
            is_place = not place or found is None or unquote(place) in found.places
            if not (there.exists() and is_place):
                yield f"{page.page.relative_to(site)}: leads to {target}, which is not there"
