"""The live view as text: its curves, its layout in any size, its budget of time."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from diagnostics.detect.detector import Detector
from lenet.hooks import EpochEnd, RunEnd, StepEnd
from reports.terminal.braille import plot, trend
from reports.terminal.follow import Follower
from reports.terminal.history import Curve, History
from reports.terminal.layout import clock, lines
from reports.terminal.live import LiveView
from reports.terminal.model import LiveModel
from reports.terminal.pace import Pace
from reports.terminal.state import LiveState
from tests.helpers import synthetic_runs as synthetic
from tests.helpers.examples import examples


def state(**more: Any) -> LiveState:
    run = synthetic.dead()
    model = LiveModel(run.info, "runs/dead.h5")
    for step, epoch, row in run.rows():
        model.take(step, epoch, row)
    model.note(33, "15 of 16 kernels of conv2 silent")
    given = {"rate": 112.0, "verdict": run.verdict, "suspects": {"conv2": "15 of 16 kernels silent"}}
    return model.state(**{**given, **more})


def text(width: int, height: int, plain: bool = False, **more: Any) -> list[str]:
    return [line.plain for line in lines(state(**more), width, height, plain)]


def test_eighty_by_twenty_four_shows_everything():
    shown = text(80, 24)
    page = "\n".join(shown)

    assert len(shown) <= 24
    for part in (
        "runs/dead.h5",
        "lenet",
        "lr 0.5",
        "step 300/300",
        "112 steps/s",
        "loss 2.3",
        "accuracy 11.2 %",
        "guess",
        "conv1",
        "dense3",
        "never-learned",
        "15 of 16 kernels of conv2 silent",
    ):
        assert part in page
    assert [line for line in shown if line.startswith("! conv2")]


def test_two_hundred_by_fifty_draws_larger_curves():
    sizes = ((80, 24), (200, 50))
    small, large = ([line for line in text(*size) if "⠀" <= max(line, default="") <= "⣿"] for size in sizes)

    assert len(large) > len(small)
    assert max(map(len, text(200, 50))) > 150


@examples(80)
@given(st.integers(1, 220), st.integers(1, 60), st.booleans())
def test_no_size_is_ever_exceeded(width, height, plain):
    shown = lines(STATE, width, height, plain)

    assert len(shown) <= height
    assert all(line.cell_len <= width for line in shown)


STATE = state()


def test_a_terminal_without_unicode_gets_plain_characters():
    for width in (80, 40):
        assert "\n".join(text(width, 24, plain=True)).replace("–", "-").isascii()


def test_without_colour_no_colour_is_written(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=24)
    for line in lines(STATE, 80, 24):
        console.print(line)

    assert "\x1b[31" not in out.getvalue()
    assert "\x1b[36" not in out.getvalue()
    assert "! conv2" in out.getvalue()


def test_a_run_that_is_over_has_no_time_left():
    assert "left" not in "\n".join(text(80, 24, status="completed"))
    assert "completed" in text(80, 24, status="completed")[0]


@pytest.mark.parametrize(("seconds", "words"), [(4.2, "0:05"), (61, "1:01"), (7300, "2 h 01 min")])
def test_times_left_are_rounded_up(seconds, words):
    assert clock(seconds) == words


def test_history_keeps_the_extremes_and_means_of_each_cell():
    rng = np.random.default_rng(3)
    values = rng.standard_normal((1000, 2))
    history = History(2, 1000, cells=50)
    for start in range(0, 1000, 7):
        steps = np.arange(start, min(start + 7, 1000))
        history.fold(steps, values[steps])
    curve = history.curve(1)
    cells = values[:, 1].reshape(50, 20)

    np.testing.assert_allclose(curve.low, cells.min(axis=1))
    np.testing.assert_allclose(curve.high, cells.max(axis=1))
    np.testing.assert_allclose(curve.mean, cells.mean(axis=1))


def test_history_goes_on_beyond_the_planned_steps():
    history = History(1, 100, cells=10)
    history.fold(np.arange(150), np.arange(150.0)[:, None])
    curve = history.curve(0)

    assert history.total == 200
    np.testing.assert_allclose(curve.high[:8], [19, 39, 59, 79, 99, 119, 139, 149])
    assert np.isnan(curve.mean[8:]).all()


def test_history_leaves_a_gap_where_nothing_is_finite():
    history = History(1, 10, cells=10)
    history.fold(np.arange(3), np.array([[1.0], [np.nan], [np.inf]]))

    np.testing.assert_array_equal(np.isfinite(history.curve(0).mean), [True] + [False] * 9)


def test_put_together_cells_keep_their_extremes():
    values = np.array([1.0, 9.0, 2.0, np.nan])
    curve = Curve(values, values, values).resampled(2)

    np.testing.assert_allclose(curve.high, [9, 2])
    np.testing.assert_allclose(curve.low, [1, 2])
    np.testing.assert_allclose(curve.mean, [5, 2])


def test_a_rising_line_rises_in_braille():
    values = np.arange(8.0) + 0.5
    drawn = plot(Curve(values, values, values), 4, 2, 0.0, 8.0)

    assert drawn == ["  ⣠⠞", "⣠⠞⠁ "]


def test_a_trend_uses_eight_heights():
    assert trend(np.arange(8.0), 8, 0.0, 8.0) == "▁▂▃▄▅▆▇█"
    assert trend(np.array([np.nan, 1.0]), 4, 0.0, 1.0) == " █  "


START = cast(Any, SimpleNamespace(first_step=0))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_view_stays_within_one_per_cent_of_the_time():
    clock = Clock()
    pace = Pace(clock=clock)
    drawn = 0.0
    for _ in range(20_000):
        clock.now += 0.01
        if pace.due(clock.now):
            clock.now += 0.02
            drawn += 0.02
            pace.spent(0.02, frame_at=clock.now)

    assert 50 < pace.frames < 130
    assert (drawn - 0.02) / clock.now <= 0.01


def test_the_view_draws_at_most_four_times_a_second():
    clock = Clock()
    pace = Pace(clock=clock)
    for _ in range(1000):
        clock.now += 0.01
        if pace.due(clock.now):
            pace.spent(1e-5, frame_at=clock.now)

    assert pace.frames <= 41


def feed(view: LiveView, recorder: SimpleNamespace, run: Any, until: int) -> None:
    view.on_run_start(START)
    for step, epoch, row in run.rows():
        if step == until:
            break
        recorder.detector.observe(step, epoch, row)
        recorder.latest, recorder.step = row, step
        view.on_step_end(StepEnd(step, epoch, step, 0, 0, 0, 0, 0.5, 0.01, 128))
    view.on_epoch_end(EpochEnd(1, 0, 99, 2.3, 0.11, 0.5, 1.0))


def recorder_for(run: Any) -> SimpleNamespace:
    return SimpleNamespace(
        info=run.info, detector=Detector(run.info), latest=None, step=-1, diagnosis=None, rollbacks=(), path="runs/x.h5"
    )


def test_the_view_leaves_the_final_state_on_the_screen():
    run = synthetic.collapsed()
    recorder, out = recorder_for(run), io.StringIO()
    view = LiveView(cast(Any, recorder), Console(file=out, force_terminal=True, width=100, height=30))
    feed(view, recorder, run, until=800)
    recorder.diagnosis = recorder.detector.finish("interrupted")
    view.on_run_end(RunEnd("interrupted", "KeyboardInterrupt", 800, "", 8.0))
    last = out.getvalue().rsplit("\x1b[?1049l", 1)[1]

    assert "interrupted" in last
    assert "step 800/1,407" in last
    assert "collapsed from step 7" in last
    assert "epoch 1 ended: accuracy 0.110" in last


def test_a_continued_run_counts_from_where_it_goes_on(monkeypatch):
    run, clock, out = synthetic.healthy(300), Clock(), io.StringIO()
    monkeypatch.setattr("reports.terminal.live.perf_counter", clock)
    recorder, console = recorder_for(run), Console(file=out, force_terminal=True, width=100, height=30)
    view = LiveView(cast(Any, recorder), console, Pace(share=1.0, clock=clock))
    view.on_run_start(cast(Any, SimpleNamespace(first_step=200)))
    first = out.getvalue()
    for step, epoch, row in run.between(first=200, last=209).rows():
        clock.now += 0.5
        recorder.latest, recorder.step = row, step
        view.on_step_end(StepEnd(step, epoch, step, 0, 0, 0, 0, 0.5, 0.01, 128))

    assert "step 200/300" in first
    assert "2 steps/s  0:45 left" in out.getvalue()
    assert set(re.findall(r"(\S+) steps/s", out.getvalue())) == {"2"}


def test_what_is_written_to_stderr_meanwhile_appears_when_the_view_closes(capsys):
    import sys

    run = synthetic.healthy(60)
    recorder, out = recorder_for(run), io.StringIO()
    view = LiveView(cast(Any, recorder), Console(file=out, force_terminal=True, width=100, height=30))
    view.on_run_start(START)
    sys.stderr.write("the disk is full\n")
    assert capsys.readouterr().err == ""
    view.on_run_end(RunEnd("completed", "", 60, "", 1.0))

    assert capsys.readouterr().err == "the disk is full\n"
    assert "the disk is full" in out.getvalue()


def test_off_a_terminal_only_the_last_state_is_written():
    run = synthetic.healthy(60)
    recorder, out = recorder_for(run), io.StringIO()
    view = LiveView(cast(Any, recorder), Console(file=out, width=80))
    feed(view, recorder, run, until=60)
    view.on_run_end(RunEnd("completed", "", 60, "", 1.0))

    assert "\x1b" not in out.getvalue()
    assert out.getvalue().count("lenet-diag") == 1


def test_a_follower_says_that_the_writer_is_gone_and_how_far_the_log_reaches():
    run = synthetic.healthy(60)
    cast(Any, run).source.header = replace(run.header, status="crashed")
    shown = Follower(run, "runs/x.h5").state()

    assert shown.status == "writer gone"
    assert "step 59" in shown.note


def test_a_run_that_is_over_has_its_events_in_order_of_their_steps():
    events = Follower(synthetic.collapsed(), "runs/x.h5").state().events
    steps = [int(event.split()[1].replace(",", "")) for event in events]

    assert len(steps) > 2
    assert steps == sorted(steps)
