"""IDX files: what is read, and the message for each file that cannot be read."""

from __future__ import annotations

import gzip
import os
import random
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from lenet.data import load_mnist_images, load_mnist_labels
from lenet.data.idx import MAX_BYTES, MAX_MEMBERS, read_idx
from lenet.errors import DataError
from tests.helpers.examples import examples
from tests.helpers.fuzz import Record, assert_one_line, fuzz

Bytes = NDArray[np.uint8]


def image_bytes(images: Bytes, magic: int = 2051) -> bytes:
    return struct.pack(">4I", magic, *images.shape) + images.tobytes()


def label_bytes(labels: Bytes, magic: int = 2049) -> bytes:
    return struct.pack(">2I", magic, len(labels)) + labels.tobytes()


IMAGE = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
LABEL = np.array([3, 9], np.uint8)


def error_of(path: Path, load: Callable[[Path], object] = load_mnist_images) -> str:
    """The message, one line, with which a file is refused."""
    with pytest.raises(DataError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


# What is read ------------------------------------------------------------------------------------


@examples(40)
@given(
    images=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=6)),
    pack=st.sampled_from([bytes, gzip.compress]),
)
def test_images_of_any_size_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, images: Bytes, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path_factory.mktemp("idx") / "images"
    path.write_bytes(pack(image_bytes(images)))

    loaded = load_mnist_images(path)

    assert loaded.dtype == np.uint8
    assert loaded.flags.writeable
    np.testing.assert_array_equal(loaded, images)


@examples(40)
@given(labels=hnp.arrays(np.uint8, st.integers(1, 50)), pack=st.sampled_from([bytes, gzip.compress]))
def test_labels_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, labels: Bytes, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path_factory.mktemp("idx") / "labels"
    path.write_bytes(pack(label_bytes(labels)))

    np.testing.assert_array_equal(load_mnist_labels(path), labels)


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_any_damage_is_one_clear_error_and_never_wrong_pixels(
    tmp_path: Path, record_property: Record, count: int
) -> None:
    path = tmp_path / "images"
    plain = image_bytes(IMAGE)

    def trial(rng: random.Random) -> None:
        sound = rng.choice([plain, gzip.compress(plain, mtime=0)])
        damaged = bytearray(sound)
        if rng.random() < 0.5:
            del damaged[rng.randrange(len(sound)) :]
        else:
            damaged[rng.randrange(len(sound))] ^= rng.randrange(1, 256)
        path.write_bytes(damaged)
        try:
            loaded = load_mnist_images(path)
        except DataError as error:
            assert_one_line(error, path)
            return
        # A plain file has no checksum, so a flipped pixel is not noticed. In gzip's own
        # header, the time stamp and the like do not matter.
        assert loaded.shape == IMAGE.shape
        if sound != plain:
            np.testing.assert_array_equal(loaded, IMAGE)

    fuzz(record_property, "damaged IDX files", count, trial)


def test_a_gzip_file_of_several_members_is_read_as_one(tmp_path: Path) -> None:
    raw = image_bytes(IMAGE)
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(raw[:20]) + gzip.compress(raw[20:]) + gzip.compress(b""))

    np.testing.assert_array_equal(load_mnist_images(path), IMAGE)


def test_the_paths_of_the_report_work_with_backslashes_and_without_gz(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "MNISTdata").mkdir()
    (tmp_path / "MNISTdata" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(image_bytes(IMAGE)))

    np.testing.assert_array_equal(load_mnist_images("MNISTdata\\train-images-idx3-ubyte"), IMAGE)


@pytest.mark.skipif(os.name == "nt", reason="backslashes are separators there")
def test_a_file_whose_name_has_a_backslash_is_still_found(tmp_path: Path) -> None:
    path = tmp_path / "a\\b"
    path.write_bytes(label_bytes(LABEL))

    np.testing.assert_array_equal(load_mnist_labels(path), LABEL)


# What is refused ---------------------------------------------------------------------------------


def test_a_missing_file_is_named_with_what_was_looked_for(tmp_path: Path) -> None:
    assert "no such file" in error_of(tmp_path / "nothing")


def test_a_folder_is_not_a_data_file(tmp_path: Path) -> None:
    assert "a folder, expected an IDX file" in error_of(tmp_path)


def test_a_path_that_no_system_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a usable path"):
        load_mnist_images("a" * 100_000)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty file, expected IDX images"),
        (b"\0\0", "2 bytes found, expected a header of 16"),
        (image_bytes(IMAGE)[:12], "12 bytes found, expected a header of 16"),
        (label_bytes(LABEL), r"magic number 2049 (IDX labels), expected 2051 (IDX images)"),
        (b"PNG and so on", "magic number 1347307296, expected 2051"),
        (image_bytes(IMAGE)[:-1], "23 bytes found after the header, expected 24 (2 x 3 x 4)"),
        (image_bytes(IMAGE) + b"\0", "trailing bytes, expected 24 bytes after the header (2 x 3 x 4)"),
        (image_bytes(IMAGE[:0]), "holds nothing (0 x 3 x 4)"),
        (struct.pack(">4I", 2051, 10_000, 10_000, 10_000), f"1000000000000 bytes, expected at most {MAX_BYTES}"),
    ],
    ids=["empty", "two bytes", "half a header", "labels", "no IDX", "truncated", "trailing", "nothing", "huge"],
)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_each_kind_of_bad_content_says_found_and_expected(
    tmp_path: Path, content: bytes, expected: str, zipped: bool
) -> None:
    path = tmp_path / "bad-file"
    path.write_bytes(gzip.compress(content) if zipped else content)
    if zipped and not content:
        expected = "0 bytes found, expected a header of 16"

    assert expected in error_of(path)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda raw: raw[:-9], "truncated gzip data"),
        (lambda raw: raw[:-1], "truncated gzip data"),
        (lambda raw: raw[:-8] + b"\1\2\3\4" + raw[-4:], "damaged gzip data"),
        (lambda raw: raw + b"more", "trailing bytes after the gzip data"),
        (lambda raw: raw[:2], "truncated gzip data"),
    ],
    ids=["no trailer", "one byte short", "checksum", "trailing", "magic alone"],
)
def test_gzip_damage_is_found(tmp_path: Path, damage: Callable[[bytes], bytes], expected: str) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(damage(gzip.compress(image_bytes(IMAGE), mtime=0)))

    assert expected in error_of(path)


def test_a_small_file_that_unpacks_to_much_more_than_its_header_says_is_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(image_bytes(IMAGE) + bytes(50_000_000)))

    tracemalloc.start()
    message = error_of(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert "trailing bytes" in message
    assert peak < 1_000_000


def test_a_header_that_promises_gigabytes_does_not_allocate_them(tmp_path: Path) -> None:
    path = tmp_path / "liar.gz"
    path.write_bytes(gzip.compress(struct.pack(">4I", 2051, 500, 1000, 1000) + bytes(10)))

    tracemalloc.start()
    message = error_of(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert "10 bytes found after the header, expected 500000000" in message
    assert peak < 1_000_000


def empty_members(count: int) -> bytes:
    return gzip.compress(b"", mtime=0) * count


def test_gzip_files_of_several_members_are_read_as_one(tmp_path: Path) -> None:
    raw = image_bytes(IMAGE)
    path = tmp_path / "images.gz"
    parts = [raw[:3], raw[3:17], raw[17:]]
    path.write_bytes(empty_members(5) + b"".join(gzip.compress(part) for part in parts) + empty_members(3))

    np.testing.assert_array_equal(read_idx(path, 2051).values, IMAGE)


@pytest.mark.parametrize("count", [MAX_MEMBERS, 80_000])
def test_a_gzip_file_of_very_many_members_is_refused(tmp_path: Path, count: int) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(empty_members(count) + gzip.compress(image_bytes(IMAGE)))

    assert f"found more than {MAX_MEMBERS} gzip files in one" in error_of(path)


def test_the_work_grows_with_the_members_and_not_with_their_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[int] = []
    make = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._made = make(wbits=wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            fed.append(len(data))
            return self._made.decompress(data, most)

        def __getattr__(self, name: str) -> object:
            return getattr(self._made, name)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    for count in (1_000, 4_000):
        fed.clear()
        (tmp_path / f"{count}.gz").write_bytes(empty_members(count) + gzip.compress(image_bytes(IMAGE)))
        read_idx(tmp_path / f"{count}.gz", 2051)

        assert sum(fed) < 5_000 * count


def test_a_claim_of_2_gb_of_pixels_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(struct.pack(">4I", 2051, 2**31 - 1, 1, 1) + bytes(30_000_000)))

    tracemalloc.start()
    message = error_of(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert f"the header promises 2147483647 bytes, expected at most {MAX_BYTES}" in message
    assert peak < 1_000_000
