"""The page of opened steps: the steps of the blow and of the first link, beside an ordinary step."""

from __future__ import annotations

import os
from pathlib import Path

from diagnostics.replay.opened import OpenedRun, OpenedStep
from reports.figures.catalogue import opened_figures_in
from reports.pages import html
from reports.pages.document import (
    Block,
    Document,
    Fact,
    Facts,
    Folded,
    Inline,
    Listing,
    Section,
    TableBlock,
    Terms,
    VerdictBlock,
    text,
)
from reports.pages.pictures import pictures
from reports.text.diagnosis import verdict_sentence
from reports.text.glossary import GLOSSARY
from reports.text.numbers import counted, number, percent
from reports.text.opened import of_its_size, proof_sentence, step_title, what_happened
from reports.text.phrases import status_of, title_of, tone_of_run

PAGE = "origin.html"


def write_origin(opened: OpenedRun, folder: str | os.PathLike[str]) -> Path:
    """Write ``origin.html`` and its figures; return the page's path.

    ``opened``: the steps that were opened.
    ``folder``: where to.

    Raises LogWriteError where a file cannot be written.
    """
    return html.write(build(opened), Path(folder), PAGE)


def build(opened: OpenedRun) -> Document:
    """The content of the page."""
    run, main = opened.run, opened.main
    network = run.info.settings.get("network", "network")
    subtitle = f"{network}, seed {run.info.seed}, {counted(len(run), 'step')} recorded, {status_of(run)}"
    opening: tuple[Block, ...] = (
        VerdictBlock(title_of(run.diagnosis), verdict_sentence(run), tone_of_run(run.diagnosis)),
        _facts(opened),
    )
    sections = (
        Section("origin", _heading(opened), origin_blocks(opened)),
        Section("samples", "Every sample of the batch", tuple(_samples(opened, one) for one in opened.steps)),
        Section("glossary", "Words used here", (Terms(GLOSSARY),)),
    )
    return Document(f"Run {run.name}, step {main.step:,} opened", subtitle, opening, sections)


def origin_blocks(opened: OpenedRun) -> tuple[Block, ...]:
    """The proof of the replay, what it shows, and the pictures: the part that a report of the run has too."""
    blocks: list[Block] = [text(proof_sentence(opened.proof))]
    blocks += [text(note[0].upper() + note[1:] + ".") for note in opened.proof.notes]
    blocks.append(Listing(tuple((sentence,) for sentence in what_happened(opened))))
    if opened.main.answering:
        blocks.append(_answering(opened))
    return (*blocks, *pictures(opened_figures_in("origin", opened)))


def _heading(opened: OpenedRun) -> str:
    return "The origin, opened" if opened.main.role in ("first link", "blow") else f"Step {opened.main.step:,}, opened"


def _facts(opened: OpenedRun) -> Facts:
    """Four facts: which step, what it changed, which units it silenced, and the best length of the step."""
    main = opened.main
    others = [step_title(opened, one) for one in opened.steps if one is not main]
    facts = [Fact("Which step?", step_title(opened, main), f"beside it: {'; '.join(others)}" if others else "")]
    ratio = main.update_ratio
    facts.append(Fact("What did it change?", f"{opened.layer} by {of_its_size(ratio)}", _beside(opened)))
    mine = main.answering.get(opened.layer)
    if mine is not None:
        facts.append(
            Fact(
                "What did it silence?",
                f"{max(mine.before - mine.after, 0)} of {mine.units} units of {opened.layer}",
                f"{mine.before} were above 0 for some image of the batch before the step, {mine.after} after it",
            )
        )
    at_least = "at least " if main.best_multiple == max(main.line.index) else ""
    facts.append(
        Fact(
            "How long should it have been?",
            f"{at_least}{number(main.best_multiple)} times as long",
            "of the lengths tried between 0 and 2, for the loss of its own batch",
        )
    )
    return Facts(tuple(facts))


def _beside(opened: OpenedRun) -> str:
    ordinary = opened.ordinary
    if ordinary is None or ordinary is opened.main:
        return "the run has no ordinary step before it"
    return f"step {ordinary.step:,}, an ordinary one, changed it by {of_its_size(ordinary.update_ratio)}"


def _answering(opened: OpenedRun) -> TableBlock:
    """How many units of each ReLU layer are above 0 for some image, before and after each step."""
    columns = ("layer", "units", *(step_title(opened, one) for one in opened.steps))
    rows: list[tuple[Inline, ...]] = []
    for layer, units in opened.main.answering.items():
        counts = [one.answering[layer] for one in opened.steps]
        cells = [f"{n.before} \N{RIGHTWARDS ARROW} {n.after}" for n in counts]
        rows.append((layer, str(units.units), *cells))
    return TableBlock(
        "Units above 0 for some image of the batch, before \N{RIGHTWARDS ARROW} after the step",
        columns,
        tuple(rows),
        frozenset({"units"}),
    )


def _samples(opened: OpenedRun, one: OpenedStep) -> Folded:
    """All samples of one batch, those with the largest shares first."""
    moment = one.moment
    shares, layer_shares = moment.shares(), moment.shares(one.layer)
    columns = ("sample", "label", "answer", "loss", "share of the gradient", f"share in {one.layer}")
    where = moment.sample_indices
    rows = [
        (
            str(int(where[i])) if where is not None else str(i),
            str(moment.labels[i]),
            str(moment.answers[i]),
            number(float(moment.losses[i])),
            percent(float(shares[i]), 2),
            percent(float(layer_shares[i]), 2),
        )
        for i in sorted(range(len(shares)), key=lambda i: -shares[i])[:MOST_SAMPLES]
    ]
    title = f"{step_title(opened, one)}: {counted(len(rows), 'sample')}"
    if len(rows) < len(shares):
        title += f" with the largest shares, of {len(shares):,}"
    place = (
        "The sample is its place in the training set" if where is not None else "The sample is its place in the batch"
    )
    table = TableBlock(f"{place}, counted from 0", columns, tuple(rows), frozenset(columns))
    return Folded(title, (table,))


MOST_SAMPLES = 256
