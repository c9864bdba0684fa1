"""Links of Markdown files, and the address of the repository, which pyproject.toml declares."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
REPOSITORY: str = TOOLS["lenet-diag"]["repository"]
URLS = {
    "Repository": REPOSITORY,
    "Documentation": f"{REPOSITORY}/tree/main/docs",
    "Changelog": f"{REPOSITORY}/blob/main/CHANGELOG.md",
    "Issues": f"{REPOSITORY}/issues",
}
"""Where more stands, for the metadata of the package."""
PLACEHOLDER = "REPOSITORY"
"""What files of the repository write for its address."""
LINK = re.compile(
    r"(?P<before>(?P<image>!?)\[[^\[\]]*\]\(|(?P<embedded>\b(?:src|srcset)=\")|\bhref=\")(?P<target>[^)\"\s]+)"
)
"""A link or an image, in Markdown or as a tag of HTML."""
FENCE = re.compile(r"(^```.*?^```[^\n]*$)", re.MULTILINE | re.DOTALL)


def is_relative(target: str) -> bool:
    """Whether a link leads to a file of the repository."""
    return not target.startswith(("http:", "https:", "mailto:", "data:", "#"))


def targets(markdown: str) -> list[str]:
    """Where the links and images outside of fenced code lead."""
    return [match["target"] for part in FENCE.split(markdown) if part[:3] != "```" for match in LINK.finditer(part)]


def changed_links(markdown: str, change: Callable[[str, bool], str]) -> str:
    """Markdown with other links to files of the repository, outside of fenced code.

    markdown: the text.
    change: makes the new target from the old one, and from whether it is an image.
    """

    def changed(match: re.Match[str]) -> str:
        target = match["target"]
        is_image = bool(match["image"] or match["embedded"])
        return match["before"] + (change(target, is_image) if is_relative(target) else target)

    return "".join(part if part[:3] == "```" else LINK.sub(changed, part) for part in FENCE.split(markdown))


def address(place: str, is_image: bool = False) -> str:
    """Where a file of the repository can be seen."""
    return f"{REPOSITORY}/{'raw' if is_image else 'blob'}/main/{place}"


def for_elsewhere(markdown: str) -> str:
    """Markdown of a file beside pyproject.toml for a page elsewhere: with the address, and links that lead to it."""
    return changed_links(markdown, address).replace(PLACEHOLDER, REPOSITORY)
