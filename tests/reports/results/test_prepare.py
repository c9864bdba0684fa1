"""What the templates of the result pages print, from numbers that were made up."""

from __future__ import annotations

import pytest

from reports.results import cells, drift, gradients, remedies


def mean(value, n=10):
    return {"mean": value, "std": None, "n": n}


def arm(label, dead, judged=40, effect="not shown", p=0.5, interval=(-0.2, 0.1), cost=0.012):
    return {
        "label": label,
        "defect_runs": dead,
        "judged": judged,
        "defect_rate_interval": [0.1, 0.3],
        "recovered": 1,
        "undecided": 2,
        "crashed": 0,
        "all": {"validation_accuracy": mean(0.75)},
        "survivors": {"validation_accuracy": mean(0.966), "epoch_accuracy": [mean(0.5), mean(0.9)]},
        "comparison": {
            "effect": effect,
            "adjusted_p": p,
            "difference": -0.1,
            "interval": list(interval),
            "pairs": judged,
            "saved": 5,
            "lost": 1,
            "accuracy_cost": mean(cost, 30),
            "accuracy_cost_interval": [0.0, 0.02],
        },
    }


def family(*arms, is_report=False):
    control = {name: value for name, value in arm("control", 10).items() if name != "comparison"}
    return {"is_report": is_report, "control": control, "arms": list(arms)}


def page(*arms):
    study = {"page": "remedies"}
    return remedies.prepare({"study": study, "families": [family(*arms)], "lowered": None, "needed": None})


def test_the_arms_are_told_by_what_is_shown_of_them_the_clearest_first():
    told = remedies.answered(
        family(arm("b", 2, effect="helps", p=0.04), arm("a", 0, effect="helps", p=0.01), arm("c", 9, judged=38))
    )

    assert told["control_rate"] == "10 of 40 (10–30 %)"
    assert [one["name"] for one in told["helps"]] == ["a", "b"]
    assert told["hurts"] == []
    assert told["not_shown"][0]["cost"] == "+1.2 (+0.0 to +2.0)"
    assert told["not_shown_n"] == "38"


def test_arms_of_different_sizes_are_told_from_the_smallest_to_the_largest():
    assert remedies.answered(family(arm("a", 1, 38), arm("b", 1, 40), arm("c", 1, 39)))["not_shown_n"] == "38 to 40"


def test_the_name_of_the_convolution_is_left_out_where_the_family_says_it():
    (told,) = remedies.answered(family(arm("L2 5e-4, paper's convolution", 1), is_report=True))["not_shown"]

    assert told["name"] == "L2 5e-4"


def test_an_idea_is_answered_by_the_arms_that_try_it():
    arms = arm("cosine decay", 3, effect="hurts", p=0.01), arm("step decay, halved each epoch", 3), arm("L1 5e-5", 3)
    decay, penalty = page(*arms)["ideas"]

    assert (decay["arms"], decay["helps"], decay["hurts"]) == (2, [], ["cosine decay"])
    assert (penalty["arms"], penalty["most_fewer"]) == (1, "20")


def test_the_control_stands_first_in_its_table_and_has_no_comparison():
    control, other = page(arm("warm-up", 2, effect="helps", p=0.0001))["tables"][False]

    assert control[:3] == ("control", "10 of 40 (10–30 %), 2 undecided", "–")
    assert control[6:] == ("1", "50 → 90 %", "75.0 %", "96.6 %", "–", "control")
    assert other[2:6] == ("-10 (-20 to +10)", "5", "1", "< 0.001")
    assert other[-2:] == ("+1.20 (+0.00 to +2.00)", "helps")


@pytest.mark.parametrize(
    ("value", "interval", "words"),
    [(None, (None, None), "–"), (0.1, (None, None), "+10"), (-0.054, (-0.2, 0.1), "-5 (-20 to +10)")],
)
def test_a_difference_comes_with_its_interval_where_there_is_one(value, interval, words):
    assert cells.points(value, interval, 0) == words


def test_the_figure_of_the_rates_names_four_arms_and_counts_the_others():
    told = cells.rates_words([arm(str(i), i) for i in range(6)])

    assert told["rates"][1] == "1: 1 of 40 = 2 % (95 % interval 10 to 30 %)"
    assert (len(told["rates"]), told["more_rates"]) == (4, 2)
    assert cells.rates_words([arm("a", 0, judged=0)])["rates"] == []


def tensor(layer, below, above, lead=None):
    place = {"layer": layer, "tensor": "weights", "statistic": "norm"}
    return {**place, "below": below, "above": above, "runs": 4, "lead": lead}


def test_a_tensor_that_is_outside_in_half_of_the_runs_is_named():
    tensors = [tensor("conv1", 1, 2, 250.0), tensor("conv2", 1, 1, 12.0), tensor("dense1", 0, 0)]
    told = drift.prepare({"late": 4, "healthy": 9, "after": 100, "tensors": tensors})

    assert [(one["layer"], one["sides"]) for one in told["common"]] == [("conv1", "below in 1 and above in 2 of 4")]
    assert (told["chance"], told["looked_at"], told["by_chance"], told["outside"]) == ("20%", 12, "2", 5)
    assert [row[-1] for row in told["rows"]] == ["200 or more", "12", "–"]


def test_without_enough_runs_there_is_nothing_to_compare():
    assert drift.numbers([], []) == {"late": 0, "healthy": 0, "after": 100, "tensors": []}


def test_the_gradient_check_finds_the_exact_convolution_right_and_the_reports_wrong():
    exact, report = gradients.prepare(gradients.numbers())["rows"]

    assert (exact[0], exact[-1]) == ("exact", "right")
    assert (report[0], report[-1]) == ("the paper's", "wrong")
