"""Runs the gradient check of both convolutions when the page is made."""

from __future__ import annotations

import numpy as np

from reports.results.study_numbers import Numbers

TENSORS = ("dweights", "dbiases", "dinputs")


def numbers(seed: int = 0) -> Numbers:
    """Both convolutions, smaller than the second one of lenet, against finite differences in float64."""
    from lenet import ConvolutionLayer, ReportConvolutionLayer
    from lenet.gradcheck import check

    inputs = np.random.default_rng(seed).normal(size=(3, 8, 8, 2))
    layers, mistakes = [], []
    for title, kind in (("exact", ConvolutionLayer), ("the paper's", ReportConvolutionLayer)):
        result = check(kind(3, (3, 3), padding="valid", input_size=(8, 8, 2)), inputs, seed=seed)
        errors = [result.tensors[name].error for name in TENSORS]
        layers.append({"title": title, "errors": errors, "is_right": result.ok})
        mistakes += [{"title": title, "mistake": str(mistake)} for mistake in result.mistakes]
    return {"layers": layers, "mistakes": mistakes}


def prepare(numbers: Numbers) -> Numbers:
    """What the template prints."""
    rows = [
        (one["title"], *(f"{error:.1e}" for error in one["errors"]), "right" if one["is_right"] else "wrong")
        for one in numbers["layers"]
    ]
    return {"rows": rows, "mistakes": numbers["mistakes"]}
