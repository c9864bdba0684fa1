"""Never learned: the run guesses and has guessed from its first step on.

What it looks at: the loss and accuracy of the last W steps. W is 20 steps, or as many as
hold 2,560 samples where these are more, and at most 200.
Guessing is a mean data loss of at least 0.95 H, the entropy of the class prior, together
with an accuracy no better than that of always answering the commonest class. A run that
guesses without ever having learned (a mean loss of at most 0.7 H) is in this stretch from
step 0 on: as soon as a layer is proven to be unable to learn any more; without a proof after
six times the patience P, where nothing moves; or at the end, where it was given at least G steps.

What it means: the run has learned how frequent the classes are, and nothing about the images.
The other rules find out why. The step at which it died is that of the blow.

What it does not mean: without a proof the run might still learn later, and then it recovers. Of
the runs that learn in the end one in a hundred still guesses at P, and of those with the paper's
learning rate one in ten (docs/standstill.md). The limits are those of `verdict`.
"""

from __future__ import annotations

import numpy as np

from diagnostics.detect.examples import example
from diagnostics.detect.findings import Verdict
from diagnostics.detect.rule import Case
from diagnostics.detect.symptom_rule import Symptom
from diagnostics.detect.thresholds import Thresholds


class NeverLearned(Symptom):
    """Guessing without having learned."""

    name = "never-learned"
    title = "the run answers with the class frequencies from the start"
    kind = Verdict.NEVER_LEARNED
    thresholds = ()

    def cases(self, thresholds: Thresholds) -> tuple[Case, ...]:
        guessing = {"data_loss": float(np.log(10)), "accuracy": 0.1}
        return (
            Case("it learns within forty steps", example(thresholds, steps=400)),
            Case("guessing for 400 steps", example(thresholds, guessing, steps=400), (None,)),
            Case("guessing for 60 steps and not yet judged", example(thresholds, guessing, steps=60)),
        )
