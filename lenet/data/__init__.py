"""The data: IDX files, the paper's ``formatData``, and MNIST itself in ``mnist/``.

In: a folder with four IDX files.
Out: images (N, H, W, 1) of zeros and ones, and labels (N,).
"""

from __future__ import annotations

from lenet.data.dataset import Dataset, load_dataset
from lenet.data.formatting import formatData, load_mnist_images, load_mnist_labels

__all__ = ["Dataset", "load_dataset", "formatData", "load_mnist_images", "load_mnist_labels"]
