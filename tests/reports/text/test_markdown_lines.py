"""Markdown that a terminal breaks at its own width."""

from __future__ import annotations

import re

import pytest

from reports.text import rules_manual
from reports.text.markdown_lines import flowing


@pytest.mark.parametrize(
    ("markdown", "told"),
    [
        ("one\ntwo\n\nthree", "one two\n\nthree"),
        ("## name\none\ntwo", "## name\none two"),
        ("words:\n- one\n  two\n- three", "words:\n- one two\n- three"),
        ("```\n a  b\n c\n```\nafter\nit", "```\n a  b\n c\n```\nafter it"),
        (
            "| limit | unit | source |\n|---|---|---|\n| `a` | s | |\n| `b` |  | x |",
            "- limit `a`: unit s\n- limit `b`: source x",
        ),
    ],
)
def test_paragraphs_become_lines_and_tables_lists(markdown, told):
    assert flowing(markdown) == told


def test_no_word_of_a_manual_is_lost():
    for name in rules_manual.names():
        page = rules_manual.page(name)
        before, after = (set(re.findall(r"[^\s:;|]+", text)) for text in (page, flowing(page)))

        assert {word for word in before if set(word) != {"-"}} <= after, name
        assert "\n|" not in flowing(page), name
