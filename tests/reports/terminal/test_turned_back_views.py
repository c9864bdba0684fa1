"""Where a run was turned back, as the live view, a watcher, the text of a diagnosis and the report show it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diagnostics import Recorder, open_run
from diagnostics.detect.findings import Verdict
from reports.figures import style
from reports.figures import turned_back as turned_back_figure
from reports.pages.markdown import render
from reports.pages.run_page import build
from reports.terminal.console import TerminalConsole
from reports.terminal.follow import Follower
from reports.terminal.live import LiveView
from reports.text.diagnosis import diagnosis_text
from reports.text.events import turned_back_to
from tests.helpers.no_pictures import with_blank_pictures
from tests.helpers.rollback_trainings import EPOCHS, QUICK, turned_back
from tests.helpers.small_trainings import small_model, train

TOLD = ("half the learning rate (2)", "half the learning rate (1)")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return turned_back(tmp_path_factory.mktemp("views") / "run.h5")


def test_the_live_view_tells_each_rollback_and_never_calls_the_run_healthy(tmp_path: Path) -> None:
    model = small_model(lr=4.0)
    asked: dict[str, Any] = {
        "checkpoint_every": 5,
        "on_defect": "rollback",
        "rollback_with": "half-rate",
        "detector": QUICK,
    }
    recorder = Recorder(tmp_path / "run.h5", model=model, **asked)
    states: list[Any] = []

    class Watched(LiveView):
        def on_step_end(self, event: Any) -> None:
            super().on_step_end(event)
            states.append((event.step, len(recorder.rollbacks), self._state()))

    train([recorder, Watched(recorder, TerminalConsole())], model, epochs=EPOCHS)

    assert all(state.steps == step + 1 for step, _, state in states if state is not None)
    last = states[-1][2]
    assert [event for event in last.events if "turned back" in event] == [
        f"step {one.last_step}  turned back to before step {one.step}, with {told}"
        for one, told in zip(recorder.rollbacks, TOLD, strict=True)
    ]
    assert last.note == f"{turned_back_to(recorder.rollbacks[-1])} (the last of 2 times)"
    assert states[0][2].note == ""
    assert {state.verdict for _, count, state in states if count and "learned" not in state.verdict} >= {"rescued"}
    assert not any(state.verdict in ("healthy", "recovered") for _, count, state in states if count)


def test_a_watcher_tells_the_same_and_shows_the_steps_of_the_run(run: Any) -> None:
    state = Follower(open_run(run.path, live=True), "run.h5").state()

    assert state.steps == len(run)
    assert [event for event in state.events if "turned back" in event] == [
        f"step {one.last_step}  turned back to before step {one.step}, with {told}"
        for one, told in zip(run.rollbacks, TOLD, strict=True)
    ]
    assert (state.verdict, state.tone) == ("rescued", "warn")
    assert state.note == f"{turned_back_to(run.rollbacks[-1])} (the last of 2 times)"


def test_the_words_of_the_diagnosis_say_where_and_with_what(run: Any) -> None:
    words = diagnosis_text(run.diagnosis)

    assert words.startswith("run: a defect run, rescued: it was turned back from its defect, and ended well")
    for one, told in zip(run.rollbacks, TOLD, strict=True):
        assert f"turned back from step {one.last_step} to before step {one.step}" in words
        assert told in " ".join(words.split())
    assert "healthy" not in words


def test_a_run_that_is_undecided_since_then_is_a_defect_run_all_the_same(run: Any) -> None:
    undecided = replace(run.diagnosis, verdict=Verdict.UNDECIDED)

    assert undecided.is_defect
    words = "run: a defect run, turned back from its defect, and undecided since then"
    assert diagnosis_text(undecided).startswith(words)


def test_the_report_has_a_section_with_what_is_undone(run: Any) -> None:
    with with_blank_pictures():
        document = build(run)
    [drawn] = turned_back_figure.captioned(run)
    page = " ".join(render(document).split())

    assert run.verdict is Verdict.RESCUED
    assert "rescued (a defect run)" in page
    assert "Where it was turned back" in page
    undone = sum(one.undone_steps for one in run.rollbacks)
    assert f"{undone} steps of this run are undone." in page
    assert all(told in page for told in TOLD)
    assert style.png(drawn.figure).startswith(b"\x89PNG")
    assert "turned-back" in {one.anchor for one in document.sections}


@pytest.mark.usefixtures("no_pictures")
def test_the_report_of_any_other_run_has_none(tmp_path: Path) -> None:
    healthy = turned_back(tmp_path / "run.h5", lr=0.5)

    assert "turned-back" not in {one.anchor for one in build(healthy).sections}
