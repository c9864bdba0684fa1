"""The paper's convolution: its own arithmetic, and how far its gradients are from those of its output."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet import ConvolutionLayer, ReportConvolutionLayer
from lenet.gradcheck import check
from tests.helpers import plain_layers as ref
from tests.helpers.examples import examples
from tests.lenet.layers.test_gradients import PADDINGS, assert_same_arithmetic, draw, filled


@examples(40)
@given(
    n=st.integers(1, 4),
    image=st.tuples(st.integers(3, 7), st.integers(3, 7)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    channels=st.integers(1, 3),
    more=st.integers(0, 2),
    padding=st.sampled_from(PADDINGS),
    seed=st.integers(0, 1000),
)
def test_the_reports_convolution_agrees_with_loops_over_several_calls(
    n: int, image: tuple[int, int], kernel: tuple[int, int], channels: int, more: int, padding: str, seed: int
) -> None:
    kernel = (min(kernel[0], image[0]), min(kernel[1], image[1]))
    layer = filled(
        ReportConvolutionLayer(channels + more, kernel, padding=padding, input_size=(*image, channels)), seed=seed
    )
    reference = ref.ReportConvolution(layer.weights, layer.biases, padding)

    assert_same_arithmetic(layer, reference, draw(n, *image, channels, seed=seed), seed, calls=3)


@examples(40)
@given(
    image=st.tuples(st.integers(3, 7), st.integers(3, 7)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    channels=st.integers(1, 3),
    more=st.integers(0, 2),
    padding=st.sampled_from(PADDINGS),
    seed=st.integers(0, 1000),
)
def test_the_reports_convolution_agrees_with_its_formulas_in_scipy_even_kernels_too(
    image: tuple[int, int], kernel: tuple[int, int], channels: int, more: int, padding: str, seed: int
) -> None:
    from scipy.signal import convolve2d, correlate2d

    kernel = (min(kernel[0], image[0]), min(kernel[1], image[1]))
    layer = filled(
        ReportConvolutionLayer(channels + more, kernel, padding=padding, input_size=(*image, channels)), seed=seed
    )
    back = {"valid": "full", "same": "same", "full": "valid"}[padding]
    left = np.zeros(layer.weights.shape)
    for call in range(2):
        x = draw(2, *image, channels, seed=seed + call)
        output = layer.forward(x)
        d = draw(*output.shape, seed=seed + call + 7)
        dx = layer.backward(d)
        for f in range(channels + more):
            seen = [correlate2d(one[..., -1], layer.weights[:, :, -1, f], padding) for one in x]
            np.testing.assert_allclose(output[..., f], np.array(seen) + layer.biases[f], atol=1e-12)
        for c in range(channels):
            total = sum(correlate2d(one[..., c], other[..., c], "valid") for one, other in zip(x, d, strict=True))
            left[:, :, c] = (left[:, :, c] + total[..., None]) / 2
            spread = [
                sum(convolve2d(one[..., c], layer.weights[::-1, ::-1, c, f], back) for f in range(channels + more))
                for one in d
            ]
            np.testing.assert_allclose(dx[..., c], spread, atol=1e-12)
        np.testing.assert_allclose(layer.dweights, left, atol=1e-12)


@pytest.mark.parametrize("padding", PADDINGS)
def test_the_reports_convolution_carries_its_state_over_batches_of_any_size(padding: str) -> None:
    layer = filled(ReportConvolutionLayer(3, (3, 3), padding=padding, input_size=(5, 5, 2)))
    reference = ref.ReportConvolution(layer.weights, layer.biases, padding)

    for n in (4, 1, 3, 4):
        assert_same_arithmetic(layer, reference, draw(n, 5, 5, 2, seed=n), seed=n, calls=1)


@pytest.mark.parametrize("padding", PADDINGS)
def test_the_reports_convolution_differs_from_finite_differences(padding: str) -> None:
    layer = filled(ReportConvolutionLayer(3, (3, 3), padding=padding, input_size=(6, 6, 2)))

    result = check(layer, draw(3, 6, 6, 2))

    assert all(tensor.error > 0.1 for tensor in result.tensors.values())
    mistake = result.mistake or ""
    assert "the output ignores input channel 0 of 2" in mistake
    assert "dweights and dbiases: not reset between calls" in mistake
    assert "dinputs: uses the kernel rotated by 180 degrees" in mistake
    assert "dweights: channels paired wrongly" in mistake
    assert ("one value repeated over all elements of a kernel" in mistake) == (padding == "same")
    assert "the batch size is divided out once too often" in mistake


def test_with_one_channel_one_kernel_and_one_image_the_reports_output_is_exact() -> None:
    report = filled(ReportConvolutionLayer(2, (3, 3), input_size=(6, 6, 1)))
    exact = filled(ConvolutionLayer(2, (3, 3), input_size=(6, 6, 1)))
    inputs = draw(2, 6, 6, 1)

    np.testing.assert_allclose(report.forward(inputs), exact.forward(inputs), rtol=1e-12)
