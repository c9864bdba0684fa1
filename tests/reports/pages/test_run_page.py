"""The report of a run: what it says, and the page it becomes."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from diagnostics.detect.link import Link, Origin
from diagnostics.detect.remedies import suggestion
from diagnostics.detect.track_record import track_record
from diagnostics.schema.task import Task
from reports.figures.loss import captioned
from reports.pages import html, run_page
from reports.pages.document import (
    Command,
    Document,
    Facts,
    Folded,
    Listing,
    Paragraph,
    Section,
    TableBlock,
    VerdictBlock,
    text,
)
from reports.pages.run_facts import run_facts
from reports.pages.run_page import build, write_report
from reports.text.remedies import command_for
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.no_pictures import with_blank_pictures


@pytest.fixture(scope="module")
def dead() -> Document:
    with with_blank_pictures():
        return build(synthetic.dead())


def test_the_verdict_and_its_picture_come_first(dead):
    verdict, facts, picture = dead.opening

    assert isinstance(verdict, VerdictBlock)
    assert verdict.tone == "bad"
    assert "never learned" in verdict.sentence
    assert isinstance(facts, Facts)
    assert [f.answer for f in facts.items] == ["conv2", "step 32", "dead units", "A smaller learning rate"]
    assert facts.items[3].note == "learning rate 0.1 in place of 0.5; 1 more below"
    assert dead.subtitle.startswith("lenet, sgd, learning rate 0.5, seed 7, ")
    assert picture.name == "1-loss-and-accuracy"


@pytest.mark.parametrize(
    ("changes", "question", "answer", "note"),
    [
        ({"blow": ("oversized-update", "dense2", "dense1")}, 0, "conv2", "; the blow hit dense2, dense1"),
        ({"blow": ("oversized-update", "dense2", "conv2")}, 0, "conv2", "; the blow hit dense2 as well"),
        ({"first_link": ("uninformative-labels",)}, 1, "from step 0 on", "no single step; the detector was sure at"),
    ],
)
def test_the_facts_say_no_more_of_layers_and_steps_than_was_seen(changes, question, answer, note):
    run = synthetic.dead()
    links = {
        name: Link(rule, layers[0] if layers else None, 32, "seen", Origin.SETTINGS, tuple(layers))
        for name, (rule, *layers) in changes.items()
    }
    run._kept["diagnosis"] = replace(run.diagnosis, **links)
    fact = run_facts(run).items[question]

    assert fact.answer == answer
    assert f"{fact.note};".count(f"{note};" if question == 0 else note) == 1


def test_the_six_parts_come_in_the_order_a_reader_asks(dead):
    assert [s.anchor for s in dead.sections] == ["why", "try", "layers", "tensors", "details", "glossary"]


def test_every_picture_says_in_words_what_it_shows(dead):
    pictures = dead.pictures()

    assert len(pictures) == 8
    assert all(len(p.alt) > 60 and p.caption for p in pictures)
    assert "15 of 16" in pictures[-1].alt
    assert "step 31, conv2, exploding gradient, 14 times (limit 10)" in pictures[1].alt


def test_the_chain_is_told_in_words_with_numbers_and_limits(dead):
    listing = next(b for b in dead.sections[0].blocks if isinstance(b, Listing))

    assert len(listing.items) == 4
    assert listing.items[0][0].text == "Step 31, conv2: "
    assert listing.items[1][0].text == "Step 32 (the blow), conv2: "
    assert listing.items[2][0].text == "From step 33 on, conv2: "
    assert listing.items[1][1] == "Update 38 % of the weight norm, loss 4.3. Measured: 38 % (limit 10 %)."


def test_the_confidence_of_a_rule_stands_with_the_counts_that_it_is_made_of(dead):
    table = next(b for section in dead.sections for b in section.blocks if isinstance(b, TableBlock))
    place = table.columns.index("confidence")
    told = {row[0].text: row[place] for row in table.rows}
    record = track_record("oversized-update")

    assert told["oversized-update"] == f"right in {record.right} of {record.named} injected faults"


def test_each_remedy_comes_with_the_command_that_tries_it(dead):
    commands = [b.line for b in dead.sections[1].blocks if isinstance(b, Command)]

    assert commands == ["lenet-diag train --seed 7 --lr 0.1", "lenet-diag train --seed 7 --clip-norm 1"]


def test_a_remedy_says_what_it_sets_and_what_the_run_had(dead):
    told = [b.parts[1] for b in dead.sections[1].blocks if isinstance(b, Paragraph) and len(b.parts) > 1]

    assert told[0].startswith("A smaller learning rate: learning rate 0.1 in place of 0.5. Why: ")
    assert told[1].startswith("Clipping the gradient by its norm. Why: ")


@pytest.mark.parametrize(("make", "is_told"), [(synthetic.dead, True), (synthetic.healthy, False)])
def test_a_run_that_died_without_a_rescue_is_told_how_to_find_out_what_would_have_saved_it(make, is_told, tmp_path):
    run = make()
    run.path = tmp_path / "a run.h5"
    commands = [block.line for block in run_page._try(run, None).blocks if isinstance(block, Command)]

    assert ("lenet-diag rescue 'a run.h5'" in commands) is is_told


@pytest.fixture(scope="module")
def healthy() -> Document:
    with with_blank_pictures():
        return build(synthetic.healthy(60, name="<script>alert(1)</script>"))


@pytest.mark.parametrize(
    ("remedy", "command"),
    [
        ("smaller-rate", "lenet-diag train --network conv --seed 7 --lr 0.1"),
        ("clip", "lenet-diag train --network conv --seed 7 --clip-norm 1"),
        ("lecun-init", "lenet-diag train --network conv --init lecun --seed 7"),
        ("adaptive", "lenet-diag train --network conv --seed 7 --optimizer adam --lr 0.001"),
        ("exact-convolution", None),
        ("look-at-schedule", None),
    ],
)
def test_a_remedy_becomes_a_command_with_the_settings_of_the_run(remedy, command):
    settings = {"network": "conv", "seed": 7, "lr": 0.5, "convolution": "exact", "threads": 2}

    assert command_for(settings, suggestion(remedy)) == command


@pytest.mark.parametrize("lr", [0.12345678, 0.1 + 0.2, 1e-05, 2.0])
def test_a_command_repeats_the_run_with_every_digit(lr):
    words = command_for({"lr": lr}, suggestion("clip")).split()

    assert float(words[words.index("--lr") + 1]) == lr


def test_a_healthy_run_is_told_what_was_checked_and_what_was_not(healthy):
    document = healthy
    folded = next(b for b in document.sections[4].blocks if isinstance(b, Folded))
    findings = folded.blocks[0]

    assert document.opening[0].tone == "good"
    assert document.sections[0].title == "What was checked"
    assert isinstance(findings, TableBlock)
    assert findings.columns == ("rule", "outcome", "in words")
    assert [row[1] for row in findings.rows] == ["passed", "not run"]
    assert "no sigmoid or tanh layer" in str(findings.rows[1][-1])
    assert len(document.pictures()) == 7


@pytest.mark.slow  # its figures are painted twice
def test_the_same_run_gives_the_same_bytes(tmp_path):
    first, second = (write_report(synthetic.dead(), tmp_path / name) for name in "ab")

    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 3_000_000
    assert len(list((tmp_path / "a").glob("*.png"))) == 8


def test_a_run_named_like_a_script_is_shown_and_not_run(healthy):
    page = html.render(healthy)

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


class Outline(HTMLParser):
    """Gathers what a page refers to, its headings, ids and images."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.add(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if found.get("id"):
            self.ids.append(found["id"])
        self.links += [found[a] for a in ("href", "src") if found.get(a)]
        if tag == "img":
            self.images.append(found)


def test_the_page_refers_to_nothing_outside_itself(dead):
    page = html.render(dead)
    outline = Outline()
    outline.feed(page)

    assert all(link.startswith(("#", "data:")) for link in outline.links)
    assert {link[1:] for link in outline.links if link.startswith("#")} <= set(outline.ids)
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src &#39;none&#39;" in page


def test_the_page_has_landmarks_one_title_and_headings_without_gaps(dead):
    outline = Outline()
    outline.feed(html.render(dead))

    assert {"header", "nav", "main", "footer"} <= outline.tags
    assert outline.headings.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(outline.headings[:-1], outline.headings[1:], strict=True))
    assert len(outline.ids) == len(set(outline.ids))
    assert all(image["alt"] for image in outline.images)


def test_texts_are_escaped_wherever_they_stand():
    sharp = "<b>&\"'"
    document = Document(
        sharp, sharp, (), (Section("a", sharp, (text(sharp), TableBlock(sharp, (sharp,), ((sharp,),)))),)
    )

    assert "<b>" not in html.render(document)


def test_a_loss_without_a_known_level_of_guessing_has_none_in_its_words():
    run = synthetic.healthy(name="losses")
    object.__setattr__(run.info, "task", Task.loss_only())
    run.info.__dict__.pop("guessing", None)
    (figure,) = captioned(run)

    assert "dashed level" not in figure.caption


@pytest.mark.usefixtures("no_pictures")
def test_the_whole_network_fails_by_a_fault_that_stopped_no_layer():
    run = synthetic.dead()
    jump = Link("wrong-sign", None, 31, "", Origin.CODE)
    hit = [finding for finding in run.diagnosis.chain if finding.rule == "oversized-update"]
    run._kept["diagnosis"] = replace(run.diagnosis, first_link=jump, chain=tuple(hit))
    layer = build(run).opening[1].items[0]

    assert (layer.answer, layer.note) == ("the whole network", "the blow hit conv1, conv2")


@pytest.mark.usefixtures("no_pictures")
def test_a_log_without_layers_is_asked_for_them_and_has_no_empty_sections():
    run = synthetic.collapsed()
    object.__setattr__(run.info, "layers", ())
    run._kept["diagnosis"] = replace(run.diagnosis, suggestions=(), first_link=None, blow=None, chain=())
    document = build(run)

    assert [one.answer for one in document.opening[1].items][::3] == [
        "not known: none were recorded",
        "Recording the layers as well",
    ]
    assert [one.anchor for one in document.sections] == ["why", "try", "details", "glossary"]
