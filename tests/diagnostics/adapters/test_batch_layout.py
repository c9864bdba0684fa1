"""Which axis of the inputs counts the samples, where only the first layer says it."""

from __future__ import annotations

import numpy as np
import pytest

from diagnostics.adapters.batch_layout import BatchLayout


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape)


@pytest.mark.parametrize(
    ("tensors", "inputs", "expected"),
    [
        ({"weights": zeros(40, 784), "biases": zeros(40)}, (784, 64), (64, 784)),
        ({"weights": zeros(40, 784)}, (784, 64), (64, 784)),
        ({"weights": zeros(40, 785)}, (784, 64), (64, 784)),
        ({"weights": zeros(64, 784), "biases": zeros(64)}, (784, 64), (64, 784)),
        ({"weights": zeros(40, 784), "biases": zeros(40)}, (784, 1), (1, 784)),
        ({"weights": zeros(784, 40), "biases": zeros(40)}, (64, 784), (64, 784)),
        ({"weights": zeros(784, 64), "biases": zeros(64)}, (784, 784), (784, 784)),
        ({"Wxh": zeros(32, 28), "Whh": zeros(32, 32)}, (28, 64), (28, 64)),
        ({"weights": zeros(8, 3, 3)}, (28, 28), (1, 28, 28)),
        ({"weights": zeros(8, 1, 3, 3)}, (28, 28, 1), (1, 28, 28, 1)),
        ({"weights": zeros(8, 1, 3, 3)}, (64, 64), (64, 64)),
        ({"weights": zeros(8, 1, 3, 3)}, (28, 28, 28), (28, 28, 28)),
        ({}, (784, 64), (784, 64)),
    ],
)
def test_samples_come_first(tensors: dict[str, np.ndarray], inputs: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert BatchLayout(None, None).read(zeros(*inputs), lambda: tensors).shape == expected
    assert BatchLayout(0, None).read(zeros(*inputs), lambda: tensors).shape == inputs


def test_the_layout_of_the_first_batch_is_that_of_all() -> None:
    layout, tensors = BatchLayout(None, None), {"weights": zeros(40, 784)}
    for samples in (64, 784, 40):
        assert layout.read(zeros(784, samples), lambda: tensors).shape == (samples, 784)
