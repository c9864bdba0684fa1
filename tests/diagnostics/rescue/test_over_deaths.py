"""Rescues over many deaths: shares, pooled pairs, the exact test against the placebo, and points of no return."""

from __future__ import annotations

from itertools import product
from math import comb
from pathlib import Path

import pytest

from diagnostics.rescue.death_study import SAME_RATE
from diagnostics.rescue.over_deaths import against_placebo, deaths_of, died_from, share_lived, treatments
from diagnostics.rescue.plan import BUT_FOR, CONTROL, SWAPPED, PlannedBranch
from diagnostics.statistics.intervals import mcnemar, wilson
from tests.helpers.made_up_deaths import made_up_tables, usual


def test_shares_are_counted_and_averaged_over_deaths(tmp_path: Path) -> None:
    deaths = deaths_of(made_up_tables(tmp_path / "page.md", lambda seed, b: b.number < 4 * seed), "exact")
    luck = share_lived(deaths, CONTROL)

    assert (luck.count, luck.runs, luck.by_death) == (4 + 8 + 12, 48, (0.25, 0.5, 0.75))
    assert luck.mean == 0.5
    assert luck.interval is not None
    assert luck.interval[0] < 0.25 < 0.75 < luck.interval[1]


@pytest.mark.parametrize(("lives", "share"), [(True, 1.0), (False, 0.0)])
def test_where_all_branches_had_one_fate_the_interval_is_that_of_so_many_deaths(
    tmp_path: Path, lives: bool, share: float
) -> None:
    luck = share_lived(deaths_of(made_up_tables(tmp_path / "page.md", lambda seed, branch: lives)), CONTROL)

    assert luck.mean == share
    assert luck.interval == wilson(5 if lives else 0, 5)


def test_a_treatment_is_proven_in_each_death_and_over_all_and_one_that_does_nothing_in_none(tmp_path: Path) -> None:
    found = {
        one.arm: one for one in treatments(deaths_of(made_up_tables(tmp_path / "page.md", usual)), ["clip", SAME_RATE])
    }

    assert (found["clip"].proven, found["clip"].saved, found["clip"].lost) == (5, 60, 0)
    assert found["clip"].p == pytest.approx(2 * mcnemar(60, 0))
    assert found["clip"].p_over_deaths == 2 * 2 / 2**5  # five deaths of one sign, two arms
    assert (found[SAME_RATE].proven, found[SAME_RATE].not_shown, found[SAME_RATE].p) == (0, 5, 1.0)


def test_the_first_link_is_better_than_its_placebo_where_it_alone_decides(tmp_path: Path) -> None:
    found = against_placebo(deaths_of(made_up_tables(tmp_path / "page.md", usual)), BUT_FOR)

    assert (found.deaths, found.share.count, found.placebo.count, found.placebo.runs) == (5, 5, 0, 100)
    assert (found.difference, found.is_better) == (1.0, True)
    assert found.p == pytest.approx((1 / 21) ** 5)


def test_the_first_link_is_not_better_where_any_update_would_do(tmp_path: Path) -> None:
    found = against_placebo(deaths_of(made_up_tables(tmp_path / "page.md", lambda seed, branch: True)), BUT_FOR)

    assert (found.difference, found.p, found.is_better) == (0.0, 1.0, False)


def test_the_test_against_the_placebo_is_the_share_of_all_ways_to_deal_the_fates_out(tmp_path: Path) -> None:
    """By hand: every way to choose which 16 of 32 branches of each death are those at the first link."""
    lived = {1: (9, 5), 2: (6, 6)}

    def lives(seed: int, branch: PlannedBranch) -> bool:
        own, placebo = lived[seed]
        return branch.number < (placebo if branch.arm.endswith("placebo") else own)

    found = against_placebo(deaths_of(made_up_tables(tmp_path / "page.md", lives, exact=2, report=0)), SWAPPED)

    def ways(seed: int, k: int) -> int:
        total = sum(lived[seed])
        return comb(total, k) * comb(32 - total, 16 - k)

    as_good = sum(ways(1, i) * ways(2, j) for i, j in product(range(17), repeat=2) if i + j >= 15)
    assert found.p == pytest.approx(as_good / comb(32, 16) ** 2)
    assert found.difference == pytest.approx((4 / 16 + 0) / 2)


def test_a_death_without_a_step_before_its_first_link_has_no_placebo(tmp_path: Path) -> None:
    deaths = deaths_of(made_up_tables(tmp_path / "page.md", usual, first_link=0))
    found = against_placebo(deaths, BUT_FOR)

    assert (len(deaths), found.deaths, found.p, found.difference) == (5, 0, 1.0, None)


def test_the_point_of_no_return_is_the_first_from_which_all_died_and_from_all_later_ones(tmp_path: Path) -> None:
    death = deaths_of(made_up_tables(tmp_path / "page.md", usual))[0]

    assert death.is_reproduced
    assert death.no_return == min(step for step in death.points if step > 34)
    assert death.last_open_step is None
    assert died_from([death], lambda one: one.first_link).by_death == (0.5,)
    assert died_from([death], lambda one: one.confirmed).count == 8


def test_a_point_that_all_survive_after_one_that_none_does_leaves_no_point_of_no_return(tmp_path: Path) -> None:
    tables = made_up_tables(tmp_path / "page.md", lambda seed, branch: branch.step == 73)
    death = deaths_of(tables)[0]

    assert (death.no_return, death.last_open_step) == (None, 73)
