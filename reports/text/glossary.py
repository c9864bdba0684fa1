"""The words of the reports and what each means."""

from __future__ import annotations

GLOSSARY = (
    ("step", "One update from one batch, counted from 0 over the whole run. Epochs count from 1."),
    ("guessing", "The network answers with the class frequencies whatever the image: over the last 20 steps or "
     "more the loss is at the entropy of the class prior and the accuracy no better than always naming the "
     "commonest class."),
    ("class prior", "The share of each class in the training labels. Its entropy is the loss of guessing."),
    ("defect stretch", "Steps in which the run guesses although it had learned or should have, or in which the "
     "loss or a parameter is not finite. A step inside is a defect iteration; a run that ends inside one is a "
     "defect run."),
    ("onset", "The first step of a defect stretch. A run that never learned has its onset at step 0; the step at "
     "which it broke is the step of the blow."),
    ("confirmed", "The step at which the detector, which sees one step after the other, was first sure."),
    ("recovery", "The first step at which the run has learned again."),
    ("gradient norm", "The length of the vector of all gradients of a layer: how strongly the loss pulls at it."),
    ("update / weight norm", "How far one step moves the weights of a layer, as a share of their own length. "
     "About 0.001 to 0.01 is usual; 0.1 and more moves a layer by a tenth of itself in one step."),
    ("unit", "A channel of a convolution (all its positions) or a neuron of a dense layer, after its activation."),
    ("silent, dead", "A unit is silent at a step if it is 0 for the whole batch, and dead if it was silent at every "
     "step of the last 20 or more. Through a dead ReLU no gradient flows, so it does not come back by itself."),
    ("saturated", "A sigmoid or tanh unit in the flat part of its curve, where hardly any gradient passes."),
    ("blow", "The event after which what keeps the run down holds to the end. The run broke at its step."),
    ("first link, cause", "The earliest event that is connected with the blow, without a recovery in between. It is "
     "the detector's best account and no proof."),
    ("survivors", "Healthy and recovered runs. Figures over survivors alone never stand without the count of "
     "those left out."),
    ("nats", "The unit of the loss: cross-entropy with the natural logarithm."),
)  # fmt: skip
