"""The data: real digits, and MNIST from the files people have, whole or damaged."""

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from minijax.course.data import load_digits, load_mnist, read_idx

FIXTURE = Path(__file__).parent / "data"
STEMS = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
]


def contents(stem):
    """The bytes of a fixture file, unzipped."""
    if stem.startswith("train"):
        return gzip.decompress((FIXTURE / f"{stem}.gz").read_bytes())
    return (FIXTURE / stem).read_bytes()


@pytest.fixture
def mnist(tmp_path):
    """A folder with the four files, unzipped, for a test to damage."""
    for stem in STEMS:
        (tmp_path / stem).write_bytes(contents(stem))
    return tmp_path


def idx(code, *shape, values=b""):
    return struct.pack(f">4B{len(shape)}I", 0, 0, code, len(shape), *shape) + values


def test_digits_are_split_without_loss_and_always_the_same():
    from sklearn import datasets

    digits, again, original = load_digits(), load_digits(), datasets.load_digits()
    rows = np.concatenate([digits.train_images, digits.test_images])
    assert sorted(map(tuple, rows)) == sorted(map(tuple, original.data.astype("f4") / 16))
    assert all(np.array_equal(x, y) for x, y in zip(digits, again))
    train, test = ({tuple(row) for row in images} for images in (digits[0], digits[2]))
    assert not train & test
    assert set(digits.train_labels) == set(digits.test_labels) == set(range(10))
    assert [len(x) for x in digits] == [1437, 1437, 360, 360]


def test_digits_keep_their_labels():
    from sklearn import datasets

    original = datasets.load_digits()
    label = {tuple(row): y for row, y in zip(original.data / 16, original.target)}
    digits = load_digits()
    assert all(label[tuple(x)] == y for x, y in zip(digits[0], digits[1]))
    assert all(label[tuple(x)] == y for x, y in zip(digits[2], digits[3]))


@pytest.mark.parametrize("load", [load_digits, lambda flatten=True: load_mnist(FIXTURE, flatten)])
def test_images_are_float32_in_the_unit_interval(load):
    flat, square = load(), load(flatten=False)
    for images in (flat.train_images, flat.test_images):
        assert images.dtype == np.float32 and images.min() == 0 and images.max() == 1
    assert flat.train_labels.dtype == flat.test_labels.dtype == np.int32
    assert square.train_images.shape[1:] == (8, 8)
    np.testing.assert_array_equal(square.test_images.reshape(-1, 64), flat.test_images)


def test_mnist_files_hold_the_digits_they_were_made_from():
    from sklearn import datasets

    digits, mnist = datasets.load_digits(), load_mnist(FIXTURE, flatten=False)
    images = np.concatenate([mnist.train_images, mnist.test_images])
    np.testing.assert_allclose(images, digits.images[:16] / 16, atol=0.5 / 255)
    assert [*mnist.train_labels, *mnist.test_labels] == digits.target[:16].tolist()


@pytest.mark.parametrize("folder", [".", "raw", "MNIST/raw"])
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("dot", [False, True])
def test_every_layout_people_have_gives_the_same(tmp_path, folder, zipped, dot):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for stem in STEMS:
        name = stem.replace("-idx", ".idx") if dot else stem
        data = gzip.compress(contents(stem)) if zipped else contents(stem)
        (tmp_path / folder / (name + ".gz" * zipped)).write_bytes(data)
    for got, expected in zip(load_mnist(str(tmp_path)), load_mnist(FIXTURE)):
        np.testing.assert_array_equal(got, expected)


def test_a_file_unzipped_by_the_browser_under_its_old_name_is_read(mnist):
    (mnist / STEMS[0]).rename(mnist / f"{STEMS[0]}.gz")
    np.testing.assert_array_equal(load_mnist(mnist)[0], load_mnist(FIXTURE)[0])


def test_absent_files_are_all_named_with_where_to_look(mnist):
    for stem in STEMS[2:]:
        (mnist / stem).unlink()
    (mnist / STEMS[3]).mkdir()  # some unpackers make a folder of that name
    with pytest.raises(FileNotFoundError) as raised:
        load_mnist(mnist)
    text = str(raised.value)
    assert all(stem in text for stem in STEMS)
    assert text.count("not found") == 2
    assert all(str(mnist / sub) in text for sub in (".", "raw", "MNIST/raw"))
    assert "https://" in text and "torchvision" in text


def test_a_missing_folder_is_called_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder .*nowhere"):
        load_mnist(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "starts with nothing"),
        (b"<html>404", "starts with 3c 68 74 6d"),
        (idx(0x07, 2, values=b"ab"), "starts with 00 00 07 01"),
        (bytes([0, 0, 8, 0]), "starts with 00 00 08 00"),
        (bytes([0, 0, 8, 3, 0, 0]), "ends inside its header: 6 bytes of 16"),
        (idx(8, 3, 2, 2, values=bytes(11)), r"truncated.*\(3, 2, 2\), 28 bytes in all.*has 27"),
        (idx(8, 3, 2, 2, values=bytes(13)), "too long.*28 bytes in all.*has 29"),
        (idx(8, 2**32 - 1, 2**32 - 1, 2**32 - 1), "truncated"),
        (gzip.compress(bytes(100))[:-20], "damaged gzip file of"),
        (b"\x1f\x8b" + bytes(40), "damaged gzip file of 42 bytes"),
        (gzip.compress(bytes(range(100)))[:30] + b"?" * 90, "damaged gzip"),
    ],
)
def test_a_damaged_file_is_named_with_what_was_read(mnist, data, said):
    (mnist / STEMS[0]).write_bytes(data)
    with pytest.raises(ValueError, match=f"(?s){STEMS[0]}.*{said}"):
        load_mnist(mnist)


def test_files_that_do_not_belong_together_are_refused(mnist):
    shutil.copy(mnist / STEMS[1], mnist / STEMS[3])
    with pytest.raises(ValueError, match=r"t10k-images.* 4 images .*t10k-labels.* 12 labels"):
        load_mnist(mnist)
    shutil.copy(mnist / STEMS[0], mnist / STEMS[1])
    with pytest.raises(ValueError, match=r"train-labels.*\[12, 8, 8\]; labels \(n,\)"):
        load_mnist(mnist)
    (mnist / STEMS[1]).write_bytes(idx(8, 12, values=bytes(11) + b"\x0a"))
    with pytest.raises(ValueError, match="the label 10; digits are 0 to 9"):
        load_mnist(mnist)


def test_training_and_test_images_must_have_one_size(mnist):
    (mnist / STEMS[2]).write_bytes(idx(8, 4, 2, 2, values=bytes(16)))
    with pytest.raises(ValueError, match=r"\(8, 8\).*\(2, 2\).*not parts of one data set"):
        load_mnist(mnist)


@pytest.mark.parametrize("code, dtype", [(9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4")])
def test_read_idx_reads_the_other_types(tmp_path, code, dtype):
    array = np.array([[1, -2, 3], [-4, 5, -6]], dtype)
    (tmp_path / "file").write_bytes(idx(code, 2, 3, values=array.tobytes()))
    got = read_idx(tmp_path / "file")
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(got, array)
