"""A document as one self-contained HTML file.

The page fetches nothing and runs nothing: its content security policy allows
images inside the page and the one style sheet whose hash it names, and Jinja2
escapes every text. The same document gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment

from diagnostics.files import write_bytes, write_text
from reports.pages.document import Document
from reports.pages.environments import environment

TEMPLATE = "page.html"
STYLE = "page.css"


def render(document: Document) -> str:
    """The document as the text of an HTML page."""
    templates = _environment()
    css = _css(templates)
    policy = f"default-src 'none'; img-src data:; style-src '{_hash(css)}'; base-uri 'none'; form-action 'none'"
    return templates.get_template(TEMPLATE).render(document=document, css=css, policy=policy)


def write(document: Document, folder: Path, name: str = "report.html") -> Path:
    """Write the page ``name`` and every picture as PNG into ``folder``; return the page's path.

    Raises LogWriteError where that cannot be done.
    """
    for picture in document.pictures():
        write_bytes(folder / f"{picture.name}.png", picture.png, sync=False)
    page = folder / name
    write_text(page, render(document), sync=False)
    return page


@cache
def _environment() -> Environment:
    made = environment("reports.pages", is_html=True)
    made.filters["data_uri"] = _data_uri
    return made


def _css(templates: Environment) -> str:
    """The style sheet, read from its file. It is no template and has no text of a run."""
    loader = templates.loader
    assert loader is not None
    source, _, _ = loader.get_source(templates, STYLE)
    return source.strip()


def _hash(style: str) -> str:
    digest = hashlib.sha256(style.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
