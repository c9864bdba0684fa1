"""What counts show: Holm's method against its definition, pairs against McNemar's counts by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.rescue.evidence import NOT_SHOWN, PROVEN, WORSE, holm, most_by_luck, rank_among_placebos, weigh
from diagnostics.rescue.fate import Fate
from diagnostics.statistics.intervals import mcnemar

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def fates(pattern: str) -> dict[int, Fate]:
    """A fate for each letter: a alive, d dead, u undecided."""
    return {k: {"a": Fate.ALIVE, "d": Fate.DEAD, "u": Fate.UNDECIDED}[c] for k, c in enumerate(pattern)}


@given(P_VALUES)
def test_holm_rejects_what_its_step_down_definition_rejects(p_values: list[float]) -> None:
    level, rejected = 0.05, set()
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[place] * (len(p_values) - rank) > level:
            break
        rejected.add(place)

    assert {place for place, p in enumerate(holm(p_values)) if p <= level} == rejected


@given(P_VALUES)
def test_holm_keeps_the_order_and_is_never_below_the_p_value(p_values: list[float]) -> None:
    adjusted = holm(p_values)

    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    in_order = [a for _, a in sorted(zip(p_values, adjusted, strict=True))]
    assert all(first <= second for first, second in pairwise(in_order))


def test_pairs_are_counted_by_order_seed() -> None:
    found = weigh({"clip": fates("aaaadu")}, fates("dauadd"))["clip"]

    assert (found.lived, found.runs, found.control_lived, found.control_runs) == (4, 6, 2, 6)
    assert (found.pairs, found.saved, found.lost) == (6, 2, 0)
    assert found.p == mcnemar(2, 0) == 0.5


def test_only_order_seeds_that_both_have_are_pairs() -> None:
    control = {seed: fate for seed, fate in fates("dddd").items() if seed != 1}

    assert weigh({"clip": fates("aaaa")}, control)["clip"].pairs == 3


@pytest.mark.parametrize(
    ("arm", "control", "word"),
    [
        ("a" * 20, "a" * 8 + "d" * 12, PROVEN),
        ("a" * 8 + "d" * 12, "a" * 20, WORSE),
        ("a" * 20, "a" * 16 + "d" * 4, NOT_SHOWN),
        ("a" * 8 + "d" * 12, "a" * 8 + "d" * 12, NOT_SHOWN),
        ("u" * 20, "d" * 20, NOT_SHOWN),
    ],
)
def test_an_arm_is_proven_worse_or_not_shown(arm: str, control: str, word: str) -> None:
    assert weigh({"arm": fates(arm)}, fates(control))["arm"].word == word


def test_more_arms_ask_for_more_evidence() -> None:
    control, arm = fates("a" * 14 + "d" * 6), fates("a" * 20)
    alone = weigh({"arm": arm}, control)["arm"]
    among = weigh({"arm": arm, "other": control, "third": control}, control)["arm"]

    assert alone.word == PROVEN
    assert among.word == NOT_SHOWN
    assert among.adjusted_p == pytest.approx(3 * alone.p)


def test_arms_that_do_nothing_are_rarely_proven() -> None:
    generator = np.random.default_rng(5)
    false = 0
    for _ in range(200):
        draws = generator.random((9, 20)) < 0.4
        arms = {str(k): fates("".join("a" if one else "d" for one in draw)) for k, draw in enumerate(draws)}
        control = arms.pop("0")
        false += any(found.word != NOT_SHOWN for found in weigh(arms, control).values())

    assert false <= 0.05 * 200


def test_one_branch_is_ranked_among_its_placebos() -> None:
    dead, alive = [Fate.DEAD] * 20, [Fate.ALIVE] * 6 + [Fate.DEAD] * 14

    assert rank_among_placebos(True, dead) == pytest.approx(1 / 21)
    assert rank_among_placebos(True, alive) == pytest.approx(7 / 21)
    assert rank_among_placebos(False, dead) == 1.0


@pytest.mark.parametrize(("runs", "arms", "most"), [(20, 12, 11), (16, 7, 7), (6, 1, 0)])
def test_an_arm_that_saves_all_is_proven_up_to_so_many_that_live_by_luck(runs: int, arms: int, most: int) -> None:
    all_live = {str(arm): fates("a" * runs) for arm in range(arms)}

    def words(lived: int) -> set[str]:
        return {one.word for one in weigh(all_live, fates("a" * lived + "d" * (runs - lived))).values()}

    assert most_by_luck(runs, arms) == most
    assert (words(most), words(most + 1)) == ({PROVEN}, {NOT_SHOWN})


def test_five_orders_prove_nothing() -> None:
    assert most_by_luck(5, 1) == -1
