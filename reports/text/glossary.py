"""The terms of the reports with their meanings. Pages show them, and docs/glossary.md is made from them."""

from __future__ import annotations

GLOSSARY: tuple[tuple[str, str], ...] = tuple(
    {
        "step": "One update of the weights from one batch. Steps are counted from 0 over the whole run.",
        "epoch": "One pass over the training set. Epochs are counted from 1.",
        "class prior": "The share of each class in the training labels. Its entropy is the loss of guessing.",
        "loss": "What the training makes small, as the mean over a batch. For classes it is the cross-entropy of the "
        "answers and the labels, in nats (with the natural logarithm), where the run does not name another.",
        "window": "The steps over which the detector takes means: the last 20 steps, or as many as hold 2,560 samples "
        "where these are more, and at most 200 steps.",
        "guessing": "The network outputs the class prior for every input. Over the window the loss is at the "
        "entropy of the class prior, and the accuracy is no better than that of always naming the commonest class. In "
        "a regression the best constant is guessing, and only the loss counts.",
        "learned": "Over the window the loss is at most 0.7 of that of guessing, and the accuracy, if there is one, is "
        "better than that of always naming the commonest class.",
        "defect stretch": "Steps in which the run guesses although it had learned or should have, or in which the loss "
        "or a parameter is not finite. It ends where the run recovers.",
        "defect iteration": "A step inside a defect stretch.",
        "defect run": "A run that ends inside a defect stretch, or that was turned back from one. Defect is the word "
        "for the state of a run.",
        "died": "The event: a run died at the step of its blow, and is a defect run from then on. JSON calls this step "
        "broke_at. Of units and layers, dead is the state: see silent, dead.",
        "verdict": "How a run ended. Healthy: it learned and kept what it learned. Recovered: it had a defect "
        "stretch and ended well. Collapsed: it learned and lost what it had learned. Never learned: it guesses to its "
        "end. Diverged: its numbers are not finite. Undecided: it ended before it could be judged. Rescued: it was "
        "turned back from a defect and ended well.",
        "rollback": "A run in a defect stretch is turned back to the newest checkpoint before its chain of events, and "
        "goes on with a remedy (--on-defect rollback). The steps after that checkpoint are undone: their rows stay "
        "in the log and are no part of the run.",
        "onset": "The first step of a defect stretch. A run that never learned has its onset at step 0; the step at "
        "which it died is that of the blow.",
        "confirmed": "The step whose row made the detector sure. The detector sees each step in order and none ahead.",
        "recovery": "The first step at which the run has learned again.",
        "rule": "A test for one mechanism by which runs die, such as dead units or an oversized update. What a rule "
        "saw is a finding: a layer, the steps, the measured number and the limit it was compared with.",
        "chain of events": "The findings that lead to the defect, in the order of their steps.",
        "first link": "The earliest event that is connected with the blow, without a recovery in between. It is the "
        "detector's best account of how the defect began. That it is the cause is not shown. JSON and tables call it "
        "cause.",
        "blow": "The event after which the state that keeps the run from learning holds to the end. The run died at "
        "the step of the blow.",
        "remedy": "A change of settings that the chain of events suggests. It may help or not.",
        "gradient norm": "The length of the vector of all gradients of a layer. It says how strongly the loss depends "
        "on that layer's parameters.",
        "update / weight norm": "How far one step moves the weights of a layer, as a share of their own length. About "
        "0.001 to 0.01 is usual. At 0.1 a layer moves by a tenth of itself in one step.",
        "unit": "A channel of a convolution (all its positions) or a neuron of a dense layer, after its activation.",
        "silent, dead": "A unit is silent at a step if it is 0 for the whole batch. It is dead if it was silent at "
        "every step of the window. No gradient passes a dead ReLU, so it stays dead by itself.",
        "saturated": "A sigmoid or tanh unit in the flat part of its curve, where hardly any gradient passes.",
        "arm": "Runs that differ in nothing but the seed.",
        "k of n": "How many of the judged runs are defect runs, with Wilson's 95 % interval of the rate. Undecided and "
        "crashed runs are not judged and stand beside n.",
        "survivors": "Healthy and recovered runs. Figures over survivors never stand without k of n.",
    }.items()
)
