"""Result pages: their words follow from the numbers, whole or partial."""

from __future__ import annotations

import shlex

import pandas as pd
import pytest

from diagnostics.errors import StudyError
from diagnostics.study.plan import StudyPlan
from diagnostics.study.planned_arms import grid
from diagnostics.study.presets import CONTROL, PRESETS, preset
from diagnostics.study.results import load_study
from diagnostics.study.runner import note_start
from reports.commands.study import command
from reports.commands.study_plan import make_plan
from reports.results import PAGES, gradients, write_page
from tests.helpers.fake_runs import checked_once, fake_run, fake_study
from tests.helpers.no_pictures import with_blank_pictures

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(autouse=True)
def gradients_checked_once(monkeypatch):
    monkeypatch.setattr(gradients, "numbers", checked_once)


def page_of(name, folder, runs=12, **how):
    plan = fake_study(folder, StudyPlan(preset(name).build({}, runs), preset=name), **how)
    return write_page(plan, load_study(folder)[1], folder, folder / "page.md").read_text()


def test_every_preset_has_a_page():
    assert PAGES.keys() == PRESETS.keys()


@pytest.fixture(scope="module")
def report_table(tmp_path_factory):
    """The folder of a whole study of that preset, with its page."""
    folder = tmp_path_factory.mktemp("report-table")
    with with_blank_pictures():
        page_of("report-table", folder)
    return folder


def test_the_report_table_stands_beside_the_authors_figures(report_table):
    text = (report_table / "page.md").read_text()

    assert "| lenet | the author | 9 | not counted | 49 → 72 → 84 % | – | 81 % | – |" in text
    assert "| lenet | ours, paper's | 12 | 2 of 12 (5–45 %) |" in text
    assert "Partial" not in text
    assert "--preset report-table --runs 12" in text


def test_a_partial_page_says_so_and_how_much_is_missing(tmp_path):
    assert "**Partial: 100 of 108 runs so far.**" in page_of("report-table", tmp_path, skip=8)


def test_restarts_do_not_stand_in_for_runs_that_are_missing(tmp_path):
    plan = fake_study(tmp_path, StudyPlan(preset("why").build({}, 3), on_defect="restart", preset="why"), skip=1)
    first = next(task for task in plan.tasks() if task.settings.seed == 1)
    restart = plan.restart_of(first)
    assert restart is not None
    fake_run(tmp_path, restart.file, "healthy", restart.settings.seed, arm=restart.settings.to_dict())
    text = write_page(plan, load_study(tmp_path)[1], tmp_path, tmp_path / "page.md").read_text()

    # Six first attempts, of which the last is missing; three of them died, of which one was started again.
    assert "**Partial: 6 of 9 runs so far.**" in text


def test_remedies_are_answered_in_words_from_the_counts(tmp_path):
    plan = StudyPlan(preset("remedies").build({}, 24), preset="remedies")
    fake_study(tmp_path, plan, dead=range(12))
    for task in plan.tasks():
        if "clipped" in plan.arms[task.arm].label:
            fake_run(tmp_path, task.file, "healthy", task.settings.seed, arm=task.settings.to_dict())
    text = write_page(StudyPlan.load(tmp_path), load_study(tmp_path)[1], tmp_path, tmp_path / "p.md").read_text()

    assert "**With the exact convolution** the control loses 12 of 24 (31–69 %)." in text
    assert (
        "- Saves runs:\n  - gradient clipped to norm 1: 0 of 24 (0–14 %) die; "
        "accuracy +0.0 points over the 12 seeds alive in both\n- Makes it worse: none."
    ) in text
    assert "is shown to help in 0 of the 6 arms that try it" in text
    assert "the intervals reach to 26 points fewer deaths" in text
    assert (
        "By step 32, when the last of the control's 12 defect runs died, it had lowered the learning rate by 1% "
        "(inverse-time decay 3e-4 (the paper's)), 9% (inverse-time decay 3e-3), 0% (step decay, halved each epoch), "
    ) in text
    assert f"| {CONTROL} | 12 of 24" in text


def test_why_says_when_and_of_what_without_a_log_to_read(tmp_path):
    text = page_of("why", tmp_path)

    assert "| exact convolution | 12 | 2 of 12 (5–45 %) | 2 | 0 | 0 |" in text
    assert "| exact convolution | 2 | 0 | 0 | 0 | 32 | 32 | 0 |" in text
    assert (
        "**With the exact convolution** 2 of 12 (5–45 %) die. All of these 2 died in the first 100 steps, none "
        "after the first epoch. As the first link the detector names dead units most often (2 of 2)."
    ) in text
    assert "Where its folder lies beside this one, its answer stands here." in text
    assert "| dead units | conv2 | 2 |" in text
    assert "comes after the onset" not in text
    assert "| the paper's |" in text


def test_why_tells_what_saves_where_the_remedies_lie_beside_it(tmp_path):
    fake_study(tmp_path / "remedies", StudyPlan(preset("remedies").build({}, 5), preset="remedies"), skip=3)
    text = page_of("why", tmp_path / "why")

    assert "**Partial: 102 of 105 runs so far.**" in text
    assert "**With the exact convolution** the control loses 2 of 5 (12–77 %)." in text
    assert "- Not shown to do either with n = 5: inverse-time decay 3e-4 (the paper's) (2 of 5 die);" in text


def test_beside_a_page_stands_every_run_and_no_path_of_this_machine(report_table):
    runs = pd.read_csv(report_table / "page-runs.csv")

    assert len(runs) == 108
    assert {"arm", "run", "seed", "verdict", "cause", "validation_accuracy", "epoch_3_accuracy"} <= set(runs)
    assert str(report_table) not in (report_table / "page-runs.csv").read_text()
    assert "[page-runs.csv](page-runs.csv)" in (report_table / "page.md").read_text()


def test_a_page_says_which_runs_were_copied_from_where(tmp_path):
    plan = fake_study(tmp_path, StudyPlan(preset("why").build({}, 3), preset="why"))
    note_start(
        tmp_path, copied={"exact-convolution-seed0001.h5": "a/remedies/control-seed0001.h5", "gone.h5": "b/c/gone.h5"}
    )
    text = write_page(StudyPlan.load(tmp_path), load_study(tmp_path)[1], tmp_path, tmp_path / "p.md").read_text()

    assert plan.preset == "why"
    assert "1 of the 6 runs were not trained again" in text
    assert "1 from `remedies`." in text


def test_settings_are_told_as_they_are_and_the_command_repeats_them(tmp_path):
    changes = {"activation": "tanh", "optimizer": "adam", "lr": 0.00123456789, "shuffle": True, "clip_norm": 2.0}
    plan = StudyPlan(preset("why").build(changes, 3), 5, "stop", log_every=2, histograms_every=0, preset="why")
    fake_study(tmp_path, plan)
    text = write_page(StudyPlan.load(tmp_path), load_study(tmp_path)[1], tmp_path, tmp_path / "p.md").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("lenet-diag study"))

    assert "(tanh, Adam with learning rate 0.00123457, batch 128, 3 epochs, --shuffle, --clip-norm 2)" in text
    context = command.make_context("study", shlex.split(line)[2:])
    given = {name: list(values) for name, values in context.params.items() if isinstance(values, tuple) and values}
    how = {name: context.params[name] for name in ("on_defect", "log_every", "histograms_every")}
    assert make_plan(given, context.params["runs"], "why", how) == plan


def test_a_study_of_ones_own_has_no_page(tmp_path):
    plan = fake_study(tmp_path, StudyPlan(grid({}, 2)))

    with pytest.raises(StudyError, match="has no page"):
        write_page(plan, load_study(tmp_path)[1], tmp_path, tmp_path / "p.md")
