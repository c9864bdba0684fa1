"""The figures of a rescue: every number that is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from diagnostics.rescue.fate import Fate
from diagnostics.statistics.intervals import wilson
from reports.figures import rescue_arms, rescue_doses, rescue_losses, rescue_no_return
from tests.helpers import synthetic_runs
from tests.helpers.rescue_results import made_up_rescue, rescue_in_which


def test_the_control_comes_first_and_the_best_remedy_next() -> None:
    dots = rescue_arms.prepare(made_up_rescue())

    assert [(dot.lived, dot.runs) for dot in dots] == [(8, 20), (20, 20), (10, 20)]
    assert (dots[0].low, dots[0].high) == wilson(8, 20)
    assert [dot.word for dot in dots] == ["", "proven", "not shown"]


def test_arms_without_a_branch_are_not_drawn() -> None:
    assert len(rescue_arms.prepare(made_up_rescue(done=21))) == 1
    assert rescue_arms.rescue_arms_figure(made_up_rescue(done=21)) is None


def test_each_branch_is_a_line_with_its_fate() -> None:
    control = rescue_losses.prepare(made_up_rescue())[0]

    assert [fate for fate, _, _ in control.branches].count(Fate.ALIVE) == 8
    np.testing.assert_allclose(control.branches[0][1], [30, 40, 50])
    np.testing.assert_allclose(control.branches[0][2], [2.0, 1.9, 1.8])


def test_every_remedy_has_its_panel() -> None:
    remedies = ("clip", "smaller-rate", "larger-rate", "warm-up", "adaptive", "weight-decay", "rate-before-jump")
    result = rescue_in_which(dict.fromkeys(remedies, 8))

    assert len(rescue_losses.prepare(result)) == 1 + len(remedies)


def test_doses_are_in_order_with_the_share_that_lived() -> None:
    rate, clip = rescue_doses.prepare(made_up_rescue())

    assert list(rate.doses) == sorted(rate.doses)
    assert rate.control == clip.control == pytest.approx(0.4)
    assert rate.lived[0] >= rate.lived[-1]
    assert (rate.low <= rate.lived).all()
    assert (rate.lived <= rate.high).all()


def test_every_figure_can_be_drawn() -> None:
    result = made_up_rescue()

    assert rescue_arms.rescue_arms_figure(result) is not None
    assert rescue_losses.rescue_losses_figure(result, 2.3) is not None
    assert rescue_doses.rescue_doses_figure(result) is not None


def test_the_point_of_no_return_is_drawn_over_the_loss_of_the_run() -> None:
    run = synthetic_runs.dead()
    data = rescue_no_return.prepare(made_up_rescue(), run)

    assert data is not None
    assert data.died[-1] == 1.0
    assert list(data.points) == sorted(data.points)
    assert len(data.steps) == len(data.losses)


@pytest.mark.parametrize("changed", [Fate.ALIVE, Fate.UNDECIDED])
def test_the_caption_names_undecided_branches_where_there_are_any(
    changed: Fate, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = made_up_rescue(arms=("clip",))
    key = result.control.arm.branches[0].key
    fates = {**result.results, key: replace(result.results[key], fate=changed)}
    monkeypatch.setattr(rescue_losses, "rescue_of", lambda run: replace(result, results=fates))
    (figure,) = rescue_losses.captioned(synthetic_runs.dead())

    assert ("neither" in figure.caption) is (changed is Fate.UNDECIDED)
