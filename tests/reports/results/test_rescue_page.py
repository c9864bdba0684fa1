"""The page of the study of rescues: what it claims follows from the deaths, and a partial study says so."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.errors import DamagedFileError
from diagnostics.rescue.death_study import PLAN, SAME_RATE
from diagnostics.rescue.natural_deaths import POPULATIONS
from diagnostics.rescue.plan import BUT_FOR
from diagnostics.rescue.study_tables import StudyTables
from reports.results import render, write_rescue_page
from tests.helpers.committed_runs import DOCS
from tests.helpers.made_up_deaths import FateMaker, made_up_tables, usual

pytestmark = pytest.mark.usefixtures("blank_pictures")


def page_of(folder: Path, lives: FateMaker = usual, **deaths: int) -> str:
    page = folder / "rescue.md"
    return write_rescue_page(made_up_tables(page, lives, **deaths), page).read_text()


def test_a_partial_study_says_so_and_what_it_has(tmp_path: Path) -> None:
    text = page_of(tmp_path)

    assert (
        "**Partial: 5 of 60 deaths so far** (3 of 40 with the exact convolution, 2 of 20 with the paper's own)" in text
    )
    assert "- gradient clipped to norm 1: 80 of 80 branches lived; proven in 5 of 5 deaths" in text
    assert "20 of 80 branches, 25 % in the mean over deaths, lived" in text  # equal shares have no interval
    assert (tmp_path / "figures" / "rescue-arms.png").exists()


def test_a_whole_study_is_not_called_partial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [replace(one, deaths=deaths) for one, deaths in zip(POPULATIONS, (3, 2), strict=True)]
    monkeypatch.setattr("reports.results.rescue.POPULATIONS", asked)
    text = page_of(tmp_path, exact=3, report=2)

    assert "Partial" not in text
    assert "more deaths: the study" not in text


def test_the_first_link_is_called_a_cause_only_where_it_beats_its_placebo(tmp_path: Path) -> None:
    better = page_of(tmp_path)
    (tmp_path / "rescue-runs.csv").unlink()
    equal = page_of(tmp_path, lambda seed, branch: True)

    assert "is a cause in the but-for sense" in better
    assert "That the update of the first link is the cause of the deaths." not in better
    assert "it is not shown that the first link is the cause" in equal
    assert "That the update of the first link is the cause of the deaths." in equal


def test_a_first_link_that_does_worse_than_its_placebo_is_told_with_the_reason(tmp_path: Path) -> None:
    worse = page_of(
        tmp_path, lambda seed, branch: branch.arm != BUT_FOR and (branch.number + seed) % (3 + seed % 2) > 0
    )
    (tmp_path / "rescue-runs.csv").unlink()
    equal = page_of(tmp_path, lambda seed, branch: True)

    reason = "one that is left out earlier changes more of the steps before the death"
    assert reason in worse
    assert reason not in equal


def test_an_arm_that_changes_nothing_and_seems_to_act_takes_proof_from_the_other_arms(tmp_path: Path) -> None:
    seeming = page_of(tmp_path, lambda seed, branch: branch.arm == SAME_RATE or usual(seed, branch))
    (tmp_path / "rescue-runs.csv").unlink()
    as_it_is = page_of(tmp_path)

    assert seeming.count("Over all pairs of this table its adjusted p is < 0.001. It changes nothing, so that") == 3
    assert "Over all pairs of this table" not in as_it_is


def test_an_arm_that_saves_branches_of_few_deaths_alone_is_not_shown_to_save_others(tmp_path: Path) -> None:
    """Sixteen branches of one death begin in one state: they are no sixteen deaths."""
    page = tmp_path / "rescue.md"
    text = write_rescue_page(
        made_up_tables(page, lambda seed, branch: branch.arm == "clip" and seed == 1, 5, 0), page
    ).read_text()

    (cells,) = {line for line in text.splitlines() if line.startswith("| gradient clipped to norm 1 | 16 of 80 |")}
    assert cells.endswith("| 16 | 0 | < 0.001 | 1.000 |")
    assert "Below 0.05 over pairs and not over deaths: gradient clipped to norm 1 (p 1.000)." in text
    assert "- That gradient clipped to norm 1 saves or kills, over all deaths" in text


def test_the_page_says_in_how_many_deaths_luck_leaves_an_arm_to_be_proven(tmp_path: Path) -> None:
    text = page_of(tmp_path, lambda seed, branch: branch.arm == "clip" or branch.number < 6 + seed)  # 7, 8, 9 live

    assert "an arm can be proven in 2 of them, where at most 7 of 16 branches of the control lived:" in text
    assert "- gradient clipped to norm 1: 80 of 80 branches lived; proven in 2 of 5 deaths" in text


def test_without_deaths_there_is_no_answer(tmp_path: Path) -> None:
    page = tmp_path / "rescue.md"

    assert "so there is no answer" in write_rescue_page(StudyTables(page, PLAN), page).read_text()


def test_the_proven_arms_of_the_study_of_remedies_stand_beside_those_of_this_study(tmp_path: Path) -> None:
    shutil.copy(DOCS / "remedies.json", tmp_path)
    text = page_of(tmp_path)

    assert "| gradient clipped to norm 1 | helps | 36 | 0 | yes |" in text
    assert "| half the learning rate | helps | 0 | 0 | no |" in text
    assert "| LeCun initialisation | helps | – | – | needs a new run |" in text

    (tmp_path / "remedies.json").write_text("{}")
    with pytest.raises(DamagedFileError, match="has no numbers of the remedies"):
        page_of(tmp_path)


def test_the_page_is_its_template_with_the_numbers_beside_it(tmp_path: Path) -> None:
    text = page_of(tmp_path)

    assert render(json.loads((tmp_path / "rescue.json").read_text())) == text
