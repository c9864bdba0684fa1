"""No word is broken at 80 columns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from reports.terminal import layout, output
from reports.text.diagnosis import diagnosis_text
from reports.text.wrapping import WIDTH, fitted, labelled, lines_of
from tests.helpers.synthetic_runs import collapsed, healthy

WORDS = st.lists(st.text("abcdef-.,:", min_size=1, max_size=30), min_size=1, max_size=60).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(WORDS, st.integers(10, 120), st.integers(0, 12))
def test_all_words_are_there_whole_and_no_line_is_too_wide(text: str, width: int, indent: int) -> None:
    lines = fitted(" " * indent + text, width).split("\n")

    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines), "one word may be wider than a line"


@given(WORDS)
def test_a_labelled_fact_keeps_its_words_under_each_other(text: str) -> None:
    first, *more = labelled("events:", text)

    assert first.startswith("  events:     ")
    assert all(line.startswith(" " * 14) for line in more)
    assert " ".join([first, *more]).split() == ["events:", *text.split()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("short", ["short"]),
        ("next: lenet-diag report a-very-long-name.h5", ["next: lenet-diag report a-very-long-name.h5"]),
        ("| a | table of Markdown | stays |", ["| a | table of Markdown | stays |"]),
        ("  to try:     warm up, and clip it", ["  to try:     warm up,", "  and clip it"]),
        ("- one two three four five six", ["- one two three four", "  five six"]),
        ("  steps   one two three four", ["  steps   one two", " " * 10 + "three four"]),
    ],
)
def test_what_is_continued_and_what_stays(line: str, expected: list[str]) -> None:
    assert fitted(line, 22).split("\n") == expected


def test_an_event_is_continued_below_the_words_of_its_label() -> None:
    told = "\n".join(
        labelled("events:", "steps 54 to 1,406: 16 of 16 kernels of conv2 silent for every input, to the end")
    )

    assert fitted(told, 40).split("\n") == [
        "  events:     steps 54 to 1,406: 16 of",
        "              16 kernels of conv2 silent",
        "              for every input, to the",
        "              end",
    ]


def test_an_event_is_not_put_together_with_a_full_line_before_it() -> None:
    first, second = f"from step 88 on: {'a' * 63}", "from step 88 on: the gradient is zero"
    told = fitted("\n".join(labelled("events:", first) + labelled("", second)), 79).split("\n")

    assert told[-1] == f"{' ' * 14}{second}"


@pytest.mark.parametrize("name", ["dead", "Run-1"])
def test_a_verdict_is_broken_once_in_a_narrow_terminal(name: str) -> None:
    verdict = f"{name}: a defect run, collapsed: it learned, lost what it had learned, and did not recover"

    assert fitted("\n".join(lines_of(verdict, indent="  ")), 60) == fitted(verdict, 60)


@given(WORDS, st.integers(30, 79))
def test_a_narrow_terminal_breaks_the_lines_of_a_fact_once(text: str, width: int) -> None:
    assert fitted("\n".join(labelled("events:", text)), width) == fitted(f"  events:     {text}", width)


def test_rows_of_a_table_and_commands_are_not_put_together() -> None:
    rows = [f"  {'lenet':60}  0.97 ± 0.01  12", f"  {'conv':60}  0.96 ± 0.01  12"]
    assert fitted("\n".join(rows), 79).count("lenet") == 1
    for text in ("\n".join(rows), f"  {'a' * 77}\n  next: lenet-diag report run.h5"):
        assert fitted(text, 79).split("\n")[-1].split()[0] in ("conv", "12", "next:")


@pytest.mark.parametrize("run", [healthy(), collapsed()], ids=["healthy", "collapsed"])
def test_a_diagnosis_fits_80_columns(run: object) -> None:
    lines = diagnosis_text(run.diagnosis).split("\n")  # type: ignore[attr-defined]

    assert max(map(len, lines)) <= WIDTH
    assert not any(re.search(r"-$", line) for line in lines)


def test_only_a_terminal_gets_its_lines_continued(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    output.say("a line that is wider than twenty columns")
    monkeypatch.setattr(output, "is_terminal", lambda stream: True)
    output.say("a line that is wider than twenty columns")
    output.say('{"a line that is wider": "than twenty columns"}', is_data=True)
    output.talk("a line that is wider than twenty columns")
    told = capsys.readouterr()

    assert told.out.splitlines() == [
        "a line that is wider than twenty columns",
        "a line that is wider",
        "than twenty columns",
        '{"a line that is wider": "than twenty columns"}',
    ]
    assert told.err.splitlines()[0] == "a line that is wider"


@pytest.mark.parametrize(("plain", "end"), [(False, "of the…"), (True, "of the")])
def test_a_row_of_the_live_view_ends_after_a_whole_word(plain: bool, end: str) -> None:
    row = Text("so far: never-learned, 61 % of the weights moved")
    layout._shorten(row, 40, plain)

    assert row.plain == f"so far: never-learned, 61 % {end}"


def test_no_word_is_broken_in_a_cell_of_a_page() -> None:
    css = (Path(layout.__file__).parents[1] / "pages" / "templates" / "page.css").read_text()

    assert re.search(r"^td \{ overflow-wrap: break-word; \}$", css, re.MULTILINE), (
        "anywhere breaks words to fit columns"
    )
