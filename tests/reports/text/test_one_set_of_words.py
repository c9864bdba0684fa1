"""One word for one thing in all that people read: the state is "defect", the event "died", the text "the paper"."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reports.text.command_line import flags
from reports.text.glossary import GLOSSARY

ROOT = Path(__file__).parents[3]
READ = [
    *(ROOT / "reports").rglob("*.py"),
    *(ROOT / "reports").rglob("*.j2"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "docs").glob("*.json"),
    *(ROOT / "docs").glob("*.csv"),
    *ROOT.glob("*.md"),
]
# What was called otherwise: as it was, and what it is called now.
FORMER = {
    r"\bwent down\b": "died",
    r"\b(had|has|have) gone down\b": "died",
    r"\bdead runs?\b": "defect run",
    r"\bbroke\b(?!_)": "died",
    r"\breport's\b": "paper's",
    r"author's report\b": "the paper",
    r"--(init|convolution) report\b": "paper",
}
ALLOWED = ("CHANGELOG.md", "faq.md")


@pytest.mark.parametrize(("former", "now"), FORMER.items())
def test_a_former_word_is_gone(former: str, now: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in READ
        if path.name not in ALLOWED
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(former, line)
    ]

    assert not found, f"the word is {now}"


def test_the_glossary_has_the_state_and_the_event() -> None:
    words = dict(GLOSSARY)

    assert "the state" in words["defect run"]
    assert words["died"].startswith("The event")


def test_commands_have_the_names_that_people_see() -> None:
    assert flags("init", "report") == ["--init", "paper"]
    assert flags("convolution", "report") == ["--convolution", "paper"]
