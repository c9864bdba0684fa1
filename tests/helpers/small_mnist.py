"""The first digits of MNIST as a user has them: four IDX files in a folder."""

from __future__ import annotations

import struct
from pathlib import Path

from lenet import load_mnist_images, load_mnist_labels
from lenet.data.dataset import EMBEDDED


def write_mnist(folder: Path, images: int) -> None:
    """Write the first so many images and labels of both sets."""
    folder.mkdir(parents=True)
    for name in ("train", "t10k"):
        pictures = load_mnist_images(EMBEDDED / f"{name}-images-idx3-ubyte.gz")[:images]
        labels = load_mnist_labels(EMBEDDED / f"{name}-labels-idx1-ubyte.gz")[:images]
        head = struct.pack(">4i", 2051, *pictures.shape)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(head + pictures.tobytes())
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, len(labels)) + labels.tobytes())
