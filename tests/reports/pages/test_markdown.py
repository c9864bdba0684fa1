"""Markdown as the second renderer of a document: it says what the HTML page says, and nothing is taken for a mark."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.pages import document as d
from reports.pages import markdown
from reports.pages.run_page import build
from tests.helpers import synthetic_runs as synthetic


@pytest.mark.usefixtures("blank_pictures")
def test_the_report_of_a_run_has_the_same_words_pictures_and_tables_as_the_page():
    report = build(synthetic.dead())
    text = markdown.render(report)

    assert text.startswith("# Run ")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [s.title for s in report.sections]
    assert re.findall(r"\]\((\S+)\.png\)", text) == [picture.name for picture in report.pictures()]
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, d.Command):
                assert f"```\n{block.line}\n```" in text
            if isinstance(block, d.TableBlock):
                assert f"| {' | '.join(block.columns)} |" in text


BLOCKS = {
    "a **b:** `--lr 0.1` [c](#d)": d.text("a ", d.Strong("b: "), d.Code("--lr 0.1"), " ", d.Hyperlink("c", "#d")),
    "**healthy**: It learned.": d.VerdictBlock("healthy", "It learned.", "good"),
    "- When? **step 3** (the onset)\n- How? **–**": d.Facts(
        (d.Fact("When?", "step 3", "the onset"), d.Fact("How?", "–"))
    ),
    "### A\n\n![alt](1-a.png)\n\nhow": d.Picture("1-a", "A", "alt", "how", b"", 1, 1),
    "T\n\n| a | b |\n| :-- | --: |\n| x\\|y | 1 |": d.TableBlock("T", ("a", "b"), (("x|y", "1"),), frozenset("b")),
    "1. one\n2. two": d.Listing((("one",), ("two",))),
    "```\nlenet-diag train --lr 0.1\n```": d.Command("lenet-diag train --lr 0.1"),
    "- **onset**: The first step.": d.Terms((("onset", "The first step."),)),
    "### More\n\nx": d.Folded("More", (d.text("x"),)),
}


@pytest.mark.parametrize("text", BLOCKS)
def test_every_block_has_a_form_in_markdown(text):
    assert markdown.block(BLOCKS[text]) == text


def test_every_kind_of_block_is_tested_here():
    assert {type(block) for block in BLOCKS.values()} == set(get_args(d.Block))


@pytest.mark.parametrize(
    ("plain", "escaped"),
    [
        ("<script>alert(1)</script>", "\\<script>alert(1)\\</script>"),
        ("p < 0.001", "p < 0.001"),
        ("**bold** and `code`", "\\*\\*bold\\*\\* and \\`code\\`"),
        ("[a](b)", "\\[a\\](b)"),
        ("learning_rate", "learning_rate"),
        ("_emphasis_", "\\_emphasis\\_"),
        ("two\nlines", "two lines"),
    ],
)
def test_nothing_in_a_text_is_taken_for_a_mark(plain, escaped):
    assert markdown.escape(plain) == escaped


@given(st.text())
def test_a_cell_stays_one_cell(text):
    row = markdown.table(["a", "b"], [(text, "1")]).splitlines()

    assert len(row) == 3
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row[2])) == 3
