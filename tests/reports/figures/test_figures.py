"""The numbers each figure of a run draws, and that each can be drawn for each kind of run."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import reports.figures
from diagnostics.detect.findings import Stretch, Verdict
from diagnostics.run.turning_point import Focus
from reports.figures import catalogue, chain, heatmap, kernels, layer_closeup, loss, shapes, style, tensors, units
from reports.figures.layers import layer_curves
from reports.figures.loss import loss_figure
from reports.figures.snapshot_moments import moments
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.lenet_info import GUESSING, PRIOR

KINDS = {"healthy": cache(synthetic.healthy), "dead": cache(synthetic.dead), "diverged": cache(synthetic.diverged)}
# The figures of a rescue are drawn from its result and not from a run; test_rescue_figures draws them.
FIGURES = {
    one.__name__.rpartition(".")[2]: one for one in catalogue.figure_files("run") if one.PLACE.section != "tried"
}


@pytest.mark.parametrize("report", ["run", "study", "origin"])
def test_every_figure_is_one_file_that_prepares_and_draws_and_stands_at_a_place_of_its_own(report):
    modules = catalogue.figure_files(report)

    assert len(modules) >= 4
    assert len({(one.PLACE.section, one.PLACE.position) for one in modules}) == len(modules)
    for module in modules:
        name = module.__name__.rpartition(".")[2]
        assert callable(module.prepare)
        assert callable(module.captioned)
        assert any(part.startswith("draw") for part in vars(module))
        assert getattr(reports.figures, f"{name}_figure") is getattr(module, f"{name}_figure")


def test_a_name_that_is_no_figure_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'style_figure'"):
        reports.figures.style_figure  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'loss'"):
        reports.figures.__getattr__("loss")


def test_the_loss_figure_draws_the_level_of_guessing_and_the_stretch():
    data = loss.prepare(synthetic.collapsed())

    assert data.guess_loss == pytest.approx(GUESSING)
    assert data.guess_accuracy == max(PRIOR)
    assert data.loss[1].max() == pytest.approx(6.5)
    assert data.stretches[0].onset == data.broke_at == synthetic.COLLAPSE
    assert data.mark == "blow"
    assert data.epoch_starts == (469, 938, 1407)[:2]
    assert data.last_step == 1406


def test_a_run_that_died_without_a_known_blow_has_none_in_its_legend():
    run = synthetic.collapsed()
    run._kept["diagnosis"] = replace(run.diagnosis, blow=None)

    assert loss.prepare(run).mark == "died"


def of_stretches(*recoveries, verdict=Verdict.COLLAPSED):
    """The collapsed run with stretches that begin at 100, 200 and so on, and end with these recoveries."""
    run = synthetic.collapsed()
    stretches = tuple(Stretch(verdict, 100 * n, 100 * n + 20, end) for n, end in enumerate(recoveries, 1))
    run._kept["diagnosis"] = replace(run.diagnosis, stretches=stretches, onset=stretches[-1].onset, verdict=verdict)
    return run


def test_of_many_stretches_the_legend_names_the_one_that_decides_the_verdict():
    run = of_stretches(150, 250, None)
    legend = [text.get_text() for text in loss_figure(run).legends[0].get_texts()]

    assert "3 defect stretches" in legend
    assert [text for text in legend if text.startswith(("onset", "confirmed"))] == [
        "onset: step 300",
        "confirmed: step 320",
    ]
    assert next(loss.captioned(run)).caption.count("the one that decides the verdict") == 1
    assert len(loss.prepare(of_stretches(150, None)).named) == 2


def test_a_run_that_recovered_is_not_said_to_have_died():
    run = of_stretches(150, verdict=Verdict.RECOVERED)
    run._kept["diagnosis"] = replace(run.diagnosis, blow=None)
    told = [*chain.captioned(run), *layer_closeup.captioned(run), *loss.captioned(run)]

    assert loss.prepare(run).mark == "stopped learning"
    assert chain.prepare(run).died == "stopped learning"
    assert not any("died" in f"{one.title} {one.alt} {one.caption}" for one in told)


def test_the_mark_of_the_blow_does_not_cover_a_title():
    figure = loss_figure(synthetic.dead(40))
    figure.canvas.draw()
    for axes in figure.axes:
        mark = next(line for line in axes.lines if line.get_marker() == "v")
        height = mark.get_markersize() / 2 * figure.dpi / 72
        top = mark.get_transform().transform(mark.get_xydata()[0])[1] + height

        assert axes._left_title.get_window_extent().y0 > top


def test_the_loss_figure_says_from_which_step_on_the_loss_is_not_finite():
    assert loss.prepare(synthetic.diverged()).not_finite_from == 120
    assert loss.prepare(synthetic.healthy()).not_finite_from is None


def test_a_healthy_run_has_no_chain():
    assert chain.prepare(synthetic.healthy()) is None


def test_the_chain_numbers_events_in_order_and_cuts_those_that_go_on():
    data = chain.prepare(synthetic.dead())

    assert data is not None
    assert not any(e.came_before for e in data.events)
    assert [e.number for e in data.events] == [1, 2, 3, 4]
    assert [e.first for e in data.events] == [31, 32, 33, 36]
    assert [data.lanes[e.lane] for e in data.events] == ["conv2", "conv2", "conv2", "conv1"]
    assert [e.goes_on for e in data.events] == [False, False, True, True]
    assert data.events[1].label == "step 32: oversized update, 38 % (limit 10 %)"


def test_layer_curves_join_weights_and_biases_into_one_gradient_norm():
    run = synthetic.dead()
    curves = layer_curves(run)
    both = [run.columns.tensor("dense1", t, "gradient", "norm") for t in ("weights", "biases")]

    np.testing.assert_allclose(curves.of("dense1")["gradient"], np.hypot(*run.block(both).T.astype(float)), rtol=1e-6)
    assert np.isnan(curves.saturated).all()


def test_the_layer_that_went_down_is_drawn_before_and_after():
    data = layer_closeup.prepare(synthetic.dead())
    x, y = data.zoom["gradient"]

    assert data.layer == "conv2"
    assert np.all(y[x >= synthetic.DEATH] == 0)
    assert data.zoom["dead"][1][-1] == 15 / 16


def test_the_norm_of_a_layer_holds_its_biases_which_may_grow_alone():
    run = synthetic.dead()
    both = [run.columns.tensor("conv2", t, "value", "norm") for t in ("weights", "biases")]

    np.testing.assert_allclose(
        layer_curves(run).of("conv2")["norm"], np.hypot(*run.block(both).T.astype(float)), rtol=1e-6
    )


def test_a_gradient_that_fades_away_leaves_room_for_what_came_before():
    data = layer_closeup.prepare(synthetic.dead())
    data.whole["gradient"] = (np.arange(4.0), np.array([2.0, 1.0, 1e-45, 0.0]))
    axes = layer_closeup.draw_figure(data).axes[0]

    assert axes.get_ylim()[0] > 1e-13


def test_ticks_for_zero_are_explained_where_there_are_some():
    explained = {name: next(layer_closeup.captioned(make())).caption for name, make in KINDS.items()}

    assert "Red ticks" in explained["dead"]
    assert "Red ticks" not in explained["healthy"]


NEAR_AN_EDGE = Focus(1300, 1340, 1320, "dense2")  # a number stands at the very edge of each panel


@pytest.mark.parametrize("module", [layer_closeup, heatmap], ids=["closeup", "heatmap"])
def test_numbers_of_neighbouring_panels_do_not_touch(module, monkeypatch):
    monkeypatch.setattr(module, "focus", lambda run: NEAR_AN_EDGE)
    figure = next(module.captioned(synthetic.collapsed(1401))).figure
    figure.canvas.draw()
    left, right = (
        [label.get_window_extent() for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
        for axes in figure.axes
        if axes.get_xlabel() == "step"
        for low, high in [axes.get_xlim()]
    )

    assert max(box.x1 for box in left) < min(box.x0 for box in right)


def test_a_healthy_run_shows_the_layer_with_the_largest_update_and_says_so():
    data = layer_closeup.prepare(synthetic.healthy())

    assert "largest single update" in data.stood_out
    assert data.focus is None


def test_the_heat_maps_leave_out_what_was_not_measured():
    data = heatmap.prepare(synthetic.dead())

    assert "saturated" not in data.whole
    assert data.whole["dead"].values[1, -1] == 15 / 16
    assert np.all(data.whole["gradient"].values[:2, -1] == 0)
    assert data.whole["gradient"].values.shape[1] <= heatmap.COLUMNS


def test_the_moments_lie_before_and_after_the_step_at_which_it_broke():
    steps = [m.step for m in moments(synthetic.collapsed())]

    assert steps == [0, 675, 725, 1400]


def test_the_moments_of_a_healthy_run_are_spread_over_it():
    assert [m.step for m in moments(synthetic.healthy())] == [0, 100, 200, 275]


def test_the_tensor_bands_are_quantiles_in_order():
    data = tensors.prepare(synthetic.healthy())

    assert data is not None
    assert len(data.bands) == 10
    for band in data.bands:
        assert np.all(np.diff(band.quantiles, axis=1) >= 0)


def test_the_shapes_add_up_to_one():
    data = shapes.prepare(synthetic.healthy())

    assert data is not None
    assert all(shape.shares.sum() == pytest.approx(1) for row in data.shapes for shape in row)


def test_the_kernels_are_those_of_the_log():
    run = synthetic.dead()
    data = kernels.prepare(run)

    assert data is not None
    np.testing.assert_array_equal(data.images[0, 2], run.snapshots.kernels[0, :, :, 0, 2])
    assert kernels.tiles(data.images).shape == (4 * 6 - 1, 6 * 6 - 1)


def test_the_map_of_units_counts_the_silent_ones_and_leaves_out_the_output_layer():
    data = units.prepare(synthetic.dead())

    assert data is not None
    assert data.layers == ("conv1", "conv2", "dense1", "dense2")
    assert data.count(1, 0) == (0, 16)
    assert data.count(1, 3) == (15, 16)
    assert np.nansum(units.squares(data)[0]) == 30  # 15 after, 15 at the end


ALWAYS = {"loss", "layer_closeup", "heatmap", "tensors", "shapes", "kernels", "units"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_be_drawn_for_every_kind_of_run(name, kind):
    drawn = list(FIGURES[name].captioned(KINDS[kind]()))

    assert all(one.alt and one.caption for one in drawn)
    if kind == "diverged":  # test_run_page paints the others
        assert all(style.png(one.figure).startswith(b"\x89PNG") for one in drawn)
    assert bool(drawn) == (name in ALWAYS or (name == "chain" and kind != "healthy"))


def test_a_figure_drawn_twice_gives_the_same_bytes():
    run = synthetic.dead()

    assert style.png(loss.loss_figure(run)) == style.png(loss.loss_figure(run))


def test_drawing_leaves_the_users_own_settings_of_matplotlib_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    style.png(loss.loss_figure(synthetic.healthy(60)))

    assert dict(mpl.rcParams) == before


def test_a_run_of_one_row_is_drawn_as_points_with_the_level_of_guessing_at_the_right_edge():
    figure = loss_figure(synthetic.healthy(1))
    style.png(figure)
    top = figure.axes[0]

    assert [line.get_marker() for line in top.lines[:2]] == ["o", "o"]
    assert top.texts[0].xy[0] == 1.0
