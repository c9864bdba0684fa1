"""Names are shown as they are: in figures no name is a formula, whatever is in it."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from diagnostics.log.reader import open_run
from diagnostics.record.recorder import Recorder
from reports.figures import arms, rates, style, survival
from reports.pages import run_page, study_page
from reports.pages.run_page import write_report
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.log_changes import rename_layers
from tests.helpers.no_pictures import BLANK, PAINTS
from tests.helpers.small_trainings import small_model, train

NAMES = ["W$_{1$", "$x$", r"\frac{1}{2}", "a_b^c", "$", "$$", "%d{}<b>&", "x\x1b[31m\ty", "层", "ab\u202ecd"]


@pytest.fixture(scope="module")
def dead(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a run that overflows."""
    path = tmp_path_factory.mktemp("dead") / "run.h5"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train([Recorder(path)], small_model(lr=1e4), epochs=3)
    return path


GROUPS = [(NAMES * 2)[at : at + 3] for at in range(0, len(NAMES), 3)]


@pytest.mark.parametrize(
    "names", [GROUPS[0], *(pytest.param(group, marks=pytest.mark.slow) for group in GROUPS[1:])], ids="-".join
)
def test_a_report_is_written_whatever_layers_are_called(dead: Path, tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(dead.read_bytes())
    rename_layers(path, dict(zip(("conv1", "dense1", "dense2"), names, strict=True)))
    run = open_run(path)
    assert [layer.name for layer in run.info.layers] == names

    page = write_report(run, tmp_path / "report").read_text()

    assert len(list((tmp_path / "report").glob("*.png"))) >= 4
    for name in names:
        if name.isascii() and name.isprintable():
            assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in page


@pytest.mark.slow  # two whole reports are laid out
def test_no_text_of_a_figure_is_a_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []

    def lay_out(figure: Figure) -> bytes:
        with style.look():
            figure.draw_without_rendering()
        drawn.append(figure)
        return BLANK

    monkeypatch.setattr(PAINTS, lay_out)

    run_page.build(synthetic.dead())
    study_page.build(synthetic.study())

    assert len(drawn) > 10
    for text in (text for figure in drawn for text in figure.findobj(Text) if text.get_text()):
        assert not text.get_parse_math()
        assert "mathdefault" not in text.get_text()


@pytest.mark.parametrize("draw", ["rates", "arms", "survival"])
def test_names_of_any_length_leave_room_for_the_figure(draw: str) -> None:
    name = "network=lenet " * 40 + "lr=0.5"
    figure = style.new_figure(2.0)
    axes = figure.subplots()
    if draw == "rates":
        rates.draw([rates.Rate(name, 1, 2, 0.5, 0.1, 0.9)], axes)
    elif draw == "arms":
        arms.draw(arms.ArmCurves(name, (), 1, 2, 2, 2.3), axes)
    else:
        corners = np.array([0.0, 1.0])
        survival.draw([survival.Survival(name, corners, corners, corners, corners, 1, 2)], axes)
    texts = [*axes.get_legend_handles_labels()[1], *(text.get_text() for text in figure.findobj(Text))]
    shown = [text for text in texts if "network" in text]

    assert shown
    assert all(len(text) < 90 and "..." in text and "lr=0.5" in text for text in shown)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        style.png(figure)


def test_dollars_are_drawn_as_dollars() -> None:
    with style.look():
        figure = style.new_figure(1.0)
        figure.text(0.1, 0.5, "$x$", fontsize=30)
        literal = np.frombuffer(style.png(figure), np.uint8)
    with style.look(), mpl.rc_context({"text.parse_math": True}):
        figure = style.new_figure(1.0)
        figure.text(0.1, 0.5, r"\$x\$", fontsize=30)
        escaped = np.frombuffer(style.png(figure), np.uint8)

    assert literal.tobytes() == escaped.tobytes()
