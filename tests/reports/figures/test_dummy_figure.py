"""A new figure is one file in reports/figures: the page of a run and the package find it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import reports.figures
from reports.pages import html
from reports.pages.run_page import build
from tests.helpers import synthetic_runs as synthetic

DUMMY = '''
"""How many steps there are."""
from reports.figures import style
from reports.figures.catalogue import CaptionedFigure, Place

PLACE = Place("run", "layers", 45)


def prepare(run):
    return len(run)


def draw(steps, axes):
    axes.bar([0], [steps])


@style.styled
def dummy_figure(run):
    figure = style.new_figure(1.0)
    draw(prepare(run), figure.subplots())
    return figure


def captioned(run):
    yield CaptionedFigure("9-dummy", "A dummy figure", "One bar.", "The bar is the number of steps.", dummy_figure(run))
'''


@pytest.mark.usefixtures("blank_pictures")
def test_a_new_figure_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dummy.py").write_text(DUMMY)
    monkeypatch.setattr(reports.figures, "__path__", [*reports.figures.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "reports.figures.dummy", raising=False)
    try:
        document = build(synthetic.healthy(60))
        figure = reports.figures.dummy_figure
    finally:
        sys.modules.pop("reports.figures.dummy", None)
        vars(reports.figures).pop("dummy", None)

    layers = next(section for section in document.sections if section.anchor == "layers")
    assert [picture.name for picture in layers.blocks] == ["4-all-layers", "9-dummy"]
    assert "The bar is the number of steps." in html.render(document)
    assert figure.__module__ == "reports.figures.dummy"
