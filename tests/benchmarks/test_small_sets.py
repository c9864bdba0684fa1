"""Trainings on small sets: each kind trains, and the page counts those that have learned."""

from __future__ import annotations

from benchmarks.zoo.small_sets import SmallTraining, prepare, small_sets, train


def test_a_training_says_whether_it_learned_and_what_the_detector_said():
    made = train(small_sets(0)[0], "tanh", "plain", "whole set", 0)

    assert (made.set_name, made.has_learned, made.verdict, made.faults) == ("exclusive or", True, "healthy", ())


def test_faults_and_deaths_of_trainings_that_have_not_learned_do_not_count():
    made = [
        SmallTraining("a", "tanh", "plain", "whole set", True, "healthy", ()),
        SmallTraining("a", "relu", "adam", "whole set", True, "healthy", ("noise-gradient",)),
        SmallTraining("a", "sigmoid", "plain", "whole set", True, "never-learned", ()),
        SmallTraining("b", "tanh", "plain", "whole set", False, "never-learned", ("tiny-steps",)),
    ]

    told = prepare(made, 1)

    assert told["learned"] == 3
    assert told["dead"] == told["accused"] == "1 (6.1 to 79.2 %)"
    assert told["rows"] == [
        ["a", "whole set", "3", "3", "1", "1: noise-gradient"],
        ["b", "whole set", "1", "0", "0", "0"],
    ]
