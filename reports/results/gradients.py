"""What the gradient check says of both convolutions, worked out when the page is made."""

from __future__ import annotations

import numpy as np

from reports.results.markdown import table


def gradient_words(seed: int = 0) -> str:
    """Both convolutions, as the second of lenet is (smaller), against finite differences in float64."""
    from lenet import ConvolutionLayer, ReportConvolutionLayer
    from lenet.gradcheck import check

    inputs = np.random.default_rng(seed).normal(size=(3, 8, 8, 2))
    rows, mistakes = [], []
    for title, kind in (("exact", ConvolutionLayer), ("the report's", ReportConvolutionLayer)):
        result = check(kind(3, (3, 3), padding="valid", input_size=(8, 8, 2)), inputs, seed=seed)
        errors = [f"{result.tensors[name].error:.1e}" for name in ("dweights", "dbiases", "dinputs")]
        rows.append((title, *errors, "right" if result.ok else "wrong"))
        mistakes += [f"- {title}: {mistake}" for mistake in result.mistakes]
    words = (
        "A gradient check moves one number at a time by a little, looks how the output changes, and compares that with "
        "what the layer's backward pass claims. Here for a small convolution of two input and three output channels:"
    )
    heads = ["convolution", "error of kernels", "of biases", "of inputs", "gradients"]
    return f"{words}\n\n{table(heads, rows)}" + (
        "\n\nThe error is the normwise relative difference to finite differences; right is below 1e-6, and around 1 "
        "means that the two have nothing in common. What the check recognises:\n\n" + "\n".join(mistakes)
    )
