"""`run.plot` and `run.report`: the figures and the page of the report, from Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

import diagnostics as ld
from diagnostics.errors import LogError, NotReplacedError, ReplayError, UnknownNameError
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.broken_runs import broken_log
from tests.helpers.command_line import typed

PNG = b"\x89PNG"


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes]


def test_each_figure_is_that_of_the_report_and_shows_itself_in_a_notebook() -> None:
    run = synthetic.dead(120)

    assert titles(run.plot.loss()) == ["Loss", "Accuracy"]
    assert titles(run.plot.chain())[1].startswith("Events in each layer")
    assert titles(run.plot()) == titles(run.plot.chain())
    assert titles(run.plot.layers())[0] == "gradient norm (log scale)"
    assert run.plot.loss()._repr_png_().startswith(PNG)  # type: ignore[attr-defined]
    assert repr(run.plot).startswith("<RunPlots of dead: run.plot() or ")


def test_a_healthy_run_has_no_chain_and_says_what_shows_it() -> None:
    run = synthetic.healthy(60)

    assert titles(run.plot()) == ["Loss", "Accuracy"]
    with pytest.raises(ValueError, match=r"healthy: has no chain of events \(verdict: healthy\); run.plot.loss\(\)"):
        run.plot.chain()


def test_layers_that_are_not_recorded_are_told(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("step,loss\n" + "".join(f"{i},{2.3 - i / 50}\n" for i in range(60)))
    (run,) = ld.import_runs(str(tmp_path / "other.csv"), ld.ImportOptions(classes=10))

    with pytest.raises(ValueError, match="its layers are not recorded"):
        run.plot.layers()


def test_an_unknown_part_of_the_origin_is_told() -> None:
    with pytest.raises(UnknownNameError, match="show: received 'lines', expected one of line, batch, units, movement"):
        synthetic.dead(60).plot.origin("lines")  # type: ignore[arg-type]


@pytest.mark.slow  # a run is trained, and replayed up to where it died
def test_the_origin_is_opened_by_a_replay() -> None:
    run = ld.open_run(broken_log())

    assert run.plot.origin().axes[0].get_xlabel() == "length of the step"
    assert run.plot.origin("units").axes[0].get_xlabel() == "input of the activation function"
    assert run.plot.origin("movement").axes[0].get_xlabel() == "movement of the unit's mean input"
    assert len(run.plot.origin("batch").axes) > 2
    with pytest.raises(ReplayError, match="dead: the replay is not the run"):
        synthetic.dead(60).plot.origin()


@pytest.mark.slow  # two whole reports are drawn
def test_the_report_is_that_of_the_command(tmp_path: Path) -> None:
    log = synthetic.write_log(synthetic.healthy(60), tmp_path / "fine.h5")
    page = ld.open_run(log).report(str(tmp_path / "out"))
    typed("report", log)

    assert page == tmp_path / "out" / "report.html"
    assert page.read_bytes() == (tmp_path / "fine.report" / "report.html").read_bytes()
    assert {one.name for one in page.parent.iterdir()} == {one.name for one in (tmp_path / "fine.report").iterdir()}


def test_a_report_goes_beside_the_log_or_into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.notebook.run_report.write_report", lambda run, folder, origin: folder / "report.html")
    log = synthetic.write_log(synthetic.healthy(60), tmp_path / "fine.h5")
    run = ld.open_run(log)

    assert run.report(replay=False) == tmp_path / "fine.report" / "report.html"
    with pytest.raises(ValueError, match=r"folder: received 'x.html', expected a folder; report.html and its figures"):
        run.report("x.html")
    with pytest.raises(ValueError, match="expected a folder, since healthy has no log to stand beside"):
        synthetic.healthy(60).report()
    with pytest.raises(LogError, match="holds no step yet"):
        run.between(500, 600).report(tmp_path / "none")
    (tmp_path / "taken" / "report.html").mkdir(parents=True)
    with pytest.raises(NotReplacedError):
        run.report(tmp_path / "taken")
