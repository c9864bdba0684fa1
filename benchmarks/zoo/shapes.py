"""A second data set of MNIST's shape, drawn here: ten shapes, each at its own place, size and line width.

It tests whether limits that were calibrated on digits hold for other images. The shapes are
easier to tell apart than digits, and a few pixels of every image are flipped, so that no two
are alike.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from lenet.data import Dataset

SIZE, CLASSES = 28, 10
TRAINING, TEST = 15_360, 2_000
FLIPPED = 0.02
SEED = 1998


@cache
def shapes_dataset() -> Dataset:
    """The ten shapes as a data set: 15,360 training and 2,000 test images, every pixel 0 or 1; always the same."""
    generator = np.random.default_rng(SEED)
    labels = generator.integers(0, CLASSES, TRAINING + TEST)
    images = np.stack([draw(int(label), generator) for label in labels])[..., None]
    return Dataset(images[:TRAINING], labels[:TRAINING], images[TRAINING:], labels[TRAINING:], "shapes", f"{SEED:08x}")


def draw(label: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """One image (28, 28) of the shape ``label``."""
    radius, width = generator.uniform(5, 9), generator.uniform(0.8, 1.8)
    x0, y0 = generator.uniform(radius + 1, SIZE - radius - 2, 2)
    y, x = np.mgrid[:SIZE, :SIZE]
    dx, dy = x - x0, y - y0
    distance, square = np.hypot(dx, dy), np.maximum(abs(dx), abs(dy))
    inside = square < radius
    ink = (
        abs(distance - radius) < width,  # ring
        distance < radius,  # disc
        abs(square - radius) < width,  # frame
        inside,  # filled square
        abs(abs(dx) + abs(dy) - radius) < width,  # diamond
        inside & ((abs(dx) < width) | (abs(dy) < width)),  # plus
        inside & (abs(abs(dx) - abs(dy)) < width),  # cross
        (abs(dx) < radius) & (abs(dy) < width),  # horizontal bar
        (abs(dy) < radius) & (abs(dx) < width),  # vertical bar
        (abs(dy) < radius) & (abs(dx) < (dy + radius) / 2),  # triangle
    )[label]
    return np.asarray(ink ^ (generator.random((SIZE, SIZE)) < FLIPPED), np.float32)
