"""Writes the pages that are made from the code, and the result pages from the numbers that are kept beside them.

python -m docs.generate            write them
python -m docs.generate --check    say which are stale, and fail if any is
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from diagnostics.schema.markdown import log_format_markdown
from docs import pictures
from reports.pages import markdown
from reports.pages.document import Code, Document, Terms, text
from reports.results import render
from reports.text.glossary import GLOSSARY
from reports.text.rules_manual import manual

HERE = Path(__file__).parent
RESULTS = ("report-table", "remedies", "why-it-breaks", "rescue")


def glossary() -> str:
    """The words of the reports, as a page."""
    made_by = text("The reports show these words too. ", Code("make docs"), " writes this page.")
    return markdown.render(Document("Glossary", "", (made_by, Terms(GLOSSARY)), ()))


def result_page(name: str) -> str:
    """A result page, from its template and its numbers."""
    return render(json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8")))


PAGES: dict[str, Callable[[], str]] = {
    "rules.md": manual,
    "log-format.md": log_format_markdown,
    "glossary.md": glossary,
    "ready-figures.md": pictures.page,
    **{f"{name}.md": partial(result_page, name) for name in RESULTS},
}


def stale() -> list[str]:
    """The pages that are not what the code says."""
    return list(_made_anew())


def write() -> list[str]:
    """Write the pages that are not; returns their names."""
    pages = _made_anew()
    for name, page in pages.items():
        (HERE / name).write_text(page, encoding="utf-8")
    return list(pages)


def _made_anew() -> dict[str, str]:
    """The stale pages as they should be."""
    made = {name: make() for name, make in PAGES.items()}
    return {name: page for name, page in made.items() if not _is_fresh(HERE / name, page)}


def _is_fresh(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def main() -> int:
    if "--check" in sys.argv[1:]:
        names = stale()
        for name in names:
            print(f"docs/{name} is stale; run: make docs", file=sys.stderr)
        return 1 if names else 0
    for name in write():
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
