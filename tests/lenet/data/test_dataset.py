"""Data sets: the embedded MNIST, and folders of files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from lenet.data import Dataset, load_dataset, load_mnist_images, load_mnist_labels
from lenet.data import dataset as dataset_module
from lenet.data.idx import IMAGES, read_idx
from lenet.errors import DataError, SettingsError
from tests.lenet.data.test_idx import IMAGE, LABEL, image_bytes, label_bytes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small data set of two training images and one test image."""
    (tmp_path / "train-images-idx3-ubyte").write_bytes(image_bytes(IMAGE * 10))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(label_bytes(LABEL)))
    (tmp_path / "t10k-images.idx3-ubyte").write_bytes(image_bytes(IMAGE[:1]))
    (tmp_path / "test-labels-idx1-ubyte").write_bytes(label_bytes(LABEL[:1]))
    return tmp_path


# Data sets ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mnist(whole_test_set: None) -> Dataset:
    return load_dataset(limit=2000)


def test_the_embedded_mnist_is_there_and_sound(mnist: Dataset) -> None:
    assert mnist.X_train.shape == (2000, 28, 28, 1)
    assert mnist.X_test.shape == (10_000, 28, 28, 1)
    assert mnist.X_train.dtype == np.float32
    assert set(np.unique(mnist.X_test)) == {0.0, 1.0}
    assert mnist.y_train[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert mnist.y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert (mnist.classes, mnist.name, len(mnist.checksum)) == (10, "mnist", 64)


def test_the_whole_training_set_has_sixty_thousand_digits_in_file_order() -> None:
    images = load_mnist_images(dataset_module.EMBEDDED / "train-images-idx3-ubyte")
    labels = load_mnist_labels(dataset_module.EMBEDDED / "train-labels-idx1-ubyte")

    assert images.shape == (60_000, 28, 28)
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def test_an_embedded_file_that_was_changed_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_module, "EMBEDDED", folder)

    with pytest.raises(DataError, match=r"MD5 .* found, expected 6bbc9ace898e44ae57da46a324031adb"):
        load_dataset()


def test_a_folder_may_mix_plain_and_zipped_files_and_ways_of_writing_the_names(folder: Path) -> None:
    data = load_dataset(folder)

    np.testing.assert_array_equal(data.X_train[..., 0], IMAGE * 10 > 64)
    assert data.y_train.tolist() == [3, 9]
    assert (data.X_test.shape, data.name, data.classes) == ((1, 3, 4, 1), folder.name, 10)


def test_the_checksum_is_of_the_content_and_not_of_its_packing_or_the_limit(folder: Path) -> None:
    before = load_dataset(folder).checksum
    path = folder / "train-images-idx3-ubyte"
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    zipped, limited = load_dataset(folder), load_dataset(folder, limit=1)
    path.write_bytes(image_bytes(IMAGE))  # the plain file is read, not the zipped one

    assert zipped.checksum == limited.checksum == before
    assert len(limited.X_train) == len(limited.y_train) == 1
    assert load_dataset(folder).checksum != before


def test_emnist_images_are_turned_upright(folder: Path) -> None:
    for path, name in zip(
        sorted(folder.iterdir()), ["test-images", "test-labels", "train-images", "train-labels"], strict=True
    ):
        kind = "idx3" if "images" in name else "idx1"
        zipped = ".gz" if path.suffix == ".gz" else ""
        path.rename(folder / f"emnist-digits-{name}-{kind}-ubyte{zipped}")

    data = load_dataset(folder)

    np.testing.assert_array_equal(data.X_train[..., 0], (IMAGE * 10 > 64).transpose(0, 2, 1))
    assert data.name == "emnist-digits"


def test_labels_the_network_has_no_output_for_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match=r"train-labels.*label 9 found, expected 0 to 8: .* has 9 outputs"):
        load_dataset(folder, classes=9)

    assert load_dataset(folder, classes=None).classes == 10


def test_files_that_do_not_go_together_are_refused(folder: Path) -> None:
    (folder / "test-labels-idx1-ubyte").write_bytes(label_bytes(LABEL))
    with pytest.raises(DataError, match=r"test-labels.*2 labels found, expected 1, one for each image of t10k"):
        load_dataset(folder)

    (folder / "test-labels-idx1-ubyte").write_bytes(label_bytes(LABEL[:1]))
    (folder / "t10k-images.idx3-ubyte").write_bytes(image_bytes(IMAGE[:1, :2]))
    with pytest.raises(DataError, match=r"t10k-images.*images of 2 x 4 found, expected 3 x 4"):
        load_dataset(folder)


def test_a_folder_without_the_four_files_says_which_is_missing(folder: Path, tmp_path: Path) -> None:
    (folder / "test-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte is missing, expected it plain or as .gz"):
        load_dataset(folder)

    with pytest.raises(DataError, match="no such folder"):
        load_dataset(folder / "nothing")
    with pytest.raises(DataError, match="cannot be read"):
        load_dataset("a" * 100_000)
    with pytest.raises(DataError, match="not a folder"):
        load_dataset(folder / "train-images-idx3-ubyte")
    (tmp_path / "bare").mkdir()
    with pytest.raises(DataError, match="no IDX files found, expected train-images-idx3-ubyte, "):
        load_dataset(tmp_path / "bare")


def test_a_folder_with_two_sets_of_emnist_is_ambiguous(tmp_path: Path) -> None:
    for name in ("digits", "letters"):
        (tmp_path / f"emnist-{name}-train-labels-idx1-ubyte").write_bytes(label_bytes(LABEL))

    with pytest.raises(DataError, match=r"several sets found \(emnist-digits, emnist-letters\)"):
        load_dataset(tmp_path)


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(SettingsError, match="limit=0, expected at least 1"):
        load_dataset(limit=0)


def test_what_was_read_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(image_bytes(IMAGE))

    assert not read_idx(tmp_path / "images", IMAGES).values.flags.writeable
